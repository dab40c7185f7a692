"""Converts messages to the messages wire: system text, turns, and their content blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from catsdk.core import messages as chats
from catsdk.core.errors import InvalidInputError, UnsupportedError

__all__ = ["CACHED", "mark", "system_of", "turns_of"]

CACHED = {"type": "ephemeral"}

_SYSTEM = {"system", "developer"}
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def system_of(messages: Sequence[chats.Message]) -> list[dict[str, Any]]:
    """The text of system and developer messages, wherever they stand, which goes to the front."""
    return [_text(message.text) for message in messages if message.role in _SYSTEM]


def turns_of(messages: Sequence[chats.Message]) -> list[dict[str, Any]]:
    """The other messages: results of tools that follow each other are one turn of the user.

    Raises:
        InvalidInputError: the URL of an image or a file is neither `https:` nor `data:`.
        UnsupportedError: a message holds a recording.
    """
    turns: list[dict[str, Any]] = []
    after_results = False
    for message in messages:
        if message.role in _SYSTEM:
            continue
        content = [_result(message)] if message.role == "tool" else _blocks(message)
        if not content:
            # A message with only thinking, which only its own service accepts back.
            continue
        role = "assistant" if message.role == "assistant" else "user"
        # The wire requires all results in the turn after the calls, before the user's text.
        if after_results and role == "user":
            turns[-1]["content"] += content
        else:
            turns.append({"role": role, "content": content})
        after_results = message.role == "tool"
    return turns


def mark(system: list[dict[str, Any]], turns: list[dict[str, Any]]) -> None:
    """Mark what equal beginnings share: the system text, and what comes before the last block."""
    if system:
        system[-1]["cache_control"] = CACHED
    before = [block for turn in turns for block in turn["content"]][:-1]
    # A thinking block cannot be marked for the cache.
    markable = [block for block in before if "thinking" not in block["type"]]
    if markable:
        markable[-1]["cache_control"] = CACHED


def _blocks(message: chats.Message) -> list[dict[str, Any]]:
    # The wire has no field for a name.
    name = [_text(f"{message.name}: ")] if message.name and message.role == "user" else []
    if isinstance(message.content, str) and not message.tool_calls:
        return [*name, _text(message.content)]
    parts = [block for part in message.parts if (block := _part(part)) is not None]
    return [*name, *parts, *map(_call, message.tool_calls)]


def _part(part: chats.Part) -> dict[str, Any] | None:
    if isinstance(part, chats.ImagePart):
        return {"type": "image", "source": _source(part.url, "image")}
    if isinstance(part, chats.FilePart):
        source = _source(part.url, "file") if part.url else {"type": "file", "file_id": part.id}
        return {"type": "document", "source": source} | ({"title": part.name} if part.name else {})
    if isinstance(part, chats.AudioPart):
        raise UnsupportedError(
            "a message holds a recording, which Anthropic's wire does not take; leave it out, or"
            " use a provider that takes recordings",
            capability="audio",
        )
    if isinstance(part, chats.ThinkingPart):
        return _thinking(part)
    assert isinstance(part, chats.TextPart | chats.RefusalPart)
    return _text(part.text)


def _thinking(part: chats.ThinkingPart) -> dict[str, Any] | None:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    # The wire accepts only thinking that it has signed.
    return None


def _call(call: chats.ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.given}


def _result(message: chats.Message) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id}
    content = [block for part in message.parts if (block := _part(part)) is not None]
    return {
        **result,
        **({"content": content} if content else {}),
        **({"is_error": True} if message.is_error else {}),
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _source(url: str, what: str) -> dict[str, Any]:
    data = _DATA_URL.fullmatch(url)
    if data is not None:
        return {"type": "base64", "media_type": data[1], "data": data[2]}
    if url.startswith("https://"):
        return {"type": "url", "url": url}
    data_url = "data:image/...;base64," if what == "image" else "data:application/pdf;base64,"
    raise InvalidInputError(
        f"the {what}'s URL begins {url[:20]!r}; give one with https: or {data_url}"
    )
