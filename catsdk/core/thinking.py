"""Thinking that a model writes into its text, told apart from the answer."""

from __future__ import annotations

__all__ = ["split_thinking"]

OPEN, CLOSE = "<think>", "</think>"


def split_thinking(text: str) -> tuple[str | None, str]:
    """Split a text that begins with a `<think>` block into the thinking and the answer.

    A block without an end is all thinking: the answer was cut off before it began. A text that
    holds only the end tag was begun by the chat template.
    """
    body = text.lstrip()
    if CLOSE in body and (body.startswith(OPEN) or OPEN not in body):
        thinking, _, answer = body.removeprefix(OPEN).partition(CLOSE)
        return thinking.strip() or None, answer.strip()
    if body.startswith(OPEN):
        return body.removeprefix(OPEN).strip() or None, ""
    return None, text
