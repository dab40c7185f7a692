"""Reads completions that were sampled elsewhere as a provider reads its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from pydantic import BaseModel

from catsdk.core.chats import plain
from catsdk.core.errors import InvalidInputError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import Completion

__all__ = ["Sampled", "completion_of"]

Sampled: TypeAlias = (
    str | Completion | Mapping[str, Any] | BaseModel | Sequence[Mapping[str, Any] | BaseModel]
)
"""A text, a completion, a message, or the messages that a policy and its tools wrote.

Messages may be catsdk's, mappings of OpenAI's or Anthropic's form, or objects of their SDKs.
"""

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
# The fields with the text of a thinking part.
_INSIDE = ("thinking", "text")
# The field with the text of an answer part, by its type.
_SAID = {"text": "text", "output_text": "text", "refusal": "refusal"}


def completion_of(given: Sampled, **known: Any) -> Completion:
    """Make the completion of a text or of messages, with the thinking kept apart.

    Of messages, only the assistant's are the policy's own words: what tools and users say in
    between is left out, and so are the calls themselves. Content may be a text, a list of parts, of
    which those of text count, or missing, as it is beside tool calls.

    Args:
        given: What was sampled.
        known: Other fields of the `Completion`, such as `model` or `finish_reason`.

    Returns:
        A completion whose `text` holds no thinking.

    Raises:
        InvalidInputError: `given` is neither a text nor messages.
    """
    if isinstance(given, Completion):
        return given.model_copy(update=_fields([given.reasoning], [given.text]) | known)
    if isinstance(given, str):
        return Completion(**_fields([], [given]), **known)
    read = map(_message, _messages(given))
    own = [message for message in read if message.get("role", "assistant") == "assistant"]
    thoughts = [thought for message in own for thought in _thoughts(message)]
    return Completion(**_fields(thoughts, [_text(message) for message in own]), **known)


def _fields(thoughts: Iterable[object], texts: Iterable[str]) -> dict[str, Any]:
    split = [split_thinking(text) for text in texts]
    reasoning = [*(each for each in thoughts if isinstance(each, str)), *(one for one, _ in split)]
    answers = [answer for _, answer in split]
    return {
        "text": answers[0] if len(answers) == 1 else "\n".join(filter(None, answers)),
        "reasoning": "\n".join(filter(None, reasoning)) or None,
    }


def _messages(given: object) -> Sequence[object]:
    if isinstance(given, Mapping | BaseModel):
        return [cast("object", given)]
    if not isinstance(given, Sequence):
        raise _unreadable(given)
    return cast("Sequence[object]", given)


def _message(given: object) -> Mapping[str, Any]:
    given = plain(given)
    if not isinstance(given, Mapping):
        raise _unreadable(given)
    return cast("Mapping[str, Any]", given)


def _text(message: Mapping[str, Any]) -> str:
    return "".join(map(_words, _content(message))) or _string(message.get("refusal"))


def _thoughts(message: Mapping[str, Any]) -> list[object]:
    parts = [_message(part) for part in _content(message) if not isinstance(part, str)]
    inside = [
        part.get(name) for part in parts if part.get("type") == "thinking" for name in _INSIDE
    ]
    return [*(message.get(name) for name in _THOUGHTS), *inside]


def _content(message: Mapping[str, Any]) -> Sequence[Any]:
    content: object = message.get("content")
    if content is None or isinstance(content, str):
        return [content or ""]
    if not isinstance(content, Sequence):
        raise _unreadable(content)
    parts: Sequence[Any] = content  # pyright: ignore[reportUnknownVariableType]
    return parts


def _words(given: object) -> str:
    if isinstance(given, str):
        return given
    part = _message(given)
    kind = part.get("type", "text")
    return _string(part.get(_SAID[kind])) if kind in _SAID else ""


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _unreadable(given: object) -> InvalidInputError:
    return InvalidInputError(
        f"a completion is {given!r:.80}; give a text, or messages with `role` and `content`"
    )
