"""Checks the arguments of a user, with errors that name the value and the fix."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import cast

from pydantic import BaseModel

from catsdk.core.chats import UnreadableError, read_chat
from catsdk.core.errors import InvalidInputError
from catsdk.core.messages import Message
from catsdk.core.value import Value

__all__ = [
    "MAX_ROLLOUTS",
    "PromptLike",
    "check_chat",
    "check_count",
    "check_kind",
    "check_many",
    "check_prompt",
    "without_nulls",
]

MAX_ROLLOUTS = 1024

PromptLike = str | Sequence[Message | Mapping[str, object] | BaseModel]


def check_count(n: object, name: str = "n") -> int:
    """Return `n` where it is a whole number from 1 to `MAX_ROLLOUTS`.

    Raises:
        InvalidInputError: it is not.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_ROLLOUTS:
        raise InvalidInputError(
            f"{name} is {_shown(n)}; give a whole number of rollouts from 1 to {MAX_ROLLOUTS}"
        )
    return n


def check_prompt(prompt: PromptLike) -> tuple[Message, ...]:
    """Return `prompt`, a text or a chat, as messages.

    A chat's messages may be those of catsdk, of OpenAI's or Anthropic's API, or the objects of
    their SDKs.

    Raises:
        InvalidInputError: it is empty, or neither of the two; the error names the message, and the
            key, part or role at fault.
    """
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidInputError(f"the prompt is {prompt!r}; give a text that is not empty")
        return (Message(role="user", content=prompt),)
    if not isinstance(prompt, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the prompt is {_shown(prompt)}; give a string or a list of chat messages"
        )
    messages = check_chat(prompt)
    if not any(message.role == "user" and message.content for message in messages):
        raise InvalidInputError(
            f"the prompt is a chat of {len(messages)} messages without a user message that is"
            " not empty; add one such as {'role': 'user', 'content': '...'}"
        )
    return messages


def check_chat(chat: Sequence[object]) -> tuple[Message, ...]:
    """Return the messages of `chat`, which may be empty.

    Raises:
        InvalidInputError: one cannot be read.
    """
    try:
        return read_chat(chat)
    except UnreadableError as error:
        raise InvalidInputError(
            f"message {error.at} of the prompt is {_shown(chat[error.at])} ({error}); give a"
            " Message, a mapping such as {'role': 'user', 'content': 'a text'}, or a message of"
            " OpenAI's or Anthropic's SDK"
        ) from error


def check_many(name: str, items: object, fix: str) -> None:
    """Refuse what is one thing where many are asked for, though Python can iterate over it.

    Raises:
        InvalidInputError: `items` is a text, bytes, a mapping, a value of catsdk, or no iterable.
    """
    one = isinstance(items, str | bytes | Mapping | Value)
    if one or not isinstance(items, Iterable | AsyncIterable):
        told = "a text" if isinstance(items, str) else _shown(items)  # pyright: ignore[reportUnknownArgumentType]
        raise InvalidInputError(f"{name} is {told}; {fix}")


def check_kind(name: str, value: object, kinds: tuple[type, ...], fix: str) -> None:
    """Refuse a `value` that is not `None` and of none of the `kinds`.

    Raises:
        InvalidInputError: it is of another kind.
    """
    if value is not None and not isinstance(value, kinds):
        raise InvalidInputError(f"{name} is {_shown(value)}; give {fix}")


def without_nulls(value: object) -> object:
    """`value` without the keys, at any depth, that hold `None`: a table's way to say absent."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value).items()
        return {name: without_nulls(each) for name, each in fields if each is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(each) for each in cast("Sequence[object]", value)]
    return value


def _shown(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
