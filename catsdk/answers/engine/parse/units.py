"""Units: what their words measure, and how many of the basic unit one of them is."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import cast

__all__ = [
    "SCALES",
    "factor_of",
    "is_known",
    "is_money",
    "is_radian",
    "is_unit",
    "measures",
    "scale_of",
    "unit_of",
    "with_cased_units",
]

# The powers of length, mass, time, money, angle, data and months, which are not a number of days.
Dimension = tuple[int, int, int, int, int, int, int]

_NONE: Dimension = (0, 0, 0, 0, 0, 0, 0)
_LENGTH, _MASS, _TIME, _MONEY, _ANGLE, _DATA, _MONTH = (
    cast("Dimension", tuple(int(at == which) for at in range(7))) for which in range(7)
)
_AREA: Dimension = (2, 0, 0, 0, 0, 0, 0)
_VOLUME: Dimension = (3, 0, 0, 0, 0, 0, 0)
_SPEED: Dimension = (1, 0, -1, 0, 0, 0, 0)
_FORCE: Dimension = (1, 1, -2, 0, 0, 0, 0)
_PRESSURE: Dimension = (-1, 1, -2, 0, 0, 0, 0)
_ENERGY: Dimension = (2, 1, -2, 0, 0, 0, 0)
_POWER: Dimension = (2, 1, -3, 0, 0, 0, 0)
_RATE: Dimension = (0, 0, -1, 0, 0, 0, 0)
_GALLON = 231 * Fraction(254, 10000) ** 3

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
    (_AREA, Fraction(10_000), "ha hectare hectares"),
    (_AREA, Fraction(40468564224, 10**7), "acre acres"),
    (_VOLUME, Fraction(1, 1000), "l liter liters litre litres"),
    (_VOLUME, Fraction(1, 10**6), "ml milliliter milliliters millilitre millilitres"),
    (_VOLUME, _GALLON, "gallon gallons gal"),
    (_VOLUME, _GALLON / 4, "quart quarts"),
    (_VOLUME, _GALLON / 8, "pint pints"),
    (_VOLUME, _GALLON / 16, "cup cups"),
    (_MASS, Fraction(1), "g gram grams"),
    (_MASS, Fraction(1, 1000), "mg milligram milligrams"),
    (_MASS, Fraction(1000), "kg kgs kilogram kilograms"),
    (_MASS, Fraction(10**6), "tonne tonnes"),
    (_MASS, Fraction(45359237, 100000), "lb lbs pound pounds"),
    (_MASS, Fraction(45359237, 1600000), "oz ounce ounces"),
    (_TIME, Fraction(1), "s sec secs second seconds"),
    (_TIME, Fraction(1, 1000), "ms millisecond milliseconds"),
    (_TIME, Fraction(60), "min mins minute minutes"),
    (_TIME, Fraction(3600), "h hr hrs hour hours"),
    (_TIME, Fraction(86400), "d day days"),
    (_TIME, Fraction(604800), "week weeks wk wks"),
    (_MONTH, Fraction(1), "month months"),
    (_MONTH, Fraction(12), "year years yr yrs"),
    (_SPEED, Fraction(1609344, 3600 * 1000), "mph"),
    (_SPEED, Fraction(1000, 3600), "kph kmh kmph"),
    (_RATE, Fraction(1), "hz hertz"),
    (_RATE, Fraction(1000), "khz kilohertz"),
    (_RATE, Fraction(10**6), "mhz megahertz"),
    (_FORCE, Fraction(1000), "newton newtons"),
    (_PRESSURE, Fraction(1000), "pa pascal pascals"),
    (_PRESSURE, Fraction(10**6), "kpa kilopascal kilopascals"),
    (_ENERGY, Fraction(1000), "joule joules"),
    (_ENERGY, Fraction(10**6), "kj kilojoule kilojoules"),
    (_POWER, Fraction(1000), "watt watts"),
    (_POWER, Fraction(10**6), "kw kilowatt kilowatts"),
    (_MONEY, Fraction(1), "$ dollar dollars usd"),
    (_MONEY, Fraction(1, 100), "cent cents ¢"),
    (_ANGLE, Fraction(1), "degree degrees deg"),
    (_DATA, Fraction(1), "byte bytes"),
    (_DATA, Fraction(10**3), "kilobyte kilobytes"),
    (_DATA, Fraction(10**6), "megabyte megabytes"),
    (_DATA, Fraction(10**9), "gigabyte gigabytes"),
    (_DATA, Fraction(10**12), "terabyte terabytes"),
    (_DATA, Fraction(1, 8), "bit bits"),
    (_DATA, Fraction(10**3, 8), "kilobit kilobits"),
    (_DATA, Fraction(10**6, 8), "megabit megabits"),
    (_DATA, Fraction(10**9, 8), "gigabit gigabits"),
    (_DATA, Fraction(10**12, 8), "terabit terabits"),
)
# Abbreviations whose meaning hangs on their case, as in mW and MW, with the name of the unit.
_CASED = """
g gram m meter s second L liter Hz hertz Pa pascal W watt J joule V volt A ampere N newton F farad
C coulomb K kelvin eV electronvolt Wh watthour Ah amperehour T tesla mol mole Sv sievert Ω ohm
M molar
"""
_CASED_WORDS = _CASED.split()
_SPELLED = {
    f"{sign}{short}": f"{prefix}{name}"
    for short, name in zip(_CASED_WORDS[::2], _CASED_WORDS[1::2], strict=True)
    for sign, prefix in (("M", "mega"), ("m", "milli"))
} | {
    f"{sign}{short}": f"{prefix}{name}"
    for sign, prefix in (("k", "kilo"), ("K", "kilo"), ("M", "mega"), ("G", "giga"), ("T", "tera"))
    for short, name in (("b", "bit"), ("B", "byte"), ("bps", "bit / s"), ("Bps", "byte / s"))
}
_SPELLED.update({"Cal": "kilocalorie", "cal": "calorie"})
_SPELLED_WORD = re.compile(rf"(?<![A-Za-z\\])(?:{'|'.join(_SPELLED)})(?![A-Za-z])")
# Words that are units without a size here.
_UNSIZED_WORDS = """
    radian radians rad ton tons euro euros eur yuan rupees pesos yen gbp rs rmb inr volt volts
    kelvin celsius fahrenheit ohm ohms amp amps ampere amperes coulomb coulombs farad farads
    tesla teslas weber webers henry henries lumen lumens lux candela mole moles mol mmol
    decibel decibels db bar bars atm psi calorie calories kcal kilocalorie tablespoon tablespoons
    tbsp teaspoon teaspoons tsp knot knots gbps mbps kbps bps kb mb gb tb lightyear lightyears
    kwh wh mah ev kev mev torr
    grain grains carat carats stone fathom fathoms furlong furlongs barrel barrels bushel bushels
    becquerel becquerels sievert sieverts gray grays steradian steradians parsec parsecs
"""
# Words that count: their number is compared as it stands.
_OPEN_WORDS = """
    unit units people students ways points pts percent pct percentage times wpm rpm bpm mpg fps
    ppm dpi
"""
_UNSIZED = frozenset(_UNSIZED_WORDS.split()) | frozenset(_SPELLED.values())
_OPEN = frozenset(_OPEN_WORDS.split()) | _UNSIZED
_KNOWN: dict[str, tuple[Dimension, Fraction]] = {
    word: (dimension, factor) for dimension, factor, words in _TABLE for word in words.split()
}
_KNOWN.update(
    {
        f"{prefix}{name}": (_KNOWN[name][0], _KNOWN[name][1] * size)
        for name in _CASED_WORDS[1::2]
        if name in _KNOWN
        for prefix, size in (("mega", Fraction(10**6)), ("milli", Fraction(1, 1000)))
    }
)
_SQUARE, _CUBIC = frozenset(["square", "sq", "sq."]), frozenset(["cubic", "cu", "cu."])
# A percentage of a variable is not a number.
_OF_LETTER = re.compile(r"\bof \w$")
_PARTS = frozenset(["per", "/", "^", "square", "sq", "cubic", "cu", "%", "\u00b0", "c", "f", "k"])
_PIECE = re.compile(r"[^\W\d_]+\.?|[$¢%°]|\d|/|\^|\S")
# Words behind a number that count in a larger unit.
SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
}
_SCALES = {
    "c": "C", "celsius": "C", "f": "F", "fahrenheit": "F", "k": "K", "kelvin": "K"
}  # fmt: skip
_SHORT = frozenset(["m", "g", "s", "h", "d", "b", "in"])


def is_unit(word: str) -> bool:
    """Tell whether `word` alone is a unit; single letters, which may be variables, are not."""
    lower = word.lower().rstrip(".")
    return lower not in _SHORT and (lower in _KNOWN or lower in _OPEN)


def is_known(unit: str) -> bool:
    """Tell whether all words of a unit are known, such as those of `volts per hour`."""
    words = [piece.rstrip(".") for piece in _PIECE.findall(unit.lower())]
    if words[:1] == ["times"] and any(map(str.isdigit, words)):
        return False
    return all(
        word in _KNOWN or word in _OPEN or word in _PARTS or word.isdigit() for word in words
    ) and any(word in _KNOWN or word in _OPEN for word in words)


def unit_of(words: str) -> str:
    """Return the usual writing of a unit, such as `%` for percent; else the words in lower case."""
    lower = " ".join(with_cased_units(words).lower().split()).rstrip(".")
    first = lower.partition(" ")[0].rstrip(".,")
    rest = lower.split()[1:2]
    share = first in ("percent", "pct", "percentage", "percents") and rest in ([], ["of"])
    share = share and not _OF_LETTER.search(lower)
    return "%" if share else lower


def with_cased_units(text: str) -> str:
    """Spell out the units whose abbreviation means another in another case: mW, MW, Mb, MB."""
    return _SPELLED_WORD.sub(lambda found: _SPELLED[found[0]], text)


def factor_of(unit: str) -> tuple[Dimension, Fraction] | None:
    """Return dimension and size of `unit`, of products and quotients too; `None` if unknown."""
    dimension, factor = _NONE, Fraction(1)
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
            powers = [a + sign * written * b for a, b in zip(dimension, which, strict=True)]
            dimension = cast("Dimension", tuple(powers))
            factor *= size ** (sign * written)
            power = 1
        else:
            return None
    return dimension, factor


def measures(unit: str) -> bool:
    """Tell whether a unit measures, so that its value may be the same with another unit."""
    words = [piece.rstrip(".") for piece in _PIECE.findall(unit.lower())]
    return any(word in _KNOWN or word in _UNSIZED for word in words)


def scale_of(unit: str) -> str:
    """Return the letter of a scale of temperature, C, F or K, or nothing."""
    last = unit.lower().rpartition(" ")[2]
    return _SCALES.get(last, "") if unit.lower().startswith("degree") or len(last) > 1 else ""


def is_money(unit: str) -> bool:
    """Tell whether a unit is dollars or cents."""
    known = _KNOWN.get(unit)
    return known is not None and known[0] == _MONEY


def is_radian(unit: str) -> bool:
    """Tell whether angles are measured by their arc."""
    return unit in ("rad", "radian", "radians")


def _written_power(pieces: list[str], at: int) -> int | None:
    after = pieces[at + 1 : at + 3]
    if after and after[0] in ("2", "3"):
        return int(after[0])
    return int(after[1]) if len(after) == 2 and after[0] == "^" and after[1] in ("2", "3") else None
