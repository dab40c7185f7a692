"""Server-sent events: the JSON values in the bytes of a stream, whatever pieces they come in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["Events", "ReportedError"]


class ReportedError(Exception):
    """The stream reports an error, as `body`, in place of an answer's next piece."""

    def __init__(self, body: object) -> None:
        """Keep the error's body."""
        super().__init__(str(body))
        self.body = body


class Events:
    """Reads the data of events; a line that is not at its end yet waits for the rest."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._line: list[bytes] = []

    def read(self, chunk: bytes) -> Iterator[Any]:
        """Take in the next bytes; gives the values that are complete with them.

        Raises:
            ValueError: an event's data is not JSON.
        """
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join([*self._line, end]).strip()
            self._line.clear()
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                yield json.loads(data)
        self._line.append(rest)
