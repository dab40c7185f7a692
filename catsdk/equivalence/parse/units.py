"""Units: what their words measure, and how many of the basic unit one of them is."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = ["factor_of", "is_unit", "unit_of"]

_LENGTH, _MASS, _TIME = (1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)
_MONEY, _ANGLE, _DATA = (0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 0, 1)

Dimension = tuple[int, int, int, int, int, int]

# dimension, factor to its first unit, words; the words match whole, in lower case
_TABLE: tuple[tuple[Dimension, Fraction, str], ...] = (
    (_LENGTH, Fraction(1), "m meter meters metre metres"),
    (_LENGTH, Fraction(1, 100), "cm centimeter centimeters centimetre centimetres"),
    (_LENGTH, Fraction(1, 1000), "mm millimeter millimeters millimetre millimetres"),
    (_LENGTH, Fraction(1000), "km kilometer kilometers kilometre kilometres kms"),
    (_LENGTH, Fraction(254, 10000), 'in inch inches "'),
    (_LENGTH, Fraction(3048, 10000), "ft foot feet '"),
    (_LENGTH, Fraction(9144, 10000), "yd yds yard yards"),
    (_LENGTH, Fraction(1609344, 1000), "mi mile miles"),
    (_MASS, Fraction(1), "g gram grams"),
    (_MASS, Fraction(1, 1000), "mg milligram milligrams"),
    (_MASS, Fraction(1000), "kg kgs kilogram kilograms"),
    (_MASS, Fraction(45359237, 100000), "lb lbs pound pounds"),
    (_MASS, Fraction(45359237, 1600000), "oz ounce ounces"),
    (_TIME, Fraction(1), "s sec secs second seconds"),
    (_TIME, Fraction(60), "min mins minute minutes"),
    (_TIME, Fraction(3600), "h hr hrs hour hours"),
    (_TIME, Fraction(86400), "d day days"),
    (_TIME, Fraction(604800), "week weeks wk wks"),
    (_MONEY, Fraction(1), "$ dollar dollars usd"),
    (_MONEY, Fraction(1, 100), "cent cents ¢"),
    (_ANGLE, Fraction(1), "degree degrees deg"),
    (_DATA, Fraction(1), "b byte bytes"),
)
# Words that are units without a size here: their number is compared as it stands.
_OPEN_WORDS = """
units unit radian radians rad liter liters litre litres ml l gallon gallons quart quarts pint
    pints cup cups ton tons tonne tonnes mph kph kmh hz khz mhz month months year years yr yrs
    people students ways points pts percent pct percentage times hectares acres acre euro euros eur
    yuan rupees pesos yen gbp rs rmb inr watts watt volts volt joules joule newtons newton pa
    pascals kelvin celsius fahrenheit
"""
_OPEN = frozenset(_OPEN_WORDS.split())
_KNOWN: dict[str, tuple[Dimension, Fraction]] = {
    word: (dimension, factor) for dimension, factor, words in _TABLE for word in words.split()
}
_SQUARE, _CUBIC = frozenset(["square", "sq", "sq."]), frozenset(["cubic", "cu", "cu."])
_PIECE = re.compile(r"[^\W\d_]+\.?|[$¢%°]|\d|/|\^|\S")
_SHORT = frozenset(["m", "g", "s", "h", "d", "b", "in"])


def is_unit(word: str) -> bool:
    """Tell whether `word` alone is a unit; single letters, which may be variables, are not."""
    lower = word.lower().rstrip(".")
    return lower not in _SHORT and (lower in _KNOWN or lower in _OPEN)


def unit_of(words: str) -> str:
    """Return the usual writing of a unit, such as `%` for percent; else the words in lower case."""
    lower = " ".join(words.lower().split()).rstrip(".")
    first = lower.partition(" ")[0].rstrip(".,")
    return "%" if first in ("percent", "pct", "percentage", "percents") else lower


def factor_of(unit: str) -> tuple[Dimension, Fraction] | None:
    """Return dimension and size of `unit`, of products and quotients too; `None` if unknown.

    The dimension holds the powers of length, mass, time, money, angle and data.
    """
    dimension, factor = [0] * 6, Fraction(1)
    power, sign = 1, 1
    pieces = _PIECE.findall(unit.lower())
    if not 0 < len(pieces) <= 8:
        return None
    for at, piece in enumerate(pieces):
        word = piece.rstrip(".")
        if word in ("per", "/"):
            sign = -1
        elif word in ("square", "sq", "cubic", "cu"):
            power = 2 if word in _SQUARE else 3
        elif word == "^" or word.isdigit():
            continue
        elif word in _KNOWN:
            written = _written_power(pieces, at) or power
            which, size = _KNOWN[word]
            dimension = [a + sign * written * b for a, b in zip(dimension, which, strict=True)]
            factor *= size ** (sign * written)
            power = 1
        else:
            return None
    one, two, three, four, five, six = dimension
    return (one, two, three, four, five, six), factor


def _written_power(pieces: list[str], at: int) -> int | None:
    after = pieces[at + 1 : at + 3]
    if after and after[0] in ("2", "3"):
        return int(after[0])
    return int(after[1]) if len(after) == 2 and after[0] == "^" and after[1] in ("2", "3") else None
