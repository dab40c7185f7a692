"""Converts messages for a chat template, also for one that does not support tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from catsdk.core.errors import UnsupportedError
from catsdk.core.messages import AudioPart, FilePart, ImagePart, Message, ThinkingPart, ToolCall

__all__ = ["PROBE", "Turn", "changed", "in_words", "turns_of"]

Turn = dict[str, Any]

_UNREAD = {
    ImagePart: ("an image", "images"),
    AudioPart: ("a recording", "audio"),
    FilePart: ("a file", "files"),
}

PROBE = (
    Message(role="user", content="q"),
    Message(
        role="assistant",
        content="",
        tool_calls=(ToolCall(id="probe12345", name="probedname", arguments='{"probedkey": 1}'),),
    ),
    Message(role="tool", content="probedresult", tool_call_id="probe12345", name="probedname"),
)
"""A conversation with a tool, of which a template that knows tools shows every word."""


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """The messages as templates have them: arguments as objects, thinking beside the content.

    Raises:
        UnsupportedError: a message holds an image, a recording or a file.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_turn(message, names) for message in messages]


def in_words(messages: Sequence[Message]) -> list[Message]:
    """The conversation without tools: calls as words of the assistant, results as the user's.

    What tools give and what the user says then is one message, for templates in which user and
    assistant take turns.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    said: list[Message] = []
    after_results = False
    for message in messages:
        spoken = message
        if message.role == "tool":
            name = names.get(message.tool_call_id or "", message.name or "the tool")
            given = "failed with" if message.is_error else "gave"
            spoken = Message(role="user", content=f"{name} {given}:\n{message.shown}")
        elif message.tool_calls:
            spoken = Message(role="assistant", content=message.shown)
        if after_results and spoken.role == "user":
            joined = f"{said[-1].shown}\n\n{_text(spoken)}"
            said[-1] = Message(role="user", content=joined)
        else:
            said.append(spoken)
        after_results = message.role == "tool"
    return said


def changed(turn: Turn, change: Callable[[str], str]) -> Turn:
    """The turn with each of its texts changed, but for the role."""
    return {
        name: value if name == "role" else _changed(value, change) for name, value in turn.items()
    }


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value).items()
        return {change(name): _changed(each, change) for name, each in fields}
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return value


def _turn(message: Message, names: Mapping[str, str]) -> Turn:
    turn: Turn = {"role": message.role, "content": _text(message)}
    name = message.name or names.get(message.tool_call_id or "")
    thoughts = [part for part in message.parts if isinstance(part, ThinkingPart)]
    thinking = "".join(part.text for part in thoughts if not part.signature)
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.given},
        }
        for call in message.tool_calls
    ]
    more = {
        "name": name,
        "tool_calls": calls,
        "tool_call_id": message.tool_call_id,
        "reasoning_content": thinking,
    }
    return turn | {key: value for key, value in more.items() if value}


def _text(message: Message) -> str:
    for part in message.parts:
        if type(part) in _UNREAD:
            what, capability = _UNREAD[type(part)]
            raise UnsupportedError(
                f"a {message.role} message holds {what}; local models read text only, so leave it"
                f" out or use a provider that takes {capability}",
                capability=capability,
            )
    return message.text
