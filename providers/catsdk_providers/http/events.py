"""Server-sent events: parses the JSON values in a stream of bytes, in pieces of any size."""

from __future__ import annotations

from typing import Any

from catsdk_providers.http.text import loaded

__all__ = ["Events", "ReportedError"]

_BOM = b"\xef\xbb\xbf"
_SHOWN = 300
_MOST_LINES = 10_000


class ReportedError(Exception):
    """The stream reports an error, as `body`, instead of an answer's next piece."""

    def __init__(self, body: object) -> None:
        """Keep the error's body."""
        super().__init__(str(body)[:_SHOWN])
        self.body = body


class Events:
    """Reads the data of events; a line that is not at its end yet waits for the rest.

    An endpoint that ignores `stream` sends a whole reply instead of events: its bytes are `whole`.

    Lines end in LF, CR or both, and one byte order mark at the beginning is left out, as the
    standard of server-sent events says. Data that is no JSON object or list (nothing, a ping,
    `[DONE]`) is skipped: `done` says whether `[DONE]` was among it, and `other` keeps the last of
    the rest for a message.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.done = False
        self.other = ""
        # The bytes of a whole reply; `None` unless the first byte says that it is one.
        self._whole: list[bytes] | None = None
        self._is_told = False
        self._begun = False
        self._line: list[bytes] = []
        self._after_cr = False
        self._kind = b""
        # Lines of data that form a value only together.
        self._data: list[bytes] = []

    @property
    def whole(self) -> bytes | None:
        """The bytes of a reply that came whole, where a stream was asked for."""
        return None if self._whole is None else b"".join(self._whole)

    def read(self, chunk: bytes) -> list[Any]:
        """Take in the next bytes; gives the values that are complete with them.

        Raises:
            ReportedError: an event of the kind `error`.
            ValueError: an event's data begins as JSON and is not JSON.
        """
        if self._is_whole(chunk):
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        while b"\n\n\n" in chunk:
            chunk = chunk.replace(b"\n\n\n", b"\n\n")
        *ends, rest = chunk.split(b"\n")
        values: list[Any] = []
        for end in ends:
            line = end
            if self._line:
                line = b"".join([*self._line, end])
                self._line.clear()
            self._read(line.strip(), values)
        if rest:
            self._line.append(rest)
        return values

    def end(self) -> list[Any]:
        """Take in that no more comes; gives what the last line holds. Raises as `read` does."""
        return [] if self._whole is not None else self.read(b"\n\n")

    def _is_whole(self, chunk: bytes) -> bool:
        """Whether these bytes belong to a reply that is not streamed; store them if so."""
        if not self._is_told and (start := chunk.removeprefix(_BOM).lstrip()):
            self._is_told = True
            if start[:1] in {b"{", b"["}:
                self._whole = []
        if self._whole is not None:
            self._whole.append(chunk)
        return self._whole is not None

    def _read(self, line: bytes, values: list[Any]) -> None:
        if not self._begun and line:
            self._begun = True
            line = line.removeprefix(_BOM)
        if line.startswith(b"data:"):
            self._take(line[5:].strip(), values)
        elif not line:
            self._close(values)
        elif line.startswith(b"event:"):
            self._kind = line[6:].strip()
        elif line.startswith(b"error:"):
            # Older servers of llama.cpp report a failure in this way.
            raise ReportedError(_json_or_text(line[6:].strip()))

    def _take(self, data: bytes, values: list[Any]) -> None:
        if self.done:
            # Data after the end does not belong to an answer.
            return
        if self._data:
            if len(self._data) == _MOST_LINES:
                raise ValueError(f"an event has over {_MOST_LINES:,} lines")
            self._data.append(data)
        elif data == b"[DONE]":
            self.done = True
        elif self._kind == b"error" and data:
            body = _json_or_text(data)
            raise ReportedError(body.get("error") or body if isinstance(body, dict) else body)
        elif data.startswith((b"{", b"[")):
            try:
                _add(loaded(data), values)
            except ValueError:
                # The rest may follow on the next lines of the same event.
                self._data.append(data)
        elif data:
            self.other = data[:_SHOWN].decode(errors="replace")

    def _close(self, values: list[Any]) -> None:
        """A blank line ends an event."""
        self._kind = b""
        if self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            _add(loaded(data), values)


def _add(parsed: Any, values: list[Any]) -> None:
    if isinstance(parsed, list):
        values += parsed
    else:
        values.append(parsed)


def _json_or_text(value: bytes) -> Any:
    try:
        return loaded(value)
    except (ValueError, RecursionError):
        return value.decode(errors="replace")
