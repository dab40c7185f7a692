"""A streamed reply, put together to the form that it has when it is sent whole."""

from __future__ import annotations

import json
from typing import Any

from catsdk.core.errors import MalformedResponseError

__all__ = ["Collected"]


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

    def add_line(self, line: str) -> str:
        """Take in a line of the event stream; returns its piece of text.

        Raises:
            MalformedResponseError: the line is no chunk, or reports an error.
        """
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            return ""
        try:
            chunk: Any = json.loads(data)
            if "error" not in chunk:
                return self._add(chunk)
        except (ValueError, TypeError, AttributeError):
            raise MalformedResponseError(f"the stream holds no chunk: {data[:200]!r}") from None
        raise MalformedResponseError(f"the stream reports an error: {data[:200]!r}")

    def _add(self, chunk: dict[str, Any]) -> str:
        self.usage = chunk.get("usage") or self.usage
        self.model = chunk.get("model") or self.model
        text = ""
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            self.thinking.append(delta.get("reasoning_content") or delta.get("reasoning") or "")
            self.logprobs += (choice.get("logprobs") or {}).get("content") or []
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.pieces.append(text)
        return text

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
