"""A streamed reply, put together to the form that it has when it is sent whole."""

from __future__ import annotations

import json
from typing import Any

from catsdk_providers.openai_wire import mended

__all__ = ["Collected", "ReportedError"]


class ReportedError(Exception):
    """The stream reports an error, as `body`, in place of a chunk."""

    def __init__(self, body: object) -> None:
        """Keep the error's body."""
        super().__init__(str(body))
        self.body = body


class Collected:
    """The chunks read so far; `finish_reason` is `None` until the answer is complete."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pieces: list[str] = []
        self.thinking: list[str] = []
        self.logprobs: list[Any] = []
        self.usage: Any = None
        self.model: str | None = None
        self.finish_reason: str | None = None
        self._line: list[bytes] = []
        self._half = ""

    def add(self, chunk: bytes) -> str:
        """Take in the next bytes of the event stream; returns the text in them.

        Raises:
            ReportedError: they report an error.
            ValueError: they are no chunk of the wire (also any of `openai_wire.NOT_THE_WIRE`).
        """
        *ends, rest = chunk.split(b"\n")
        text = ""
        for end in ends:
            line = b"".join([*self._line, end]).strip()
            self._line.clear()
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                text += self._read(json.loads(data))
        self._line.append(rest)
        return self._keep(text)

    def add_chunk(self, chunk: dict[str, Any]) -> str:
        """Take in a chunk that was parsed already; returns the text in it. Raises as `add` does."""
        return self._keep(self._read(chunk))

    def end(self) -> str:
        """Take in that no more comes; returns the text that was held back for it."""
        last, self._half = mended(self._half), ""
        self.pieces.append(last)
        return last

    def body(self) -> dict[str, Any]:
        """The whole reply."""
        message = {
            "content": "".join(self.pieces),
            "reasoning_content": "".join(self.thinking) or None,
        }
        choice = {
            "message": message,
            "finish_reason": self.finish_reason,
            "logprobs": {"content": self.logprobs} if self.logprobs else None,
        }
        return {"choices": [choice], "usage": self.usage, "model": self.model}

    def _read(self, chunk: dict[str, Any]) -> str:
        if chunk.get("error"):
            raise ReportedError(chunk["error"])
        self.usage = chunk.get("usage") or self.usage
        self.model = chunk.get("model") or self.model
        text = ""
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            self.thinking.append(delta.get("reasoning_content") or delta.get("reasoning") or "")
            self.logprobs += (choice.get("logprobs") or {}).get("content") or []
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return text

    def _keep(self, text: str) -> str:
        text = self._half + text
        # Servers that count in UTF-16 may cut a character in two.
        whole = len(text) - ("\ud800" <= text[-1:] <= "\udbff")
        self._half, text = text[whole:], mended(text[:whole])
        self.pieces.append(text)
        return text
