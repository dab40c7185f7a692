"""Separates the parts of a message's content, in any form: answer, thinking and refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Parts", "parts_of", "thinking_in"]

_TEXTS = {"text", "output_text", "input_text", ""}
_THINKING = {
    "thinking", "reasoning", "reasoning_text", "reasoning_content", "thought", "summary_text",
    "reasoning.text", "reasoning.summary",
}  # fmt: skip
# The fields that hold the text of a part, of any type.
_FIELDS = ("text", "thinking", "reasoning", "summary", "refusal", "content", "value")
# The fields that hold the thinking of a message, the usual one first.
_APART = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


class Parts(NamedTuple):
    """The texts of a content, each joined to one."""

    answer: str = ""
    thinking: str = ""
    refusal: str = ""


def parts_of(content: object) -> Parts:
    """Read a content: a text, a part, or a list of both; parts that are not text are left out.

    Raises:
        TypeError: it is of no such form, or the text of an answer's part is none.
    """
    if isinstance(content, str):
        return Parts(content)
    if content is None:
        return Parts()
    if isinstance(content, Mapping):
        return _part(content)
    if isinstance(content, list):
        each = [parts_of(part) for part in content]
        return Parts(*("".join([parts[at] for parts in each]) for at in range(3)))
    raise TypeError(f"the content is of type {type(content).__name__}")


def thinking_in(message: Mapping[str, Any]) -> str:
    """The thinking that a message keeps apart from its content; what cannot be read is left out."""
    for name in _APART:
        try:
            found = _text(message.get(name))
        except (TypeError, RecursionError):
            continue
        if found:
            return found
    return ""


def _part(part: Mapping[str, Any]) -> Parts:
    kind = part.get("type") or ""
    text = part.get("text")
    if kind == "text" and isinstance(text, str):
        return Parts(text)
    if kind in _THINKING or part.get("thought") is True or "thinking" in part:
        return Parts(thinking=thinking_in({"thinking": dict(part)}))
    if kind == "refusal":
        return Parts(refusal=_text(part))
    return Parts(_text(part)) if kind in _TEXTS else Parts()


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(map(_text, value))
    if isinstance(value, Mapping):
        return next((text for name in _FIELDS if (text := _text(value.get(name)))), "")
    raise TypeError(f"the text is of type {type(value).__name__}")
