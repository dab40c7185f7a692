"""Messages and responses of pydantic-ai, converted for an anchor."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from catsdk.core.messages import ImagePart, Message, ToolCall
from catsdk.core.messages import TextPart as Said

__all__ = ["call_of", "conversation", "joined", "text_of"]


def text_of(response: ModelResponse) -> str:
    """The text of a response."""
    return joined(response.parts, TextPart)


def joined(parts: Iterable[ModelResponsePart], kind: type[Any]) -> str:
    """The contents of the parts of one kind."""
    return "".join(part.content for part in parts if isinstance(part, kind))


def call_of(part: ToolCallPart) -> ToolCall:
    """A tool call."""
    return ToolCall(id=part.tool_call_id, name=part.tool_name, arguments=part.args_as_json_str())


def conversation(messages: Iterable[ModelMessage]) -> tuple[Message, ...]:
    """The messages as the anchor is shown them."""
    told: list[Message] = []
    instructions: str | None = None
    for message in messages:
        if isinstance(message, ModelResponse):
            calls = tuple(call_of(part) for part in message.parts if isinstance(part, ToolCallPart))
            if calls or text_of(message):
                told.append(Message(role="assistant", content=text_of(message), tool_calls=calls))
            continue
        instructions = message.instructions or instructions
        told += filter(None, map(_told, message.parts))
    system = [Message(role="system", content=instructions)] if instructions else []
    return (*system, *told)


def _told(part: object) -> Message | None:
    if isinstance(part, ToolReturnPart):
        return Message(
            role="tool",
            content=part.model_response_str(),
            name=part.tool_name,
            tool_call_id=part.tool_call_id,
        )
    if isinstance(part, SystemPromptPart):
        return Message(role="system", content=part.content)
    if isinstance(part, UserPromptPart):
        if isinstance(part.content, str):
            return Message(role="user", content=part.content)
        return Message(role="user", content=tuple(map(_shown, part.content)))
    # For example, a retry that an output validator asks for.
    again = getattr(part, "model_response", None)
    return Message(role="user", content=again()) if callable(again) else None


def _shown(content: object) -> Said | ImagePart:
    if isinstance(content, ImageUrl):
        return ImagePart(url=content.url)
    if isinstance(content, BinaryContent) and content.is_image:
        return ImagePart(url=content.data_uri)
    said = content if isinstance(content, str) else getattr(content, "content", None)
    return Said(text=said if isinstance(said, str) else f"({type(content).__name__})")
