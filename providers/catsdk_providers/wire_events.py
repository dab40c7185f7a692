"""Server-sent events: the JSON values in the bytes of a stream, whatever pieces they come in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["Events", "ReportedError"]

_BOM = b"\xef\xbb\xbf"
_SHOWN = 300


class ReportedError(Exception):
    """The stream reports an error, as `body`, in place of an answer's next piece."""

    def __init__(self, body: object) -> None:
        """Keep the error's body."""
        super().__init__(str(body)[:_SHOWN])
        self.body = body


class Events:
    """Reads the data of events; a line that is not at its end yet waits for the rest.

    Lines end in LF, CR or both, and one byte order mark at the beginning is left out, as the
    standard of server-sent events says. Data that is no JSON object or list (nothing, a ping,
    `[DONE]`) is skipped: `done` says whether `[DONE]` was among it, and `other` keeps the last of
    the rest for a message.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.done = False
        self.other = ""
        self._begun = False
        self._line: list[bytes] = []
        self._after_cr = False
        self._kind = b""
        # The lines of data that are only together a value.
        self._data: list[bytes] = []

    def read(self, chunk: bytes) -> Iterator[Any]:
        """Take in the next bytes; gives the values that are complete with them.

        Raises:
            ReportedError: an event of the kind `error`.
            ValueError: an event's data begins as JSON and is none.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join([*self._line, end]) if self._line else end
            self._line.clear()
            yield from self._read(line)
        if rest:
            self._line.append(rest)

    def end(self) -> Iterator[Any]:
        """Take in that no more comes; gives what the last line holds. Raises as `read` does."""
        yield from self.read(b"\n\n")

    def _read(self, line: bytes) -> Iterator[Any]:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        name, _, value = line.strip().partition(b":")
        value = value.strip()
        if name == b"data":
            yield from self._take(value)
        elif name == b"event":
            self._kind = value
        elif name == b"error":
            # llama.cpp's older servers report a failure so.
            raise ReportedError(_json_or_text(value))
        elif not name and not line.strip():
            yield from self._close()

    def _take(self, value: bytes) -> Iterator[Any]:
        if self._data:
            self._data.append(value)
        elif value == b"[DONE]":
            self.done = True
        elif self._kind == b"error" and value:
            body = _json_or_text(value)
            raise ReportedError(body.get("error") or body if isinstance(body, dict) else body)
        elif value[:1] in {b"{", b"["}:
            try:
                parsed = json.loads(value)
            except ValueError:
                # The rest may stand on the next lines of the same event.
                self._data.append(value)
                return
            yield from parsed if isinstance(parsed, list) else [parsed]
        elif value:
            self.other = value[:_SHOWN].decode(errors="replace")

    def _close(self) -> Iterator[Any]:
        """A blank line ends an event."""
        self._kind = b""
        if self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            parsed = json.loads(data)
            yield from parsed if isinstance(parsed, list) else [parsed]


def _json_or_text(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode(errors="replace")
