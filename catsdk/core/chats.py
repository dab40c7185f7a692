"""Reads chats as users have them: OpenAI's and Anthropic's messages, as mappings or SDK objects.

What is read: messages of OpenAI's chat completions and items of its Responses API, messages with
Anthropic's content blocks, those of transformers and of data sets, and the SDKs' own objects. A
message of Anthropic's that holds tool results becomes one message for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError

from catsdk.core.messages import Message, Part, RefusalPart, Role, TextPart, ThinkingPart, ToolCall
from catsdk.core.parts import Fields, UnreadableError, read_part

__all__ = ["UnreadableError", "plain", "read_chat", "read_message"]

# Fields with metadata of a service's reply, or with hints for its caches.
_FACTS = {
    "annotations", "cache_control", "container", "context_management", "id", "model", "phase",
    "status", "stop_details", "stop_reason", "stop_sequence", "type", "usage",
}  # fmt: skip
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
# Values made by the model or a tool, in which null is significant.
_AS_GIVEN = {"arguments", "input"}
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


def read_chat(given: Sequence[object]) -> tuple[Message, ...]:
    """Read the messages of a chat.

    Calls without an id get one, and a tool's message that names no call answers the first one that
    waits for an answer, as transformers' chats have it.

    Raises:
        UnreadableError: a message cannot be read; the text says which key, part or role, and what
            is accepted. Its `at` is the message's place.
    """
    read: list[Message] = []
    for at, each in enumerate(given):
        try:
            new = read_message(each, read)
        except UnreadableError as error:
            error.at = at
            raise
        if new and not isinstance(each, Message) and _continues(read, new[0]):
            read[-1] = read[-1].model_copy(
                update={"tool_calls": (*read[-1].tool_calls, *new.pop(0).tool_calls)}
            )
        read += new
    return tuple(read)


def read_message(given: object, before: Sequence[Message] = ()) -> list[Message]:
    """Read one message, which may be several: each result of a tool is one of its own.

    Args:
        given: The message.
        before: The messages that stand before it, whose calls it may answer.

    Raises:
        UnreadableError: it cannot be read.
    """
    if isinstance(given, Message):
        return [given]
    mapping = plain(given)
    if not isinstance(mapping, Mapping):
        raise UnreadableError("it is neither a message nor a mapping")
    message = Fields("a message", cast("Mapping[str, Any]", mapping))
    kind = message.left.get("type")
    if "role" not in message.left and kind is not None:
        return _item(message)
    role = message.take("role")
    if role is None:
        raise UnreadableError("at 'role': Field required")
    if role not in get_args(Role):
        raise UnreadableError(
            f"the role {role!r:.60} is not known; known are {', '.join(get_args(Role))}"
        )
    return _message(message, cast("Role", role), before, of_sdk=isinstance(given, BaseModel))


def plain(value: object) -> object:
    """The value without the objects of SDKs, and without keys whose value is `None`.

    Tables (Arrow, Parquet, data sets) give every message, and every part of one, the keys of all
    the others. What a tool is given stays as it is.

    Args:
        value: A mapping, a list, an object of an SDK, or anything else.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True, warnings=False)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value).items()
        return {
            name: each if name in _AS_GIVEN else plain(each)
            for name, each in fields
            if each is not None
        }
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("Sequence[object]", value)]
    return value


def _message(
    message: Fields, role: Role, before: Sequence[Message], *, of_sdk: bool
) -> list[Message]:
    missing = "content" not in message.left
    content = _content(message.take("content"))
    calls = [*content.calls, *_tool_calls(message, len(before))]
    # Some services send thinking twice, under two names.
    thoughts = [text for name in _THOUGHTS if (text := message.maybe(name))]
    content.parts[:0] = [ThinkingPart(text=text) for text in thoughts[:1]]
    if refusal := message.maybe("refusal"):
        content.parts.append(RefusalPart(text=refusal))
    if missing and not calls and not content.parts:
        raise UnreadableError("at 'content': Field required")
    for old in ("function_call", "audio"):
        if message.take(old) is not None:
            raise UnreadableError(f"the key {old!r} is not accepted; give tool_calls or a text")
    made = {
        "role": role,
        "content": content.joined,
        "name": message.maybe("name"),
        "tool_calls": tuple(calls),
        "tool_call_id": message.maybe("tool_call_id"),
        "is_error": message.take("is_error") is True,
    }
    if not of_sdk:
        message.end(_FACTS)
    if role == "tool" and made["tool_call_id"] is None:
        made["tool_call_id"] = _awaited(before, made["name"])
    # A message of Anthropic's with only tool results becomes those results.
    if content.results and not content.parts:
        return content.results
    return [*content.results, _made(made)]


def _made(fields: Mapping[str, Any]) -> Message:
    try:
        return Message.model_validate({n: v for n, v in fields.items() if v or n == "content"})
    except ValidationError as error:
        (first, *_) = error.errors()
        raise UnreadableError(first["msg"].removeprefix("Value error, ")) from error


@dataclass
class _Content:
    """The parts of a content, in their order."""

    is_text: bool = False
    parts: list[Part] = field(default_factory=list[Part])
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    results: list[Message] = field(default_factory=list[Message])

    @property
    def joined(self) -> str | tuple[Part, ...]:
        """The content of the message: a text remains a text."""
        only = self.parts[0] if len(self.parts) == 1 else None
        if self.is_text and isinstance(only, TextPart):
            return only.text
        return tuple(self.parts) or ""


def _content(given: object) -> _Content:
    if isinstance(given, str):
        return _Content(is_text=True, parts=[TextPart(text=given)] if given else [])
    if given is not None and not isinstance(given, list):
        raise UnreadableError(f"at 'content': {given!r:.60} is neither a text nor a list of parts")
    found = _Content()
    blocks: list[Any] = given or []  # pyright: ignore[reportUnknownVariableType]
    for each in blocks:
        kind = _type_of(each)
        if kind == "tool_use":
            found.calls.append(_tool_use(Fields("a tool_use", each)))
        elif kind == "tool_result":
            found.results.append(_tool_result(Fields("a tool_result", each)))
        else:
            found.parts.append(read_part(each))
    return found


def _type_of(part: object) -> object:
    return cast("Mapping[str, Any]", part).get("type") if isinstance(part, Mapping) else None


def _tool_use(block: Fields) -> ToolCall:
    call = ToolCall(
        id=block.text("id"), name=block.text("name"), arguments=_arguments(block.take("input"))
    )
    block.end({"type", "cache_control", "caller"})
    return call


def _tool_result(block: Fields) -> Message:
    content = _content(block.take("content"))
    if content.results or content.calls:
        raise UnreadableError("a tool_result holds tool blocks; give texts, images or documents")
    result = _made(
        {
            "role": "tool",
            "content": content.joined,
            "tool_call_id": block.text("tool_use_id"),
            "is_error": block.take("is_error") is True,
        }
    )
    block.end({"type", "cache_control"})
    return result


def _tool_calls(message: Fields, at: int) -> Iterable[ToolCall]:
    given = message.take("tool_calls")
    if given is None:
        return
    if not isinstance(given, list):
        raise UnreadableError(f"at 'tool_calls': {given!r:.60} is not a list of calls")
    for index, each in enumerate(cast("list[object]", given)):
        if isinstance(each, ToolCall):
            yield each
            continue
        if not isinstance(each, Mapping):
            raise UnreadableError(f"at 'tool_calls': {each!r:.60} is not a mapping")
        call = Fields("a tool call", cast("Mapping[str, Any]", each))
        if (kind := call.take("type")) not in (None, "function"):
            raise UnreadableError(
                f"a tool call of the type {kind!r:.60} is not accepted; accepted is 'function'"
            )
        function = call.inside("function") if "function" in call.left else call
        yield ToolCall(
            # The place in the chat makes the id unique.
            id=call.maybe("id") or f"call-{at}-{index}",
            name=function.text("name"),
            arguments=_arguments(function.take("arguments")),
        )
        function.end({"index", "id"})
        call.end({"index", "extra_content"})


def _arguments(given: object) -> str:
    if given is None:
        return "{}"
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _awaited(before: Sequence[Message], name: object) -> str:
    """The id of the first unanswered call, of the named tool if there is a name."""
    answered = {message.tool_call_id for message in before if message.role == "tool"}
    open_ = [call for message in before for call in message.tool_calls if call.id not in answered]
    of_name = [call for call in open_ if call.name == name]
    if not open_ or (name and not of_name):
        raise UnreadableError(
            "a tool message has no tool_call_id and no call before it waits for an answer; give"
            " the id of the call that it answers"
        )
    return (of_name or open_)[0].id


def _continues(before: Sequence[Message], message: Message) -> bool:
    """Whether a message holds only calls, which belong to the assistant's previous message."""
    bare = message.role == "assistant" and not message.content and bool(message.tool_calls)
    return bare and bool(before) and before[-1].role == "assistant"


def _item(item: Fields) -> list[Message]:
    """An item of OpenAI's Responses API."""
    kind = item.take("type")
    if kind == "reasoning":
        # Its content is meaningful to that API only.
        return []
    if kind == "function_call":
        call = ToolCall(
            id=item.text("call_id"),
            name=item.text("name"),
            arguments=_arguments(item.take("arguments")),
        )
        return [Message(role="assistant", content="", tool_calls=(call,))]
    if kind == "function_call_output":
        output = _content(item.take("output")).joined
        return [_made({"role": "tool", "content": output, "tool_call_id": item.text("call_id")})]
    if kind == "message":
        raise UnreadableError("at 'role': Field required")
    raise UnreadableError(
        f"an item of the type {kind!r:.60} is not accepted; accepted are {', '.join(_ITEMS)}"
    )
