"""Converts messages to the chat-completions wire: parts, tool calls and their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catsdk.core import messages as chats

__all__ = ["OPENAI", "messages_of"]

OPENAI = "https://api.openai.com/v1"
"""OpenAI's own endpoint, which alone knows the role `developer` and takes no thinking back."""


def messages_of(
    messages: Sequence[chats.Message], *, endpoint: str | None = None
) -> list[dict[str, Any]]:
    """The messages as the wire has them.

    At other endpoints than OpenAI's own, `developer` becomes `system`, a refusal is a text, and
    thinking that is not signed goes along as `reasoning_content`. Signed thinking is left out: only
    the service that signed it takes it.

    Args:
        messages: The chat.
        endpoint: Where it goes.
    """
    return [_message(message, own=endpoint == OPENAI) for message in messages]


def _message(message: chats.Message, *, own: bool) -> dict[str, Any]:
    role = "system" if message.role == "developer" and not own else message.role
    given: dict[str, Any] = {
        "role": role,
        "content": _content(message, own=own),
        "name": message.name,
        "tool_calls": [_call(call) for call in message.tool_calls] or None,
        "tool_call_id": message.tool_call_id,
        "reasoning_content": None if own else _unsigned(message.content),
    }
    # Beside calls the wire has a content that is null, and nowhere else.
    return {name: value for name, value in given.items() if value is not None or name == "content"}


def _content(message: chats.Message, *, own: bool) -> str | list[dict[str, Any]] | None:
    if isinstance(message.content, str):
        return message.content or (None if message.tool_calls else "")
    said = [part for part in message.content if not isinstance(part, chats.ThinkingPart)]
    parts = [_part(part, own=own) for part in said]
    if message.role == "assistant" and all(part["type"] == "text" for part in parts):
        # Many servers take an assistant's content as a text only.
        return message.text or (None if message.tool_calls else "")
    return parts


def _part(part: chats.Part, *, own: bool) -> dict[str, Any]:
    if isinstance(part, chats.ImagePart):
        image = {"url": part.url} | ({"detail": part.detail} if part.detail else {})
        return {"type": "image_url", "image_url": image}
    if isinstance(part, chats.AudioPart):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, chats.FilePart):
        file = {"file_data": part.url, "file_id": part.id, "filename": part.name}
        return {"type": "file", "file": {name: each for name, each in file.items() if each}}
    if isinstance(part, chats.RefusalPart) and own:
        return {"type": "refusal", "refusal": part.text}
    assert isinstance(part, chats.TextPart | chats.RefusalPart)
    return {"type": "text", "text": part.text}


def _call(call: chats.ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _unsigned(content: str | Sequence[chats.Part]) -> str | None:
    if isinstance(content, str):
        return None
    thinking = [part for part in content if isinstance(part, chats.ThinkingPart)]
    return "".join(part.text for part in thinking if not part.signature) or None
