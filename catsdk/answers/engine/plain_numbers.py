"""The verdict on two plain numbers or fractions, which most answers are, without a parser."""

from __future__ import annotations

import re
from decimal import Decimal
from time import perf_counter

from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

__all__ = ["quick"]

_MOST_PLACES = 5
# The number as it is written, and its decimals with their point.
_NUMBER = re.compile(
    r"\$?(-?(?:\d{1,15}|[1-9]\d{0,2}(?:(?:,|\{,\}|,\\!)\d{3}){1,4})(\.\d{1,20})?)", re.ASCII
)
# Of two numbers that differ by less, one may be what the other was rounded to.
_NEAR, _NEAR_SHARE = Decimal("0.001"), Decimal("0.000001")
# What is whole, a fraction of two whole numbers, or the sum of both, between the delimiters of a
# formula or without.
_FRACTION = re.compile(
    r"(?P<opens>\$?) ?(?P<sign>-?)(?:"
    r"(?:(?P<whole>\d{1,15}) ?)?\\[dt]?frac ?\{(?P<top>\d{1,15})\} ?\{(?P<bottom>\d{1,15})\}"
    r"|(?P<number>\d{1,15})(?: ?/ ?(?P<divisor>\d{1,15}))?)\.? ?(?P<closes>\$?)",
    re.ASCII,
)


def quick(answer: str, reference: str, options: Options) -> Verdict | None:
    """Return the verdict where both are plain numbers; `None` if there is more to look at.

    It is that of the exact tier: a test holds the two together.
    """
    start = perf_counter()
    if options.absolute or options.relative:
        return None
    rounded = options.rounded_places
    if rounded is not None and rounded <= _MOST_PLACES:
        return None
    first = _NUMBER.fullmatch(answer)
    if first is not None and answer == reference:
        return Verdict("equal", "exact", "", "", perf_counter() - start)
    second = _NUMBER.fullmatch(reference) if first else None
    if first is None or second is None:
        return _fractions(answer, reference, start)
    one, other = _ungrouped(first[1]), _ungrouped(second[1])
    if first[2] is None and second[2] is None:
        equal = int(one) == int(other)
    else:
        value, gold = Decimal(one), Decimal(other)
        equal = value == gold
        if not equal and _places(first, second) > _MOST_PLACES and _are_near(value, gold):
            return None
    return Verdict("equal" if equal else "different", "exact", "", "", perf_counter() - start)


def _ungrouped(number: str) -> str:
    """Return a number without what groups its digits."""
    number = number.replace(",", "")
    return (
        number.replace("{}", "").replace("\\!", "") if "\\" in number or "{" in number else number
    )


def _places(*numbers: re.Match[str]) -> int:
    """Return how many decimals the longest of some numbers has."""
    return max(len(number[2] or ".") - 1 for number in numbers)


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
    if found is None or found["opens"] != found["closes"]:
        return None
    top, bottom = (
        int(found["top"] or found["number"]),
        int(found["bottom"] or found["divisor"] or 1),
    )
    if found["whole"]:
        if not 0 < top < bottom:
            return None  # a product
        top += int(found["whole"]) * bottom
    return (-top if found["sign"] else top, bottom) if bottom else None
