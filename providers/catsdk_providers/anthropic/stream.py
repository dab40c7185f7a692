"""Assembles a streamed message into the form of a complete reply."""

from __future__ import annotations

import json
from typing import Any

from catsdk_providers.http.events import Events, ReportedError
from catsdk_providers.http.text import Mending

__all__ = ["Collected"]

# The types of deltas, and the field of the block to which each is appended.
_CONTINUES = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
_MOST_BLOCKS = 4096


class Collected:
    """The events read so far; `stop_reason` is `None` until the answer is complete.

    An endpoint that ignores `stream` sends a whole reply, whose bytes are `whole`.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.stop_reason: Any = None
        self._model: str | None = None
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}
        self._events = Events()
        self._text = Mending()

    @property
    def whole(self) -> bytes | None:
        """The bytes of a reply that came whole, where a stream was asked for."""
        return self._events.whole

    def add(self, chunk: bytes) -> str:
        """Take in the next bytes of the event stream; returns the text in them.

        Raises:
            ReportedError: they report an error.
            ValueError: they are not an event of the wire (also any of `http.text.NOT_THE_WIRE`).
        """
        return self._text.feed("".join(map(self._read, self._events.read(chunk))))

    def end(self) -> str:
        """Take in that no more comes; returns the text that was held back. Raises as `add` does."""
        rest = "".join(map(self._read, self._events.end()))
        return self._text.feed(rest) + self._text.end()

    def body(self) -> dict[str, Any]:
        """The whole reply.

        Raises:
            ValueError: the input of a tool is not JSON.
        """
        content = [self._block(at) for at in sorted(self._blocks)]
        return {
            "content": content,
            "stop_reason": self.stop_reason,
            "usage": self._usage,
            "model": self._model,
        }

    def _read(self, event: Any) -> str:
        if not isinstance(event, dict):
            return ""
        kind = event.get("type")
        if kind == "error" or (kind is None and event.get("error")):
            raise ReportedError(event.get("error") or event)
        if kind == "message_start":
            self._model = event["message"].get("model")
            self._count(event["message"].get("usage"))
        elif kind == "content_block_start" and len(self._blocks) < _MOST_BLOCKS:
            self._blocks[int(event["index"])] = dict(event["content_block"])
        elif kind == "content_block_delta":
            return self._continue(event["index"], event["delta"])
        elif kind == "message_delta":
            self.stop_reason = event["delta"].get("stop_reason") or self.stop_reason
            self._count(event.get("usage"))
        return ""

    def _continue(self, at: int, delta: dict[str, Any]) -> str:
        field = _CONTINUES.get(delta["type"])
        if field is None:
            return ""
        if at not in self._blocks:
            # Some gateways omit the start of a block.
            self._blocks[at] = {"type": "tool_use" if field == "partial_json" else field, field: ""}
        piece = delta[field]
        if not isinstance(piece, str):
            raise TypeError(f"a piece of {field} is of type {type(piece).__name__}")
        self._pieces.setdefault((at, field), []).append(piece)
        return piece if field == "text" else ""

    def _count(self, usage: Any) -> None:
        # Counts are cumulative, so the last event replaces those of the first.
        if isinstance(usage, dict):
            self._usage.update({n: count for n, count in usage.items() if count is not None})

    def _block(self, at: int) -> dict[str, Any]:
        block = dict(self._blocks[at])
        for field in ("text", "thinking"):
            if field in block:
                block[field] = (block[field] or "") + "".join(self._pieces.get((at, field), []))
        sent = "".join(self._pieces.get((at, "partial_json"), []))
        return {**block, "input": json.loads(sent)} if sent else block
