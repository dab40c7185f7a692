"""Completions that were sampled elsewhere, read as a provider reads its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from catsdk.core.errors import InvalidInputError
from catsdk.core.thinking import split_thinking
from catsdk.core.types import Completion

__all__ = ["Sampled", "completion_of"]

Sampled: TypeAlias = str | Completion | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A text, a completion, a message, or the messages that a policy and its tools wrote."""

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def completion_of(given: Sampled, **known: Any) -> Completion:
    """Make the completion of a text or of messages, with the thinking kept apart.

    Of messages, only the assistant's are the policy's own words: what tools and users say in
    between is left out. Content may be a text, a list of parts, of which those of text count, or
    missing, as it is beside tool calls.

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
    thoughts = [message.get(name) for message in own for name in _THOUGHTS]
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
    if isinstance(given, Mapping):
        return [cast("Mapping[str, Any]", given)]
    if not isinstance(given, Sequence):
        raise _unreadable(given)
    return cast("Sequence[object]", given)


def _message(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise _unreadable(given)
    return cast("Mapping[str, Any]", given)


def _text(message: Mapping[str, Any]) -> str:
    content: object = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, Sequence):
        raise _unreadable(content)
    return "".join(map(_part, cast("Sequence[object]", content)))


def _part(given: object) -> str:
    if isinstance(given, str):
        return given
    part = _message(given)
    kind, text = part.get("type", "text"), part.get("text")
    return text if kind in ("text", "output_text") and isinstance(text, str) else ""


def _unreadable(given: object) -> InvalidInputError:
    return InvalidInputError(
        f"a completion is {given!r:.80}; give a text, or messages with `role` and `content`"
    )
