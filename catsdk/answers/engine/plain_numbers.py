"""The verdict on plain numbers and fractions, which most answers are, without a parser."""

from __future__ import annotations

import re
from decimal import Decimal

from catsdk.answers.options import Options
from catsdk.answers.verdict import Verdict

__all__ = ["quick"]

_EQUAL, _DIFFERENT = Verdict("equal", "exact"), Verdict("different", "exact")

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
_UNSIGNED = re.compile(r"(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?", re.ASCII)
# What may stand behind a number, with the letters of a unit; those of `sec` may be the secant.
_UNIT = re.compile(
    r" ?(?:\\?%|\^(?:\\circ|\{\\circ\})"
    r"|(?:\\[ ,])?\\text\{ ?(?:square |cubic )?(?!sec\})([a-z]{2,20})\})"
)


def quick(answer: str, reference: str, options: Options) -> Verdict | None:
    """Return the verdict where both are plain numbers; `None` if there is more to look at.

    One of them may have a unit, if the number before it is the other one. The verdict is that of
    the exact tier: a test holds the two together.
    """
    if options.absolute or options.relative:
        return None
    rounded = options.rounded_places
    if rounded is not None and rounded <= _MOST_PLACES:
        return None
    first = _NUMBER.fullmatch(answer)
    if first is not None and answer == reference:
        return _EQUAL
    second = _NUMBER.fullmatch(reference) if first else None
    if first is None or second is None:
        return _fractions(answer, reference) or _measured(answer, reference, options)
    one, other = _ungrouped(first[1]), _ungrouped(second[1])
    if first[2] is None and second[2] is None:
        equal = int(one) == int(other)
    else:
        value, gold = Decimal(one), Decimal(other)
        equal = value == gold
        if not equal and _places(first, second) > _MOST_PLACES and _are_near(value, gold):
            return None
    return _EQUAL if equal else _DIFFERENT


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


def _fractions(answer: str, reference: str) -> Verdict | None:
    one = _fraction(answer)
    other = _fraction(reference) if one is not None else None
    if one is None or other is None:
        return None
    equal = one[0] * other[1] == other[0] * one[1]
    return _EQUAL if equal else _DIFFERENT


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


def _measured(answer: str, reference: str, options: Options) -> Verdict | None:
    """Find a number and the same number with a unit equal."""
    short, long = sorted((answer, reference), key=len)
    unit = _UNIT.fullmatch(long, len(short)) if long.startswith(short) else None
    if unit is None or not _UNSIGNED.fullmatch(short):
        return None
    if options.units == "strict" or options.percent == "fraction":
        return None
    return _EQUAL if unit[1] is None or _is_unit(unit[1]) else None


def _is_unit(word: str) -> bool:
    # Units are loaded when they are first needed, not with catsdk.
    from catsdk.answers.engine.parse.units import is_unit

    return is_unit(word)
