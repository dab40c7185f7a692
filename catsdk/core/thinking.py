"""Separates thinking that a model writes into its text from the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["TAGS", "AnswerStream", "split_thinking", "without_thinking"]

TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""The pairs of tags that models put around their thinking."""

_OPENINGS = tuple(opening for opening, _ in TAGS)


def split_thinking(text: str) -> tuple[str | None, str]:
    """Split a text that begins with blocks of thinking into the thinking and the answer.

    A block without an end is all thinking: the answer was cut off before it began. A text whose
    first tag is an end tag was begun by the chat template.
    """
    body = text.lstrip()
    thoughts: list[str] = []
    if (closing := _begun_by_template(body)) is not None:
        thinking, _, body = body.partition(closing)
        thoughts.append(thinking)
    while (pair := _opened(body := body.lstrip())) is not None:
        thinking, _, body = body.removeprefix(pair[0]).partition(pair[1])
        thoughts.append(thinking)
    if not thoughts:
        return None, text
    return "\n".join(filter(None, map(str.strip, thoughts))) or None, body.strip()


def without_thinking(text: str, tags: Iterable[tuple[str, str]] = TAGS) -> str:
    """Return `text` without the blocks between `tags`, those without an end included."""
    for opening, closing in tags:
        if opening in text or closing in text:
            *before, last = text.split(closing)
            kept = [part.partition(opening)[0] for part in before if opening in part]
            text = "\n".join([*kept, last.partition(opening)[0]])
    return text


def _opened(body: str) -> tuple[str, str] | None:
    """Return the pair of tags whose first one `body` begins with."""
    if not body.startswith(_OPENINGS):
        return None
    return next(pair for pair in TAGS if body.startswith(pair[0]))


def _begun_by_template(body: str) -> str | None:
    """Return the end tag of thinking whose first tag stands in the prompt."""
    if _opened(body) is not None:
        return None
    begun = [
        (end, closing)
        for opening, closing in TAGS
        if (end := body.find(closing)) >= 0 and opening not in body[:end]
    ]
    return min(begun)[1] if begun else None


class AnswerStream:
    """Passes on the answer of a streamed text, without the thinking at its beginning.

    What it passes on joins to the answer that `split_thinking` finds in the whole text. Thinking
    that the chat template began looks like an answer until its end tag comes: it is passed on.
    """

    def __init__(self, on_text: Callable[[str], None]) -> None:
        """Pass the answer on to `on_text`."""
        self._on_text = on_text
        self._held = ""
        self._closing: str | None = None
        self._take = self._look_for_thinking

    def feed(self, piece: str) -> None:
        """Take the next piece of the text."""
        self._take(piece)

    def end(self) -> None:
        """Pass on what was held back only because thinking could have begun in it."""
        if self._take == self._look_for_thinking:
            self._pass(self._held if self._closing is None else self._held.strip())

    def _look_for_thinking(self, piece: str) -> None:
        self._held += piece
        body = self._held.lstrip()
        if (pair := _opened(body)) is not None:
            opening, self._closing = pair
            self._held, self._take = "", self._skip_thinking
            self._take(body.removeprefix(opening))
        elif not any(opening.startswith(body) for opening, _ in TAGS):
            answer, self._held = (self._held, "") if self._closing is None else (body, "")
            self._take = self._pass if self._closing is None else self._pass_stripped
            self._take(answer)

    def _skip_thinking(self, piece: str) -> None:
        # Keep only as much of the thinking as may be the beginning of its end tag.
        closing = self._closing or ""
        _, closed, answer = (self._held + piece).partition(closing)
        self._held = "" if closed else (self._held + piece)[1 - len(closing) :]
        if closed:
            self._take = self._look_for_thinking
            self._take(answer)

    def _pass_stripped(self, piece: str) -> None:
        # White space belongs to the answer only if more of it follows.
        text = self._held + piece
        self._held = text[len(text.rstrip()) :]
        self._pass(text.rstrip())

    def _pass(self, piece: str) -> None:
        if piece:
            self._on_text(piece)
