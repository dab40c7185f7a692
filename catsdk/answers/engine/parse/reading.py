"""Reading of an answer's text: its tree, a second reading if there is one, or why there is none."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from catsdk.answers.engine.limits import LimitReachedError, UnreadableError
from catsdk.answers.engine.parse.assertions import asserted_value
from catsdk.answers.engine.parse.boxes import is_factor, joined_boxes
from catsdk.answers.engine.parse.cleaning import clean
from catsdk.answers.engine.parse.counting import names_what_counts
from catsdk.answers.engine.parse.currencies import currency_written
from catsdk.answers.engine.parse.grammar import minus
from catsdk.answers.engine.parse.lexer import repeating, whole_number
from catsdk.answers.engine.parse.number_words import number_in_characters, number_of
from catsdk.answers.engine.parse.statements import parse, parse_with_crosses
from catsdk.answers.engine.parse.units import with_cased_units
from catsdk.answers.engine.parse.wording import (
    choice_letters,
    is_undecided,
    is_words,
    plain_words,
    text_as_node,
)
from catsdk.answers.engine.tree import (
    Constant,
    Node,
    Number,
    Numeral,
    Quantity,
    Quotient,
    Symbol,
    Text,
)
from catsdk.answers.verdict import Cause

__all__ = ["Reading", "read"]

_CACHED_LENGTH = 300
_MONTH_NAMES = """
January February March April May June July August September October November December
"""
_MONTHS = _MONTH_NAMES.split()
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)


_LONGEST_CHOICE = 24
_CONNECTIVE = re.compile(r"(?<![A-Za-z])(?:\\l)?(and|or)(?![A-Za-z])", re.IGNORECASE)


class Reading(NamedTuple):
    """What an answer says: `node`, or `None` with the cause.

    `other` is a second reading, which counts against an answer of another kind: `1,22` may be a
    list or 1.22, and `1,000,200` a number or a list. `tens` is the node with logarithms of base ten
    where no base is written and `node` has natural ones. `integers` is a letter that is said to run
    over the `domain`, Z or N. Without `special` the node holds no plus-minus and no matrix.
    `stated` is the value that a sentence asserts, whose node is its words; `currency` that of a
    sign of money. `crossed` holds the pairs of names between which a cross stands, which may be
    vectors. `text` is what was read, where more may have to be known of it than its node says.
    """

    node: Node | None
    other: Node | None = None
    cause: Cause = ""
    detail: str = ""
    special: bool = False
    tens: Node | None = None
    integers: str = ""
    domain: str = ""
    stated: Node | None = None
    currency: str = ""
    crossed: str = ""
    text: str = ""

    @property
    def choice(self) -> str | None:
        """The letter of an answer that may choose one."""
        short = len(self.text) <= _LONGEST_CHOICE and not self.text[:1].isdigit()
        return choice_letters(self.text) if short and not isinstance(self.node, Text) else None

    @property
    def joined(self) -> str:
        """The word "and" or "or", where one of the two joins what is said."""
        if isinstance(self.node, Number | Symbol | Quotient | Quantity):
            return ""
        words = self.text.lower()
        if "and" not in words and "or" not in words:
            return ""
        found = {match.group(1).lower() for match in _CONNECTIVE.finditer(self.text)}
        return found.pop() if len(found) == 1 else ""


def read(text: str) -> Reading:
    """Read an answer; short ones are remembered."""
    return _remembered(text) if len(text) <= _CACHED_LENGTH else _read(text)


_STRUCK = re.compile(r"~~[^~]{1,200}~~")


def _read(text: str) -> Reading:
    if plain := _plain(text.strip()):
        return plain
    if text.isupper() and (number := number_of(text.lower())) is not None:
        return Reading(Number(number), text=text)
    if not text.isascii() and (characters := number_in_characters(text.strip())) is not None:
        return Reading(Number(Fraction(characters)), text=text)
    box = joined_boxes(text) if "\\boxed" in text or "\\fbox" in text else None
    if (box and is_factor(text, box[0], box[1])) or ("~~" in text and _STRUCK.search(text)):
        return Reading(
            None, cause="unparseable", detail="a box in a formula, or what is struck out"
        )
    try:
        return _read_cleaned(clean(box[2] if box else text), text)
    except (LimitReachedError, RecursionError) as error:
        return Reading(None, cause="limit", detail=str(error))


_remembered = lru_cache(maxsize=8_192)(_read)
# Answers that differ in their dress alone share one tree.
_parsed = lru_cache(maxsize=8_192)(parse_with_crosses)


_INTEGER = re.compile(r"-?\d{1,300}")
_DECIMAL = re.compile(r"-?\d{0,60}\.(\d{1,60})")


def _plain(text: str) -> Reading | None:
    """Read what most answers are, an integer or a decimal, without the grammar."""
    if _INTEGER.fullmatch(text):
        return Reading(whole_number(text) if text[0] != "-" else Number(Fraction(int(text))))
    if found := _DECIMAL.fullmatch(text):
        return Reading(Number(Fraction(text), len(found.group(1))))
    return None


_WHOLE_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox|mathbf)\s?\{([^{}]*)\}(?:(?<=\w\w\})\^\{?\d\}?)?"
)
_STARTS = frozenset("0123456789+-.ABCDEF")
_SPECIAL = re.compile(r"\\(?:pm|mp|begin)|\[ ?\[")
_INTEGERS = re.compile(r"([a-z]) ?\\in ?\\mathbb ?\{?([ZN])")
_TEN = Number(Fraction(10))
_AT_TIME = re.compile(r"^at (?=\d{1,2}:\d\d)")
_SAYS_SOMETHING = re.compile(r"\\[A-Za-z]|[_?!]|\\\{")
_CHOICE_STARTS = frozenset("ABCDEFGHIJe($\\{. ")
_FORMULA = re.compile(r"[A-Za-z]{1,3}\d[A-Za-z0-9]{0,40}")
# True or false, yes or no, of several questions in their order.
_VERDICTS = re.compile(r"[TF](?:,? ?[TF]){1,40}|[YN](?:,? ?[YN]){1,40}")
# `(a) 1 (b) 2`, which is not a product.
_PARTS = re.compile(r"\(?(?:a|i)\) ?[^-+*/^=<>)(\s].{0,200}\(?(?:b|ii)\) ?[^-+*/^=<>)(\s]")


def _read_cleaned(text: str, original: str) -> Reading:
    if not (text[:1].isalnum() or any(map(str.isalnum, text)) or _SAYS_SOMETHING.search(text)):
        return _without_words(text)
    formula = "\\" in text and "_" not in text and "\\text" not in text
    if text[0] in _STARTS and not formula and (number := _plain(text) or _special(text)):
        currency = currency_written(original)
        return number._replace(currency=currency) if currency else number
    if text.startswith("at "):
        text = _AT_TIME.sub("", text)
    latex = "\\" in text
    if latex and (whole := _WHOLE_TEXT.fullmatch(text)) and whole.group(1).strip():
        return _read_cleaned(clean(whole.group(1)), original)
    if text[0] in _CHOICE_STARTS and ("or" in text or "/" in text) and is_undecided(text):
        return Reading(Text(plain_words(text)))
    if text[0] in "TFYN" and _VERDICTS.fullmatch(text):
        return Reading(Text(re.sub(r"[, ]", "", text).lower()))
    if text[0] in "(ai" and _PARTS.match(text):
        return Reading(None, cause="unparseable", detail="several parts with their numbers")
    currency = currency_written(original)
    try:
        other = _other_reading(text) if "," in text else None
        special = (latex or "[" in text) and _SPECIAL.search(text) is not None
        remembered = len(text) <= _CACHED_LENGTH
        node, crossed = _parsed(text) if remembered else parse_with_crosses(text)
        tens = parse(text, _TEN) if "log" in text else None
        whole = _INTEGERS.search(original) if "\\in" in original else None
        integers, domain = whole.groups() if whole else ("", "")
        return Reading(
            node,
            other,
            special=special,
            tens=tens,
            integers=integers,
            domain=domain,
            currency=currency,
            crossed=crossed,
            text=text,
        )
    except UnreadableError as error:
        if _FORMULA.fullmatch(text):
            # Its case counts: CO2 is another formula than Co2.
            return Reading(None, cause="unparseable", detail=str(error))
        return _in_words(text, original, str(error))


def _without_words(text: str) -> Reading:
    """Read an answer of marks alone; empty brackets say nothing."""
    for empty in ("()", "[]", "{}"):
        text = text.replace(empty, "")
    return Reading(Text(text.strip("$.,;:\\ ")))


_EUROPEAN = re.compile(r"([-+]?\d{1,3}(?:\.\d{3}){1,9}),(\d{1,20})|([-+]?\d{1,3}(?:\.\d{3}){2,9})")
_PERIOD = re.compile(r"(-?)(\d{0,20})\.(\d{0,20})\((\d{1,20})\)")
_DIGITS = re.compile(r"(\d[0-9A-Fa-f]{0,40})_\s?\{?(?:\\text\{)?(\d{1,2})\}{0,2}")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DAY_FIRST = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\.?,? ?(\d{{4}})?", re.IGNORECASE
)
_SLASHED_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}|\d{4}/\d{1,2}/\d{1,2}")
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.](\d\d))?\s?(?:\\text\{\s?)?([ap])\.?\s?m\.?\}?", re.IGNORECASE
)
_HEXADECIMAL = re.compile(r"([0-9A-F]{2,40})_\{?(16)\}?")
_PREFIXED = re.compile(
    r"0(?:(?=[xX][0-9A-Fa-f]{1,40}$|[bB][01]{1,40}$|[oO][0-7]{1,40}$)([xXbBoO]))(\w+)"
)
_PREFIXES = {"x": 16, "b": 2, "o": 8}


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
    if found := _PREFIXED.fullmatch(text):
        return Reading(Number(Fraction(int(found[2], _PREFIXES[found[1].lower()]))))
    if (found := _DATE.fullmatch(text)) and 1 <= int(found.group(2)) <= 12:
        year, month, day = found.groups()
        return _date(int(day), int(month), year)
    if _SLASHED_DATE.fullmatch(text):
        # Nobody says whether the day or the month stands first.
        return Reading(Text("/".join(part.lstrip("0") for part in text.split("/"))))
    if found := _DAY_FIRST.fullmatch(text):
        return _date(int(found[1]), _month(found[2]), found[3])
    if found := _CLOCK.fullmatch(text):
        hour, minute, half = found.groups()
        hours = int(hour) % 12 + 12 * (half.lower() == "p")
        return Reading(Text(f"{hours}:{minute or '00'}"))
    return None


def _date(day: int, month: int, year: str | None) -> Reading:
    return Reading(Text(" ".join(filter(None, (str(day), _MONTHS[month - 1].lower(), year)))))


def _month(name: str) -> int:
    return next(at for at, each in enumerate(_MONTHS, 1) if each.startswith(name.title()[:3]))


_COMMA = re.compile(r"([-+]?\d{1,20}),(\d{1,20})")
_GROUPS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3}){1,9}")


def _other_reading(text: str) -> Node | None:
    if _GROUPS.fullmatch(text):
        return parse(text.replace(",", ", "))
    if found := _COMMA.fullmatch(text):
        whole, decimals = found.groups()
        return Number(Fraction(f"{whole}.{decimals}"), len(decimals))
    return None


_MONTH_FIRST = re.compile(
    rf"({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?,?(?: (\d{{4}}))?", re.IGNORECASE
)
_TEXT_COMMAND = re.compile(r"\\(?:text(?:bf|it|rm|normal)?|mathrm|mbox|mathbf)\s?")
_LONG_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_SIGNED_WORDS = re.compile(
    r"(?:\\text ?\{)? ?(minus|negative|positive)\b ?\}? ?(?=[\d.$\\(]|infinity|(?:[a-z]+-?){1,3}$)",
    re.IGNORECASE,
)
# A number with a note in brackets, as `5 (five)`; a number behind its currency, or about it.
_NOTED = re.compile(r"([^()]{1,40}?) ?\(([^()]{1,40})\)")
_LED_BY = re.compile(
    r"(rs|usd|us|eur|gbp|inr|approx|approximately|roughly|around)\.? ?(?=-?\d)", re.IGNORECASE
)
_LEADERS = {
    "rs": "rupee", "inr": "rupee", "usd": "dollar", "us": "dollar", "eur": "euro", "gbp": "pound"
}  # fmt: skip
_CODE = re.compile(r'["`_;{}]|\w\(\)|\)\.')


def _in_words(text: str, original: str, detail: str) -> Reading:
    """Read a text that the grammar does not know: as words, with the value that they assert."""
    if (signed := _SIGNED_WORDS.match(text)) and (rest := text[signed.end() :].strip(" }")):
        sign = "" if signed[1].lower() == "positive" else "-"
        value = _read(rest)
        inner = text_as_node(value.node) if isinstance(value.node, Text) else value.node
        if inner is not None and isinstance(inner, Number | Constant | Quotient | Quantity):
            return value._replace(node=minus(inner) if sign else inner, stated=None)
    if noted := _NOTED.fullmatch(text):
        outer, note = noted.groups()
        value = _read(outer)
        number = number_of(note.lower())
        same = number is not None and Number(number) == value.node
        if isinstance(value.node, Number | Quantity) and (same or names_what_counts(note)):
            return value._replace(currency=currency_written(original))
    if led := _LED_BY.match(text):
        return _read(text[led.end() :])._replace(currency=_LEADERS.get(led[1].lower(), ""))
    if (measured := _measured(text)) is not None:
        return Reading(measured, currency=currency_written(original), text=text)
    if dated := _MONTH_FIRST.fullmatch(text):
        return _date(int(dated[2]), _month(dated[1]), dated[3])
    words = _TEXT_COMMAND.sub("", text).replace("{", "").replace("}", "")
    spoken = is_words(text)
    stated = None if spoken else _stated(original)
    latex = "\\" in words
    if (
        spoken
        or stated is not None
        or (not latex and (_LONG_WORD.search(words) or _CODE.search(words)))
    ):
        return Reading(
            Text(plain_words(with_cased_units(words))),
            stated=stated,
            currency=currency_written(original),
            text=text,
        )
    return Reading(None, cause="unparseable", detail=detail)


_PERCENT = re.compile(r"([A-Za-z -]{1,80}?) (?:percent|per cent|%)", re.IGNORECASE)
_RATE = re.compile(r"(-?[\d.,]{1,40}) ?/ ?([A-Za-z]{2,20})")


def _measured(text: str) -> Quantity | None:
    """Read a percent in words, or an amount for each of something: `$5/hour`."""
    if share := _PERCENT.fullmatch(text):
        number = number_of(share[1].lower())
        return None if number is None else Quantity(Number(number), "%")
    rate = _RATE.fullmatch(text)
    amount = _read(rate[1]).node if rate else None
    return Quantity(amount, f"/ {rate[2].lower()}") if rate and amount is not None else None


def _stated(original: str) -> Node | None:
    value = asserted_value(original)
    if not value or len(value) >= len(original.strip()):
        return None
    node = _read(value).node
    return None if isinstance(node, Text) else node
