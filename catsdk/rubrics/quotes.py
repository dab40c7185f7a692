"""Whether a quote really stands in a response, up to spaces, case and the look of characters."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["stands_in"]

# Spaces around it are not matched: that would take a time quadratic in their number.
_GAP = re.compile(r"(?:\[ ?)?(?:\.{3,}|\u2026)(?: ?\])?")
_LOOK = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"}
)
_MARKS = re.compile(r"\*\*|`")
_QUOTED = "\"'"


def stands_in(quote: str, response: str) -> bool:
    """Tell whether every piece of `quote` stands in `response`, in this order.

    Pieces are what `...` parts. White space, case, typographic quotes and dashes, bold and code
    marks and invisible characters do not count; letters, digits and signs do. A quote without any
    letter or digit stands nowhere.
    """
    text = _plain(response)
    pieces = [_plain(piece) for piece in _GAP.split(_unquoted(quote))]
    if not any(any(map(str.isalnum, piece)) for piece in pieces):
        return False
    at = 0
    for piece in filter(None, pieces):
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _unquoted(quote: str) -> str:
    quote = quote.strip()
    plain = quote.translate(_LOOK)
    enclosed = len(plain) > 1 and plain[0] == plain[-1] and plain[0] in _QUOTED
    return quote[1:-1] if enclosed else quote


def _plain(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_LOOK)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(_MARKS.sub("", text).casefold().split())
