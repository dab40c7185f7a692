"""What the loopback server needs to know about a wire, and the faults it shows on each."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from catsdk.core.chats import read_chat
from catsdk.core.types import Completion, Message, Request, TextPart

__all__ = ["FAULTS", "Answer", "Fault", "RawReply", "Refusal", "Wire", "chat_of", "encoded"]

Fault = Literal[
    "400", "401", "403", "404", "429", "429_date", "quota", "500", "503", "529",
    "no_n", "no_logprobs", "no_temperature", "no_schema", "no_tools", "context", "filter",
    "reported",
    "reset", "hang", "cut", "malformed", "not_json", "empty", "no_message", "endless", "bomb",
    "mistyped", "bad_gateway", "trickle",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply: its status and body."""

    status: int
    body: Payload


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply that is sent as it is: whatever a service may send.

    Args:
        body: The bytes, or JSON's values.
        status: The HTTP status.
        headers: Further headers.

    Example:
        >>> from catsdk.testing import RawReply
        >>> RawReply({"choices": []}, status=200).content
        b'{"choices": []}'
    """

    body: bytes | Payload | list[Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


# Gives the raw reply to a request with this body, or `None` for an ordinary one.
Answer = Callable[[Payload], RawReply | None]


class Wire(ABC):
    """One wire from the server's side."""

    path: ClassVar[str]
    request_id: ClassVar[str]
    """The header with the id of a reply."""
    reported: ClassVar[Payload]
    """The body of an error that comes with status 200, whole or as an event."""
    broken: ClassVar[Mapping[str, bytes]]
    """Bodies that do not fit the wire, by fault."""
    refusals: ClassVar[Mapping[str, Refusal]]
    """The faults that are errors."""

    @abstractmethod
    def key_of(self, headers: Mapping[str, str]) -> str | None:
        """The key that a request carries, if any."""

    @abstractmethod
    def request_of(self, payload: Payload) -> Request:
        """The request that a payload represents."""

    @abstractmethod
    def reply_of(self, completions: Sequence[Completion], payload: Payload) -> Payload:
        """The body of a whole reply."""

    @abstractmethod
    def events_of(self, completions: Sequence[Completion], payload: Payload) -> list[bytes]:
        """The events of a streamed reply."""

    def refusal_of(self, payload: Payload, headers: Mapping[str, str]) -> Refusal | None:
        """How the real service refuses a payload with these headers that it does not take."""
        return None


def encoded(event: object, name: str | None = None) -> bytes:
    """The bytes of one server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def chat_of(messages: Sequence[object]) -> tuple[Message, ...]:
    """The messages of a payload; text in several parts is joined.

    Raises:
        UnreadableError: one does not fit the wire.
    """
    return tuple(map(_joined, read_chat(messages)))


def _joined(message: Message) -> Message:
    if not all(isinstance(part, TextPart) for part in message.parts):
        return message
    return message.model_copy(update={"content": message.text})
