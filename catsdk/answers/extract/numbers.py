"""Numbers at the start of a text, with the signs, units and words that belong to them."""

from __future__ import annotations

import re
from fractions import Fraction

from catsdk.answers.engine.parse.number_words import number_of
from catsdk.answers.engine.parse.units import SCALES, is_unit
from catsdk.answers.extract.phrases import VERB, Value, words_at
from catsdk.answers.extract.withdrawals import refutes

__all__ = [
    "CHANGING",
    "TAILED",
    "number_in_words",
    "number_to_the_end",
    "one_number",
    "quantity_at",
]

_SIGN = r"[-+\u2212\u2013±]?"
_MONEY = r"(?:(?:US|AU|CA)?\\?[$€£¥₹]\s?)?"
_DIGITS = r"\d{1,400}(?:(?:,|\{,\}|\u202f)\d{1,400})*(?:\.\d{1,400}(?!\.\d))?|\.\d{1,400}"
_NUMBER = rf"{_SIGN}{_MONEY}{_SIGN}(?:{_DIGITS})"
_POWER = (
    r"(?:[eE][-+]?\d{1,4}(?![\w.])"
    r"|\s?[×x*]\s?10\s?(?:\^\s?\{?\s?[-+\u2212]?\d{1,4}\}?|[⁰¹²³⁴-⁹⁻]{1,5}))?"
)
TAILED = rf"{_NUMBER}{_POWER}(?:\s?(?:\\?%|°[CF]?|[½⅓⅔¼¾⅛]))?"
_STANDALONE = re.compile(rf"(?<![\w.,/^:¬≠<>≤≥]){_NUMBER}|(?<=\w)\d")
_CHANGING_WORDS = """
squared cubed factorial hundred thousand million billion trillion dozen half halves third thirds
quarter quarters fourth fourths fifth fifths sixth eighths tenths hundredths percent percentage
point plus minus over divided multiplied or through mod modulo choose out not except th st nd rd
root raised power tens hundreds thousands millions
"""
CHANGING = frozenset(_CHANGING_WORDS.split())


_PLAIN = re.compile(r"[ \t]{0,3}\n{0,2}(\$?-?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,40})?)[ \n]{0,4}\Z")


def number_to_the_end(text: str, at: int) -> str | None:
    """Read a plain number that is all that a text has from `at` on, as most answers are."""
    found = _PLAIN.match(text, at)
    return found[1] if found else None


# Fractions, mixed numbers, ratios, times, dates: numbers tied to numbers.
_QUANTITY = re.compile(
    rf"{TAILED}(?:\ \d{{1,9}}/\d{{1,9}}|\s?[/:]\s?{TAILED}|-\d{{1,2}}-\d{{1,2}})*"
    r"(?:\s?(?:[apAP]\.[mM]\.|[apAP][mM](?![A-Za-z])))?(?![A-Za-z0-9π√θ^]|\.\d)"
)
# These change a number only with what follows: "5 more than x", "20% of 50", "5 in base 6".
_CHANGING_WITH = re.compile(
    r"\s?(?:(?:more|less|fewer|greater|higher|lower|larger|smaller|short)\b[^.,;]{0,30}?\b(?:than"
    r"|of)\b|(?:of|to|and|times|point|below|above|under|from)\s\$?-?[\d(]|in base\b|or\b|away\b"
    r"|and (?:an?|one|two|three) (?:half|thirds?|quarters?|fourths?|fifths?)\b)"
)
# A relation to another number that is not given: "5 times as many", "3 times the original".
_RELATION = re.compile(
    r"\s?times\s(?:as|more|the|that|his|her|its|their|larger|bigger|greater|less|fewer|older"
    r"|faster)\b"
)
# What a number has, or what is only near it: "5 digits long", "5-ish".
_ASIDE = re.compile(r"-ish\b|\s?(?:digits?|letters?|words?|characters?)\s(?:long|in\slength)\b")
# After a small number an exclamation mark may as well be a factorial.
_EXCLAIMED = re.compile(r"!(?!!)")
# An operator with something behind it; a slash in front of a word belongs to a unit.
_GOES_ON = re.compile(
    r"[\u2013~]\s?\d|\s?(?:[-+*^=×·÷±≤≥<>√\u2212]\s?[-\w(\\$√]|\\(?:times|cdot|div|pm|frac|sqrt|pi|le|ge|ne)\b"
    r"|/\s?[\d(\\$√]|\([-\dA-Za-z\\]{1,3}[)+-]|[²³]|!\s?[-+*/×=])"
)
_POWERS = ("square", "cubic", "sq", "cu")
_ONE_UNIT = (
    r"\s?(?:(?:square|cubic|sq|cu)\.?\s)?[^\W\d_²³]+\.?(?:\^?[²³23](?!\d))?"
    r"(?:\s?(?:per|/)\s?[^\W\d_²³]+(?:\^?[²³23](?!\d))?)?"
)
_UNIT = re.compile(rf"{_ONE_UNIT}(?:,?\s(?:and\s)?(?:{_DIGITS}){_ONE_UNIT})*")
_FIRST_WORD = re.compile(r"\s*(?:-\s?)?([^\W\d_²³]+|[°$¢])")
_LISTED = re.compile(rf"(?:\s?(?:,|\band\b|&)\s?(?:and\s)?{TAILED}(?![\w.]))+")
_OTHER = re.compile(
    rf"\s?[,(]?\s?(?:\b(?:or|oder|ou|o|или)\s(?:\w+\s)?"
    rf"|(?:或者?|还是|または)\s?)({TAILED}(?:/\d+)?)(?![A-Za-z0-9_])"
)


def quantity_at(text: str) -> Value | None:
    """Read a number with what belongs to it."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    number, rest = found.group(), text[found.end() :]
    if _ASIDE.match(rest):
        return Value(number, rest, alternatives=True)
    if _GOES_ON.match(rest):
        return None
    if _RELATION.match(rest) or (_EXCLAIMED.match(rest) and _may_be_factorial(number)):
        return Value(number, rest, alternatives=True)
    words = _FIRST_WORD.match(rest)
    first = words.group(1).lower() if words else ""
    if listed := _LISTED.match(rest):
        return Value(number + listed.group(), rest[listed.end() :])
    if other := _OTHER.match(rest):
        same = _rational(number) is not None and _rational(number) == _rational(other.group(1))
        return Value(number, rest[other.end() :], alternatives=not same)
    if first in CHANGING or first in SCALES or _CHANGING_WITH.match(rest):
        return _phrase(text)
    if first and (is_unit(first) or first in _POWERS):
        unit = _UNIT.match(rest)
        end = unit.end() if unit else 0
        return Value(number + rest[:end].rstrip("."), rest[end:])
    return Value(number, rest)


_CODE = re.compile(r"://|;\s*$|\A[^\\]*[{}]|(?<![\\A-Za-z])[A-Za-z]{2,}\(")
_LABEL = re.compile(
    r"\b(?:problem|exercise|page|chapter|step|version|copyright|error|question|section|figure|table"
    r"|part|line|number|no|see|example|item|case|january|february|march|april|may|june|july|august"
    r"|september|october|november|december)\.?\s$"
    r"|\b(?:number|integer|prime|one|value)\s(?:\w+\s)?(?:after|before|following|preceding)\s$",
    re.IGNORECASE,
)
_LISTING = re.compile(r",\s|\band\b")


def one_number(sentence: str) -> str | None:
    """Return the one number of a sentence, with its unit; `None` if there is none or several."""
    found: list[str] = []
    at = 0
    if _CODE.search(sentence):
        return None
    while match := _STANDALONE.search(sentence, at):
        before = sentence[: match.start()]
        if before[-1:].isalnum() or _LABEL.search(before):
            return None
        value = quantity_at(sentence[match.start() :])
        if value is None or value.alternatives or found or _LISTING.search(value.text):
            return None
        if refutes(value.rest, value.text):
            return None
        found.append(value.text)
        at = len(sentence) - len(value.rest)
    return found[0] if found else None


_NUMBER_WORD = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand"
    r"|million|billion|half|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)\b"
)
_WORDS_OF_NUMBER = re.compile(
    rf"\b(?:(?:minus|negative|an?)\s)?{_NUMBER_WORD}(?:[\s-](?:and\s)?(?:an?\s)?{_NUMBER_WORD})*",
    re.IGNORECASE,
)
# Of words, only what somebody or something has is a number, and not "two" of "the two friends".
_HAD = re.compile(
    r"\b(?:has|have|had|is|are|makes?|made|gets?|got|needs?|earns?|earned|spends?|spent|pays?|paid"
    r"|costs?|leaves?|left|equals?|sells?|sold|buys?|bought|takes?|took|uses?|used|saves?|saved"
    r"|total of|with)\s(?:(?:only|just|exactly|about|a total of)\s)?$",
    re.IGNORECASE,
)
_OF_IT = re.compile(r"(?:\s(?!of\b)[^\W\d_]+){0,5}[\s.!*_)]*$")


def number_in_words(sentence: str) -> str | None:
    """Return the one number in words of a sentence without figures that ends in it."""
    found = list(_WORDS_OF_NUMBER.finditer(sentence))
    if (
        len(found) != 1
        or _STANDALONE.search(sentence)
        or not _HAD.search(sentence[: found[0].start()])
    ):
        return None
    words = found[0].group()
    whole = _OF_IT.match(sentence, found[0].end()) is not None
    return words if whole and number_of(words.lower()) is not None else None


# Arithmetic in words that is not worked out.
_TO_DO = re.compile(r"\S+ (?:times|plus|minus|multiplied by|divided by) \$?-?\d")


def _phrase(text: str) -> Value | None:
    """Read a number whose words say more than a unit does, with all of them."""
    found = words_at(text, most=6)
    if found is None or VERB.search(found.text) or _TO_DO.match(found.text):
        return None
    return Value(found.text, found.rest, alternatives=re.search(r"\bor\b", found.text) is not None)


_LARGEST_FACTORIAL = 25


def _may_be_factorial(number: str) -> bool:
    return number.isdecimal() and len(number) <= 2 and int(number) <= _LARGEST_FACTORIAL


_SIMPLE = re.compile(
    r"(-?)\$?(\d{1,15})(?:\.(\d{1,15}))?(?:/(\d{1,15}))?\s?(%|percent)?", re.IGNORECASE
)


def _rational(text: str) -> Fraction | None:
    found = _SIMPLE.fullmatch(text.replace(",", "").strip())
    if found is None:
        return None
    sign, whole, decimals, bottom, percent = found.groups()
    value = Fraction(f"{sign}{whole}.{decimals or 0}")
    if bottom:
        if not int(bottom):
            return None
        value /= int(bottom)
    return value / 100 if percent else value
