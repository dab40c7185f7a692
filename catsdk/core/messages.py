"""The messages of a chat: roles, parts of a content, tool calls and their results, as values.

They are what every provider is given, and puts into its own dialect. `catsdk.core.chats` reads the
dialects that users have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count
from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import Field, JsonValue, model_validator

from catsdk.core.value import WholeValue

__all__ = [
    "AudioPart",
    "FilePart",
    "ImagePart",
    "Message",
    "Part",
    "RefusalPart",
    "Role",
    "TextPart",
    "ThinkingPart",
    "ToolCall",
    "images_in",
    "with_numbers",
]

Role = Literal["system", "developer", "user", "assistant", "tool"]


def _optional(default: Any = None) -> Any:
    """A field that is omitted at its default, which keeps JSON, cache keys and seeds stable."""
    return Field(default=default, exclude_if=lambda value: not value)


class TextPart(WholeValue):
    """A piece of text in a message.

    Args:
        type: Always `text`; tells it from other parts in JSON.
        text: The text.

    Example:
        >>> from catsdk.types import TextPart
        >>> TextPart(text="What does the picture show?").type
        'text'
    """

    type: Literal["text"] = "text"
    text: str

    @property
    def shown(self) -> str:
        """The part to a reader of text."""
        return self.text


class ImagePart(WholeValue):
    """An image in a message.

    Args:
        type: Always `image`; tells it from other parts in JSON.
        url: Where it is: an `https:` URL, or the image itself as a `data:` URL.
        detail: How closely OpenAI's models look: `low`, `high` or `auto`; others take no notice.

    Example:
        >>> from catsdk.types import ImagePart, Message, TextPart
        >>> picture = ImagePart(url="https://example.org/cat.png")
        >>> Message(role="user", content=(TextPart(text="Which animal?"), picture)).text
        'Which animal?'
    """

    type: Literal["image"] = "image"
    url: str
    detail: str | None = _optional()

    @property
    def shown(self) -> str:
        """The part to a reader of text."""
        return "(an image that is not shown here)"


class AudioPart(WholeValue):
    """A recording in a message.

    Args:
        type: Always `audio`; tells it from other parts in JSON.
        data: The recording in base64.
        format: Its form, such as `wav` or `mp3`.

    Example:
        >>> from catsdk.types import AudioPart
        >>> AudioPart(data="UklGRg==", format="wav").shown
        '(a recording that is not played here)'
    """

    type: Literal["audio"] = "audio"
    data: str
    format: str

    @property
    def shown(self) -> str:
        """The part to a reader of text."""
        return "(a recording that is not played here)"


class FilePart(WholeValue):
    """A file in a message, by URL or by the service's own id.

    Args:
        type: Always `file`; tells it from other parts in JSON.
        url: Where it is (`https:`), or the file itself (`data:`).
        id: What the service that keeps it calls it.
        name: Its name.

    Example:
        >>> from catsdk.types import FilePart
        >>> FilePart(url="https://example.org/report.pdf", name="report.pdf").name
        'report.pdf'
    """

    type: Literal["file"] = "file"
    url: str | None = _optional()
    id: str | None = _optional()
    name: str | None = _optional()

    @model_validator(mode="after")
    def _is_somewhere(self) -> FilePart:
        if not self.url and not self.id:
            raise ValueError("a file has neither url nor id; give one of them")
        return self

    @property
    def shown(self) -> str:
        """The part to a reader of text."""
        return f"(the file {self.name or self.id or 'without a name'}, which is not shown here)"


class RefusalPart(WholeValue):
    """What an assistant said when it refused.

    Args:
        type: Always `refusal`; tells it from other parts in JSON.
        text: The words.

    Example:
        >>> from catsdk.types import Message, RefusalPart
        >>> Message(role="assistant", content=(RefusalPart(text="I cannot."),)).text
        'I cannot.'
    """

    type: Literal["refusal"] = "refusal"
    text: str

    @property
    def shown(self) -> str:
        """The part to a reader of text."""
        return self.text


class ThinkingPart(WholeValue):
    """Thinking that an assistant kept apart from what it said.

    Signed thinking is Anthropic's and goes back to no other service. Thinking without a signature
    goes back to those that take it with the message (`reasoning_content`).

    Args:
        type: Always `thinking`; tells it from other parts in JSON.
        text: The thinking; empty where the service keeps it to itself.
        signature: What Anthropic signed it with.
        redacted: What Anthropic sent in its place.

    Example:
        >>> from catsdk.types import Message, TextPart, ThinkingPart
        >>> said = (ThinkingPart(text="six sevens"), TextPart(text="42"))
        >>> Message(role="assistant", content=said).text
        '42'
    """

    type: Literal["thinking"] = "thinking"
    text: str
    signature: str | None = _optional()
    redacted: str | None = _optional()

    @property
    def shown(self) -> str:
        """The part to a reader of text: nothing, for thinking is not part of what was said."""
        return ""


Part = Annotated[
    TextPart | ImagePart | AudioPart | FilePart | RefusalPart | ThinkingPart,
    Field(discriminator="type"),
]


class ToolCall(WholeValue):
    """A call of a tool that an assistant asked for.

    Args:
        id: What the tool's result refers to.
        name: The tool.
        arguments: What it is given, as the model wrote it: JSON, or what was meant to be.

    Example:
        >>> from catsdk.types import ToolCall
        >>> ToolCall(id="call-1", name="weather", arguments='{"city": "Paris"}').given
        {'city': 'Paris'}
    """

    id: str
    name: str
    arguments: str = "{}"

    @property
    def given(self) -> dict[str, JsonValue]:
        """The arguments as an object; anything else is under the name `INVALID_JSON`."""
        try:
            read: object = json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, dict):
            return cast("dict[str, JsonValue]", read)
        return {"INVALID_JSON": self.arguments}


class Message(WholeValue):
    """One turn of a chat.

    Args:
        role: Who speaks. `developer` is `system` where a service knows no such role.
        content: A text, or parts; may be empty beside tool calls.
        name: Which participant of the role, or which tool.
        tool_calls: The calls that an assistant asks for, after what it says.
        tool_call_id: The call that a tool's message answers.
        is_error: Whether what the tool gives is an error.

    Example:
        >>> from catsdk import Message
        >>> Message(role="user", content="What is 2+2?").text
        'What is 2+2?'
    """

    role: Role
    content: str | tuple[Part, ...]
    name: str | None = _optional()
    tool_calls: tuple[ToolCall, ...] = _optional(())
    tool_call_id: str | None = _optional()
    is_error: bool = _optional(default=False)

    @model_validator(mode="after")
    def _fits_its_role(self) -> Message:
        if self.tool_calls and self.role != "assistant":
            raise ValueError(f"a {self.role} message has tool_calls; only an assistant calls tools")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError(
                "a tool message has no tool_call_id; give the id of the call it answers"
            )
        if self.role != "tool" and (self.tool_call_id or self.is_error):
            raise ValueError(f"a {self.role} message answers no call; give it the role 'tool'")
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts; none where it is empty."""
        if isinstance(self.content, str):
            return (TextPart(text=self.content),) if self.content else ()
        return self.content

    @property
    def text(self) -> str:
        """What the message says: its texts; images, thinking and tool calls left out."""
        if isinstance(self.content, str):
            return self.content
        said = (part.text for part in self.content if isinstance(part, TextPart | RefusalPart))
        return "".join(said)

    @property
    def title(self) -> str:
        """Who speaks, to a reader: the role, with the name where there is one."""
        return f"{self.role} {self.name}" if self.name else self.role

    @property
    def shown(self) -> str:
        """The message to a reader of text: what is not text is mentioned, calls are spelt out."""
        said = (
            self.content
            if isinstance(self.content, str)
            else "".join(p.shown for p in self.content)
        )
        calls = [f"(calls {call.name} with {call.arguments})" for call in self.tool_calls]
        return "\n".join(filter(None, [said, *calls]))


def images_in(messages: Iterable[Message]) -> tuple[ImagePart, ...]:
    """The images of a chat, in their order."""
    contents = [message.content for message in messages if not isinstance(message.content, str)]
    return tuple(part for content in contents for part in content if _is_image(part))


def with_numbers(messages: Iterable[Message]) -> tuple[Message, ...]:
    """A chat with `(image 1)` and so on in the places of its images, which stand elsewhere."""
    number = count(1)
    return tuple(
        message.model_copy(
            update={
                "content": tuple(
                    TextPart(text=f"(image {next(number)})") if _is_image(part) else part
                    for part in message.parts
                )
            }
        )
        if any(map(_is_image, message.parts))
        else message
        for message in messages
    )


def _is_image(part: Part) -> TypeGuard[ImagePart]:
    return isinstance(part, ImagePart)
