"""A streamed reply, put together to the form that it has when it is sent whole."""

from __future__ import annotations

from typing import Any

from catsdk_providers.wire_events import Events, ReportedError
from catsdk_providers.wire_text import Mending

__all__ = ["Collected", "ReportedError"]


class Collected:
    """The chunks read so far; `finish_reason` is `None` until the answer is complete."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.thinking: list[str] = []
        self.logprobs: list[Any] = []
        self.usage: Any = None
        self.model: str | None = None
        self.finish_reason: str | None = None
        self._events = Events()
        self._text = Mending()

    def add(self, chunk: bytes) -> str:
        """Take in the next bytes of the event stream; returns the text in them.

        Raises:
            ReportedError: they report an error.
            ValueError: they are no chunk of the wire (also any of `openai_wire.NOT_THE_WIRE`).
        """
        return self._text.feed("".join(map(self._read, self._events.read(chunk))))

    def add_chunk(self, chunk: dict[str, Any]) -> str:
        """Take in a chunk that was parsed already; returns the text in it. Raises as `add` does."""
        return self._text.feed(self._read(chunk))

    def end(self) -> str:
        """Take in that no more comes; returns the text that was held back for it."""
        return self._text.end()

    def body(self) -> dict[str, Any]:
        """The whole reply."""
        message = {
            "content": self._text.text,
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
