"""Thinking that a model writes into its text, told apart from the answer."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["AnswerStream", "split_thinking"]

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


class AnswerStream:
    """Passes on the answer of a streamed text, without the `<think>` block at its beginning.

    What it passes on joins to the answer that `split_thinking` finds in the whole text. Thinking
    that the chat template began looks like an answer until its end tag comes: it is passed on.
    """

    def __init__(self, on_text: Callable[[str], None]) -> None:
        """Pass the answer on to `on_text`."""
        self._on_text = on_text
        self._held = ""
        self._take = self._look_for_thinking

    def feed(self, piece: str) -> None:
        """Take the next piece of the text."""
        self._take(piece)

    def end(self) -> None:
        """Pass on what was held back only because thinking could have begun in it."""
        if self._take == self._look_for_thinking:
            self._pass(self._held)

    def _look_for_thinking(self, piece: str) -> None:
        self._held += piece
        body = self._held.lstrip()
        if body.startswith(OPEN):
            self._held, self._take = "", self._skip_thinking
            self._take(body.removeprefix(OPEN))
        elif not OPEN.startswith(body):
            self._take = self._pass
            self._take(self._held)

    def _skip_thinking(self, piece: str) -> None:
        # Of the thinking, only as much is kept as may be the beginning of its end tag.
        _, closed, answer = (self._held + piece).partition(CLOSE)
        self._held = "" if closed else (self._held + piece)[1 - len(CLOSE) :]
        if closed:
            self._take = self._skip_space
            self._take(answer)

    def _skip_space(self, piece: str) -> None:
        if piece.lstrip():
            self._take = self._pass_stripped
            self._take(piece.lstrip())

    def _pass_stripped(self, piece: str) -> None:
        # White space is the answer's only if more of it follows.
        text = self._held + piece
        self._held = text[len(text.rstrip()) :]
        self._pass(text.rstrip())

    def _pass(self, piece: str) -> None:
        if piece:
            self._on_text(piece)
