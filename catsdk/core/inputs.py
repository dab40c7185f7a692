"""Checks of what a user hands in, with errors that name the value and the fix."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Message
from catsdk.core.value import Value

__all__ = [
    "MAX_ROLLOUTS",
    "PromptLike",
    "check_count",
    "check_kind",
    "check_many",
    "check_message",
    "check_prompt",
    "without_nulls",
]

MAX_ROLLOUTS = 1024

PromptLike = str | Sequence[Message | Mapping[str, object]]


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

    Raises:
        InvalidInputError: it is empty, or neither of the two.
    """
    if isinstance(prompt, str):
        if not prompt.strip():
            raise InvalidInputError(f"the prompt is {prompt!r}; give a text that is not empty")
        return (Message(role="user", content=prompt),)
    if not isinstance(prompt, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"the prompt is {_shown(prompt)}; give a string or a list of chat messages"
        )
    messages = tuple(check_message(at, message) for at, message in enumerate(prompt))
    if not any(message.role == "user" and message.content for message in messages):
        raise InvalidInputError(
            f"the prompt is a chat of {len(messages)} messages without a user message that is"
            " not empty; add one such as {'role': 'user', 'content': '...'}"
        )
    return messages


def check_many(name: str, items: object, fix: str) -> None:
    """Refuse what is one thing where many are asked for, though Python can iterate over it.

    Raises:
        InvalidInputError: `items` is a text, bytes, a mapping, a value of catsdk, or cannot be iterated over.
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


def check_message(at: int, message: object) -> Message:
    """Return `message`, the one at place `at` of a chat, as a `Message`.

    A key whose value is `None` counts as absent: tables (Arrow, Parquet, data sets) give every
    message, and every part of one, the keys of all the others.

    Raises:
        InvalidInputError: it is not a message; the error names the key at fault.
    """
    if isinstance(message, Message):
        return message
    try:
        return Message.model_validate(without_nulls(message))
    except ValidationError as error:
        raise InvalidInputError(
            f"message {at} of the prompt is {_shown(message)} ({_fault(error)}); give a"
            " Message or a mapping such as {'role': 'user', 'content': 'a text'}, with role system,"
            " user or assistant"
        ) from error


def without_nulls(value: object) -> object:
    """`value` without the keys, at any depth, that hold `None`: a table's way to say absent."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value).items()
        return {name: without_nulls(each) for name, each in fields if each is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(each) for each in cast("Sequence[object]", value)]
    return value


def _fault(error: ValidationError) -> str:
    """The key at fault and why; of the errors for each alternative, the one that lies deepest."""
    deepest = max(error.errors(), key=lambda each: len(each["loc"]))
    keys = deepest["loc"]
    if deepest["type"] == "extra_forbidden":
        return f"the key {keys[-1]!r} is not known"
    return f"at {keys[0]!r}: {deepest['msg']}" if keys else deepest["msg"]


def _shown(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."
