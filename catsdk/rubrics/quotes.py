"""Finds a quote in a response, up to spaces, case and look-alike characters."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache, cached_property

__all__ = ["Quotable", "stands_in"]

MAX_GAP = 500
MAX_GAPS = 5
MAX_PLACES = 10_000
# More marks on one letter than any language uses; the time of normalising is quadratic in them.
MAX_MARKS = 30

# Spaces around it are not matched, since that would take quadratic time.
_GAP = re.compile(r"(?:\[ ?)?(?:\.{3,}|\u2026)(?: ?\])?")
_LOOK = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)
_WRITTEN_BREAK = re.compile(r"\\[nrt]")

_NOT_IN_CHINESE = "\u4e0d\u6ca1\u672a\u65e0\u975e\u52ff"

_SENTENCE_END = re.compile(r"[.!?;](?:\s|$)|[\u3002\uff01\uff1f]")
_NEGATION = re.compile(
    r"\b(?:not?|never|none|nor|neither|without|cannot|hardly|rarely|unless|except|\w{1,10}n't"
    r"|nicht|kein(?:e[mnrs]?)?|nie(?:mals)?|ohne|ne|pas|jamais|sans|nunca|jam\u00e1s|non|n\u00e3o"
    rf"|\u043d\u0435|\u043d\u0438\u043a\u043e\u0433\u0434\u0430|\u0431\u0435\u0437)\b|[{_NOT_IN_CHINESE}]"
)


@cache
def _unspaced() -> re.Pattern[str]:
    """Scripts that are written without spaces between words, or with endings joined to them."""
    # Compiled on first use, since so large a character class takes milliseconds.
    return re.compile(
        "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
        "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
    )


class Quotable:
    """A response from which a judge quotes; normalised once, whatever the number of quotes."""

    def __init__(self, response: str) -> None:
        """Store `response`; it is normalised on the first search."""
        self.response = response

    def holds(self, quote: str) -> bool:
        """Tell whether every piece of `quote` stands in the response, in this order.

        Pieces are what `...` separates: at most six, at most 500 characters apart, and what is left
        out within a sentence holds no negation. A piece is whole words and numbers: `safe` is not
        in `unsafe`, nor `50 mg` in `250 mg`. White space, case, typographic quotes and dashes, bold
        and code marks and invisible characters do not count; letters, digits and signs do. A quote
        without any letter or digit is not found.
        """
        # Otherwise try a line break that was escaped twice, or that looks like a LaTeX command.
        return self._holds(quote) or ("\\" in quote and self._holds(_WRITTEN_BREAK.sub(" ", quote)))

    def is_told_by(self, quote: str) -> bool:
        """Tell whether `quote` can show something: three letters, a number, or all of it."""
        plain = _plain(_unquoted(quote))
        signs = [sign for sign in plain if sign.isalnum()]
        enough = 2 if _unspaced().search(plain) else 3
        return (
            len(signs) >= enough or any(map(str.isdigit, signs)) or plain.strip(".! ") == self._bare
        )

    def _holds(self, quote: str) -> bool:
        pieces = [piece for each in _GAP.split(_unquoted(quote)) if (piece := _plain(each))]
        if not any(any(map(str.isalnum, piece)) for piece in pieces) or len(pieces) > MAX_GAPS + 1:
            return False
        if len(pieces) == 1:
            return next(self._places(pieces[0]), None) is not None
        ends = [at + len(pieces[0]) for at in self._places(pieces[0])]
        for piece in pieces[1:]:
            # The nearest end before a place skips the least text.
            starts = [at for at in self._places(piece) if self._follows(at, ends)]
            ends = [at + len(piece) for at in starts]
        return bool(ends)

    def _places(self, piece: str) -> Iterator[int]:
        at = -1
        for _ in range(MAX_PLACES):
            at = self._text.find(piece, at + 1)
            if at < 0:
                return
            if _is_whole(self._text, at, at + len(piece)):
                yield at

    def _follows(self, at: int, ends: list[int]) -> bool:
        nearest = bisect_right(ends, at) - 1
        if nearest < 0 or at - ends[nearest] > MAX_GAP:
            return False
        between = (ends[nearest], at)
        return not _any_in(between, self._negations) or _any_in(between, self._sentence_ends)

    @cached_property
    def _text(self) -> str:
        return _plain(self.response)

    @cached_property
    def _bare(self) -> str:
        return self._text.strip(".! ")

    @cached_property
    def _negations(self) -> list[int]:
        return [found.start() for found in _NEGATION.finditer(self._text)]

    @cached_property
    def _sentence_ends(self) -> list[int]:
        return [found.start() for found in _SENTENCE_END.finditer(self._text)]


def stands_in(quote: str, response: str) -> bool:
    """Tell whether `response` holds `quote`, as `Quotable.holds` does."""
    return Quotable(response).holds(quote)


def _any_in(span: tuple[int, int], places: list[int]) -> bool:
    start, end = span
    return bisect_left(places, start) < bisect_left(places, end)


# Characters next to a piece that belong to its first or last word or number.
_REST_OF_NUMBER_BEFORE = re.compile(
    r"(?:\d[.,/^:]|(?:^|\s)\.|(?:^|[\s\d(\[{=<>:,;~/*^])[-\u00b1])$"
)
_REST_OF_NUMBER_AFTER = re.compile(r"[.,/^:]\d")
_REST_OF_WORD_BEFORE = re.compile(r"\b(?:non|un|anti|not|no)-$")
_REST_OF_WORD_AFTER = re.compile(r"'t\b|-(?:free|less)\b")


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 8) : start], text[end : end + 8]
    first, last = text[start], text[end - 1]
    if _joined(before[-1:], first) or _joined(last, after[:1]):
        return False
    if first.isdigit() and _REST_OF_NUMBER_BEFORE.search(before):
        return False
    if last.isdigit() and _REST_OF_NUMBER_AFTER.match(after):
        return False
    if first.isalpha() and (
        _REST_OF_WORD_BEFORE.search(before) or before.endswith(tuple(_NOT_IN_CHINESE))
    ):
        return False
    return not (last.isalpha() and _REST_OF_WORD_AFTER.match(after))


def _joined(left: str, right: str) -> bool:
    """Whether two adjacent characters belong to one word."""
    if not (left.isalnum() and right.isalnum()):
        return False
    pair = left + right
    return pair.isascii() or not _unspaced().search(pair)


_QUOTED = "\"'"


def _unquoted(quote: str) -> str:
    quote = quote.strip()
    plain = quote.translate(_LOOK)
    enclosed = len(plain) > 1 and plain[0] == plain[-1] and plain[0] in _QUOTED
    return quote[1:-1] if enclosed else quote


_MARKUP = re.compile(r"\*\*|`|\\(?=\\)")


def _plain(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _thinned(text)).translate(_LOOK)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(_MARKUP.sub("", text).casefold().split())


def _thinned(text: str) -> str:
    """The text with at most `MAX_MARKS` combining marks on a letter."""
    marks = 0
    kept: list[str] = []
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MAX_MARKS:
            kept.append(sign)
    return "".join(kept)
