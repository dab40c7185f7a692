"""Pieces: a text in marked and plain parts, so that the page need not count characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Mark", "Piece", "pieces_of", "shown_of", "spans_of_quote", "statements"]

Piece = dict[str, str | int]

# A quote is searched word by word; with more words, or in a longer text, that takes too long.
_MOST_WORDS: Final = 300
_MOST_TEXT: Final = 200_000
_SAME: Final = {"'": "['\u2018\u2019\u02bc]", '"': '["\u201c\u201d]', "-": "[-\u2010-\u2014\u2212]"}
_GAP = re.compile(r"(?:\[\s?)?(?:\.{3,}|\u2026)(?:\s?\])?")
# A statement ends with its line or its sentence, but not at a dot within a number.
_END = re.compile(r"(?<=[.!?;])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked part of a text.

    Args:
        start: Where it begins, in characters.
        end: Where it ends.
        kind: Its kind, such as `contradicts`.
        about: The number of the part of the reference that it refers to.
    """

    start: int
    end: int
    kind: str
    about: int = -1


def pieces_of(text: str, marks: Iterable[Mark]) -> list[Piece]:
    """Split a text at its marks; of overlapping marks, the first is kept.

    Args:
        text: The text.
        marks: The marks, in any order.
    """
    pieces: list[Piece] = []
    at = 0
    for mark in sorted(marks, key=lambda each: (each.start, -each.end)):
        if mark.start < at or mark.end <= mark.start:
            continue
        if mark.start > at:
            pieces.append({"text": text[at : mark.start]})
        pieces.append({"text": text[mark.start : mark.end], "kind": mark.kind, "about": mark.about})
        at = mark.end
    if at < len(text) or not pieces:
        pieces.append({"text": text[at:]})
    return pieces


def statements(text: str) -> Iterator[tuple[int, int]]:
    """The non-empty sentences and lines of a text, as spans.

    Args:
        text: The text.
    """
    at = 0
    for end in [*_END.finditer(text), None]:
        stop = len(text) if end is None else end.start()
        part = text[at:stop]
        if any(sign.isalnum() for sign in part):
            start = at + len(part) - len(part.lstrip())
            yield start, at + len(part.rstrip())
        at = stop if end is None else end.end()


def spans_of_quote(quote: str, text: str) -> list[tuple[int, int]]:
    """Find a quote in a text, ignoring case, spacing and typographic variants.

    Args:
        quote: The quote, with `...` for omissions.
        text: The quoted text.

    Returns:
        A span for each piece of the quote; none if a piece is missing.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for part in _GAP.split(quote.strip().strip("\"'\u201c\u201d")):
        words = part.split()
        if not words:
            continue
        if len(words) > _MOST_WORDS or len(text) > _MOST_TEXT:
            return []
        pattern = re.compile(r"[\s*`]+".join(map(_loose, words)), re.IGNORECASE)
        found = pattern.search(text, at)
        if found is None:
            return []
        spans.append(found.span())
        at = found.end()
    return spans


def _loose(word: str) -> str:
    return "".join(_SAME.get(sign, re.escape(sign)) for sign in word)


def shown_of(text: str, spans: Sequence[tuple[int, int]], kind: str) -> list[Piece]:
    """A text with the spans marked as the same kind."""
    return pieces_of(text, [Mark(start, end, kind) for start, end in spans])
