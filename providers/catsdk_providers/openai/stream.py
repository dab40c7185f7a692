"""A streamed reply, put together to the form that it has when it is sent whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catsdk_providers.http.events import Events, ReportedError
from catsdk_providers.http.parts import parts_of, thinking_in
from catsdk_providers.http.text import NOT_THE_WIRE, Mending
from catsdk_providers.http.words import says_something

__all__ = ["Collected", "ReportedError"]

# An answer is streamed alone. Chunks of other indexes are kept only to be told from it.
_MOST_CHOICES = 8
_MOST_CALLS = 64


@dataclass
class _Call:
    """The pieces of a call of a function."""

    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list[str])

    def body(self) -> dict[str, Any]:
        """The call as it is in a whole reply."""
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "function": function}


@dataclass
class _Choice:
    """The pieces of one choice."""

    text: Mending = field(default_factory=Mending)
    thinking: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    calls: dict[int, _Call] = field(default_factory=dict[int, "_Call"])
    logprobs: list[Any] = field(default_factory=list[Any])
    finish_reason: Any = None
    error: Any = None
    some: bool = False

    def body(self, index: int, *, done: bool) -> dict[str, Any]:
        """The choice as it is in a whole reply."""
        message = {
            "content": self.text.text,
            "reasoning_content": "".join(self.thinking),
            "refusal": "".join(self.refusal),
            "tool_calls": [self.calls[at].body() for at in sorted(self.calls)],
        }
        return {
            "index": index,
            "message": message,
            "finish_reason": self.finish_reason or ("stop" if done else None),
            "logprobs": {"content": self.logprobs} if self.logprobs else None,
            "error": self.error,
        }


class Collected:
    """The chunks read so far. An endpoint that ignores `stream` sends a whole reply instead.

    `add` and `end` give the text of choice 0 as it grows. Where there is none, the answer is the
    choice of the lowest index, and `body` has its text.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.usage: Any = None
        self.model: str | None = None
        # What a choice held that is not of the wire.
        self.broken: Exception | None = None
        self._choices: dict[int, _Choice] = {}
        self._error: Any = None
        self._events = Events()

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end: by a finish reason, an error, or `[DONE]`."""
        first = self._first()
        if self.whole is not None:
            return True
        if first is None:
            return False
        ended = first.finish_reason is not None or first.error is not None
        return ended or (self._events.done and first.some)

    @property
    def done(self) -> bool:
        """Whether the stream said that it is over."""
        return self._events.done

    @property
    def other(self) -> str:
        """What the stream said that is not an event of the wire."""
        return self._events.other

    def add(self, chunk: bytes) -> str:
        """Take in the next bytes; returns the text in them.

        Raises:
            ReportedError: they report an error.
            ValueError: they are not a chunk of the wire (also any of `http.text.NOT_THE_WIRE`).
        """
        return self._take(self._events.read(chunk))

    def add_chunk(self, chunk: dict[str, Any]) -> str:
        """Take in a chunk that was parsed already; returns the text in it. Raises as `add` does."""
        return self._take([chunk])

    def end(self) -> str:
        """Take in that no more comes; returns the text that was held back. Raises as `add` does."""
        text = self._take(self._events.end())
        first = self._choices.get(0)
        return text + first.text.end() if first is not None else text

    @property
    def whole(self) -> bytes | None:
        """The bytes of a reply that came whole, where a stream was asked for."""
        return self._events.whole

    def body(self) -> dict[str, Any]:
        """The streamed reply, as it is when it is sent whole."""
        for index, choice in self._choices.items():
            if index:
                choice.text.end()
        done = self._events.done
        return {
            "choices": [each.body(at, done=done) for at, each in sorted(self._choices.items())],
            "usage": self.usage,
            "model": self.model,
            "error": self._error,
        }

    def _first(self) -> _Choice | None:
        return self._choices[min(self._choices)] if self._choices else None

    def _take(self, chunks: Iterable[Any]) -> str:
        return "".join([self._read(chunk) for chunk in chunks if isinstance(chunk, dict)])

    def _read(self, chunk: dict[str, Any]) -> str:
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            choices = []
        if chunk.get("error") and says_something(chunk["error"]):
            if not choices:
                raise ReportedError(chunk["error"])
            self._error = chunk["error"]
        elif not choices and chunk.get("object") == "error":
            raise ReportedError(chunk)
        self.usage = chunk.get("usage") or self.usage
        model = chunk.get("model")
        self.model = model if isinstance(model, str) and model else self.model
        chosen = (choice for choice in choices[:_MOST_CHOICES] if isinstance(choice, dict))
        try:
            return "".join([self._piece(choice) for choice in chosen])
        except NOT_THE_WIRE as error:
            # The usage still comes, at the end of the stream.
            self.broken = self.broken or error
            return ""

    def _piece(self, choice: dict[str, Any]) -> str:
        index = choice.get("index")
        index = index if isinstance(index, int) and index > 0 else 0
        if index not in self._choices and len(self._choices) >= _MOST_CHOICES:
            return ""
        kept = self._choices.get(index)
        if kept is None:
            kept = self._choices[index] = _Choice()
        delta = choice.get("delta")
        if isinstance(delta, dict) and len(delta) == 1 and type(delta.get("content")) is str:
            # The usual chunk, of which an answer has thousands.
            kept.some = kept.some or bool(delta["content"])
            piece = kept.text.feed(delta["content"])
            self._end(choice, kept)
            return "" if index else piece
        delta = _delta(choice, kept)
        parts = parts_of(delta.get("content"))
        kept.thinking.append(thinking_in(delta) or parts.thinking)
        told = delta.get("refusal")
        kept.refusal.append((told if isinstance(told, str) else "") or parts.refusal)
        _add_calls(kept.calls, delta.get("tool_calls"))
        kept.some = kept.some or bool(parts.answer or kept.calls or any(kept.refusal[-1:]))
        piece = kept.text.feed(parts.answer)
        self._end(choice, kept)
        return "" if index else piece

    def _end(self, choice: dict[str, Any], kept: _Choice) -> None:
        """Take in what stands beside the delta."""
        logprobs = choice.get("logprobs")
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        if isinstance(content, list):
            kept.logprobs += content
        kept.finish_reason = choice.get("finish_reason") or kept.finish_reason
        error = choice.get("error")
        if error and says_something(error):
            kept.error = error


def _delta(choice: dict[str, Any], kept: _Choice) -> dict[str, Any]:
    """What a chunk adds to a choice; some servers put it under `message`, or as `text`."""
    if isinstance(choice.get("delta"), dict) and choice["delta"]:
        return choice["delta"]  # type: ignore[no-any-return]
    message = choice.get("message")
    if isinstance(message, dict):
        # Behind deltas it is the whole message once more.
        whole = kept.some and choice.get("finish_reason") and "delta" in choice
        return {} if whole else message
    return {"content": choice["text"]} if isinstance(choice.get("text"), str) else {}


def _add_calls(calls: dict[int, _Call], deltas: object) -> None:
    """Put the pieces of function calls together; anything else is left out."""
    for at, delta in enumerate(deltas if isinstance(deltas, list) else ()):
        function = delta.get("function") if isinstance(delta, dict) else None
        if not isinstance(function, dict):
            continue
        index = delta.get("index")
        index = index if isinstance(index, int) else at
        if index not in calls and len(calls) >= _MOST_CALLS:
            continue
        call = calls.setdefault(index, _Call())
        call.id = delta.get("id") or call.id
        call.name = function.get("name") or call.name
        given = function.get("arguments")
        if given is not None:
            call.arguments.append(given if isinstance(given, str) else json.dumps(given))
