"""The verdict on two plain numbers or fractions, which most answers are, without a parser."""

from __future__ import annotations

import re
from decimal import Decimal
from time import perf_counter

from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

__all__ = ["quick"]

_MOST_PLACES = 5
_NUMBER = re.compile(r"\$?(-?(?:\d{1,15}|[1-9]\d{0,2}(?:,\d{3}){1,4})(?:\.\d{1,20})?)", re.ASCII)
# Of two numbers that differ by less, one may be what the other was rounded to.
_NEAR, _NEAR_SHARE = Decimal("0.001"), Decimal("0.000001")
# What is whole, or a fraction of two whole numbers, between the delimiters of a formula or without.
_FRACTION = re.compile(
    r"(\$?) ?(-?)(?:\\[dt]?frac ?\{(\d{1,15})\} ?\{(\d{1,15})\}|(\d{1,15}) ?/ ?(\d{1,15})"
    r"|(\d{1,15}))\.? ?(\$?)",
    re.ASCII,
)


def quick(answer: str, reference: str, options: Options) -> Verdict | None:
    """Return the verdict where both are plain numbers; `None` if there is more to look at.

    It is that of the exact tier: a test holds the two together.
    """
    start = perf_counter()
    first = _NUMBER.fullmatch(answer)
    second = _NUMBER.fullmatch(reference) if first else None
    if options.absolute or options.relative:
        return None
    places = options.rounded_places
    if places is not None and places <= _MOST_PLACES:
        return None
    if first is None or second is None:
        return _fractions(answer, reference, start)
    one, other = first[1], second[1]
    if not (equal := one == other):
        value, gold = Decimal(one.replace(",", "")), Decimal(other.replace(",", ""))
        equal = value == gold
        if not equal and _places(one, other) > _MOST_PLACES and _are_near(value, gold):
            return None
    return Verdict("equal" if equal else "different", "exact", "", "", perf_counter() - start)


def _places(*numbers: str) -> int:
    """Return how many decimals the longest of some numbers has."""
    return max(len(number.partition(".")[2]) for number in numbers)


def _are_near(one: Decimal, other: Decimal) -> bool:
    apart = abs(one - other)
    return apart < _NEAR or apart < _NEAR_SHARE * max(abs(one), abs(other))


def _fractions(answer: str, reference: str, start: float) -> Verdict | None:
    one = _fraction(answer)
    other = _fraction(reference) if one is not None else None
    if one is None or other is None:
        return None
    equal = one[0] * other[1] == other[0] * one[1]
    return Verdict("equal" if equal else "different", "exact", "", "", perf_counter() - start)


def _fraction(text: str) -> tuple[int, int] | None:
    """Return numerator and denominator, which is not zero."""
    found = _FRACTION.fullmatch(text)
    if found is None or found[1] != found[8]:
        return None
    top, bottom = found[3] or found[5] or found[7], int(found[4] or found[6] or 1)
    return (int(found[2] + top), bottom) if bottom else None
