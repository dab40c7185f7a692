"""Sentences of prose: where they end, and the words in them."""

from __future__ import annotations

import re

__all__ = ["before_in_sentence", "sentences_of", "words_of"]

_ABBREVIATIONS = ("e.g.", "i.e.", "vs.", "Mr.", "Dr.", "Ms.", "Mrs.", "No.", "approx.")
_NO_END = "".join(f"(?<!{re.escape(each)})" for each in _ABBREVIATIONS)
_END = re.compile(
    rf"(?<=[.!?。！？…])[*_)\"”'’]{{0,3}}(?=\s|$)(?<!\b[A-Z]\.){_NO_END}|(?<=[。！？])|\n+"
)
_OPENING, _CLOSING = re.compile(r"(?<!\\)\\\["), re.compile(r"(?<!\\)\\\]")
_LABEL = re.compile(r"[\s>*_-]{0,4}\(?(?:\d{1,2}|[A-Za-z])[.)]")
_ASCII_WORD = re.compile(r"[a-z]+")
_TO_WORDS = {code: chr(code).lower() if chr(code).isalpha() else " " for code in range(128)}
_LONGEST = 1_000
_AROUND = 400


def sentences_of(text: str) -> list[str]:
    """Split prose into its sentences and lines, in order; a displayed formula is not split."""
    found: list[str] = []
    at = 0
    for end in _END.finditer(text):
        piece = text[at : end.end()]
        if len(piece) < _LONGEST and (_open_display(piece) or _LABEL.fullmatch(piece.strip())):
            continue
        if piece.strip():
            found.append(piece.strip())
        at = end.end()
    if text[at:].strip():
        found.append(text[at:].strip())
    return found


def before_in_sentence(text: str, at: int) -> str:
    """Return what stands before position `at` in its sentence, or its line."""
    # A line ends a sentence, so that nothing before it is searched.
    before = text[max(0, at - _AROUND, text.rfind("\n", 0, at) + 1) : at]
    start = max((end.end() for end in _END.finditer(before)), default=0) if before else 0
    return before[start:]


def words_of(text: str) -> list[str]:
    """Return the runs of ASCII letters in a text, in lower case."""
    if text.isascii():
        return text.translate(_TO_WORDS).split()
    return _ASCII_WORD.findall(text.lower())


def _open_display(piece: str) -> bool:
    opened, closed = (len(sign.findall(piece)) for sign in (_OPENING, _CLOSING))
    return opened > closed or piece.count("$$") % 2 == 1
