"""Reading of an answer's text: its tree, a second reading where there is one, or why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from catsdk.equivalence.limits import LimitReachedError, UnreadableError
from catsdk.equivalence.parse.boxes import last_boxed
from catsdk.equivalence.parse.cleaning import clean
from catsdk.equivalence.parse.lexer import repeating, whole_number
from catsdk.equivalence.parse.sentences import last_expression, last_number, without_formulas
from catsdk.equivalence.parse.statements import parse
from catsdk.equivalence.parse.wording import letters_of
from catsdk.equivalence.tree import Node, Number, Numeral, Text
from catsdk.equivalence.verdict import Cause

__all__ = ["Reading", "read"]

_CACHED_LENGTH = 300
_INTEGER = re.compile(r"-?\d{1,300}")
_DECIMAL = re.compile(r"-?\d{0,60}\.(\d{1,60})")
_EUROPEAN = re.compile(r"([-+]?\d{1,3}(?:\.\d{3}){1,9}),(\d{1,20})|([-+]?\d{1,3}(?:\.\d{3}){2,9})")
_COMMA = re.compile(r"([-+]?\d{1,20}),(\d{1,20})")
_GROUPS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3}){1,9}")
_PERIOD = re.compile(r"(-?)(\d{0,20})\.(\d{0,20})\((\d{1,20})\)")
_DIGITS = re.compile(r"(\d[0-9A-Fa-f]{0,40})_\s?\{?(?:\\text\{)?(\d{1,2})\}{0,2}")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_MONTH_NAMES = """
January February March April May June July August September October November December
"""
_MONTHS = _MONTH_NAMES.split()
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.](\d\d))?\s?(?:\\text\{\s?)?([ap])\.?\s?m\.?\}?", re.IGNORECASE
)
_HEXADECIMAL = re.compile(r"([0-9A-F]{2,40})_\{?(16)\}?")
_WHOLE_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox|mathbf)\s?\{([^{}]*)\}(?:(?<=\w\w\})\^\{?\d\}?)?"
)
# Marks of Chinese, Hindi and Arabic, too.
_PROSE = re.compile(
    r"[\w\s.,:;!?'$%/()*+=\-\u00b2\u00b3\u2212\u2248€£\u3002\uff0c\uff1a\uff1b\uff01\uff1f\uff08\uff09"
    r"\u3001\u0964\u060c\u061b\u061f\u064b-\u0652\u0900-\u0903\u093a-\u094f\[\]]+|"
)
_TEXT_COMMAND = re.compile(r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox|mathbf)\s?")
_LONG_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_STARTS = frozenset("0123456789+-.ABCDEF")
_SPECIAL = re.compile(r"\\(?:pm|mp|begin)|\[ ?\[")
_INTEGERS = re.compile(r"([a-z]) ?\\in ?\\mathbb ?\{?[ZN]")
_TEN = Number(Fraction(10))
_CODE = re.compile(r'["`_;{}]|\w\(\)|\)\.')


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says: `node`, or `None` with the cause; `letters` of an answer of words.

    `other` is a second reading, which counts against an answer of another kind: `1,22` may be a
    list or 1.22, and `1,000,200` a number or a list. `tens` is the node with logarithms of base ten
    where no base is written and `node` has natural ones; `integers` is a letter that is said to run
    over the integers. Without `special` the node holds no plus-minus
    and no matrix.
    """

    node: Node | None
    other: Node | None = None
    letters: str | None = None
    cause: Cause = ""
    detail: str = ""
    special: bool = False
    tens: Node | None = None
    integers: str = ""


def read(text: str) -> Reading:
    """Read an answer; short ones are remembered."""
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _read(text)


def _read(text: str) -> Reading:
    if plain := _plain(text.strip()):
        return plain
    boxed = last_boxed(text) if "\\boxed" in text or "\\fbox" in text else None
    try:
        return _read_cleaned(clean(text if boxed is None else boxed), text)
    except (LimitReachedError, RecursionError) as error:
        return Reading(None, cause="limit", detail=str(error))


_remembered = lru_cache(maxsize=8_192)(_read)
# Answers that differ in their dress alone share one tree.
_parsed = lru_cache(maxsize=8_192)(parse)


def _plain(text: str) -> Reading | None:
    """Read what most answers are, an integer or a decimal, without the grammar."""
    if _INTEGER.fullmatch(text):
        return Reading(whole_number(text) if text[0] != "-" else Number(Fraction(int(text))))
    if found := _DECIMAL.fullmatch(text):
        return Reading(Number(Fraction(text), len(found.group(1))))
    return None


def _read_cleaned(text: str, original: str) -> Reading:
    if not text:
        return Reading(Text(""))
    if text[0] in _STARTS and (number := _plain(text) or _special(text)):
        return number
    letters = letters_of(text)
    latex = "\\" in text
    if latex and (whole := _WHOLE_TEXT.fullmatch(text)) and whole.group(1).strip():
        return _read_cleaned(clean(whole.group(1)), original)
    try:
        other = _other_reading(text) if "," in text else None
        special = (latex or "[" in text) and _SPECIAL.search(text) is not None
        node = _parsed(text) if len(text) <= _CACHED_LENGTH else parse(text)
        tens = parse(text, _TEN) if "log" in text else None
        whole = _INTEGERS.search(original) if latex else None
        integers = whole[1] if whole else ""
        return Reading(node, other, letters, special=special, tens=tens, integers=integers)
    except UnreadableError as error:
        return _in_words(text, original, letters, str(error))


def _special(text: str) -> Reading | None:
    """Read numbers of other countries, and times of day."""
    if found := _EUROPEAN.fullmatch(text):
        whole, decimals, grouped = found.groups()
        if grouped:
            return Reading(Number(Fraction(int(grouped.replace(".", "")))))
        return Reading(Number(Fraction(f"{whole.replace('.', '')}.{decimals}"), len(decimals)))
    if found := _PERIOD.fullmatch(text):
        sign, *parts = found.groups()
        value = repeating(*parts)
        return Reading(Number(-value if sign else value))
    if (found := _DIGITS.fullmatch(text) or _HEXADECIMAL.fullmatch(text)) and 2 <= int(
        found.group(2)
    ) <= 36:
        return Reading(Numeral(found.group(1).upper(), int(found.group(2))))
    if (found := _DATE.fullmatch(text)) and 1 <= int(found.group(2)) <= 12:
        year, month, day = found.groups()
        return _read(f"{_MONTHS[int(month) - 1]} {int(day)}, {year}")
    if found := _CLOCK.fullmatch(text):
        hour, minute, half = found.groups()
        hours = int(hour) % 12 + 12 * (half.lower() == "p")
        return Reading(Text(f"{hours}:{minute or '00'}"))
    return None


def _other_reading(text: str) -> Node | None:
    if _GROUPS.fullmatch(text):
        return parse(text.replace(",", ", "))
    if found := _COMMA.fullmatch(text):
        whole, decimals = found.groups()
        return Number(Fraction(f"{whole}.{decimals}"), len(decimals))
    return None


def _in_words(text: str, original: str, letters: str | None, detail: str) -> Reading:
    """Read a text that the grammar does not know: as words, or for the last thing in a sentence."""
    words = _TEXT_COMMAND.sub("", text).replace("{", "").replace("}", "")
    if letters is not None or not any(sign.isalnum() for sign in text):
        return Reading(Text(" ".join(words.lower().split())), letters=letters)
    plain = without_formulas(original)
    prose = _LONG_WORD.search(plain) is not None and _PROSE.fullmatch(plain) is not None
    for find in (last_expression, last_number) if prose else ():
        last = find(original)
        if last and len(last) < len(original.strip()):
            found = _read(last)
            if found.node is not None and not isinstance(found.node, Text):
                return found
    if "\\" not in words and (_LONG_WORD.search(words) or _CODE.search(words)):
        return Reading(Text(" ".join(words.lower().split())))
    return Reading(None, cause="unparseable", detail=detail)
