"""Whether the words behind a number name what it counts or measures, so that its value stands."""

from __future__ import annotations

import re

from catsdk.equivalence.parse.assertions import changes_value
from catsdk.equivalence.parse.currencies import currency_of_unit
from catsdk.equivalence.parse.units import factor_of, is_known

__all__ = ["names_what_counts", "same_words"]

_MOST_WORDS = 7
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+){0,4}\.?|[/^\u00b0%$\u00a2]|\d+|\S")
_JOINING = frozenset(
    ["per", "/", "of", "a", "an", "the", "in", "for", "on", "at", "with", "by", "to"]
)
# Plurals that do not end in s, and words that count as they stand.
_PLURALS_WORDS = """
    people children men women mice geese teeth feet fish sheep deer oxen dice cattle data criteria
    police staff crew rice corn water money work cash vertices indices matrices money boxes
    each total altogether away remaining left long wide tall old high deep apart ago
"""
_PLURALS = frozenset(_PLURALS_WORDS.split())
# What is said of a known unit: 14 degrees lower, 3 years older.
_COMPARED = re.compile(r"[a-z]{2,}er|long|wide|tall|old|high|deep|left|away|ago|apart|each|total")
_DEFINITE = frozenset(["the", "them", "these", "those", "his", "her", "their", "its", "my", "our"])
_PLACES = frozenset(["st", "nd", "rd", "th"])
_RANKED_WORDS = """
    place term row column day week month year grade floor century position player from last
"""
_RANKED = frozenset(_RANKED_WORDS.split())
_NO_PLURALS_WORDS = """
    is was has does its thus plus minus less as this his hers ours yours theirs us always perhaps
    unless besides yes equals remains exceeds fails loses lies means becomes goes comes gives
    leaves makes others else series
"""
_NO_PLURALS = frozenset(_NO_PLURALS_WORDS.split())


def names_what_counts(unit: str, *, one: bool = False) -> bool:
    """Tell whether the words of a unit leave the number before them as it is.

    They do if they are known units, or nouns in the plural with what is said of them: `apples`,
    `red balls`, `eggs per child`. With `one` a noun in the singular will do. Words that calculate
    (squared), deny, doubt or compare do not, nor do others that are not known.
    """
    if unit == "%" or factor_of(unit) is not None or is_known(unit) or currency_of_unit(unit):
        return True
    words = [word.rstrip(".") for word in _WORD.findall(unit.lower())]
    if not 0 < len(words) <= _MOST_WORDS:
        return False
    if words[0] in _PLACES:
        return len(words) == 1 or all(word in _RANKED for word in words[1:])
    known = next((at for at in range(len(words), 0, -1) if _known(words[:at])), 0)
    rest = words[known:]
    if not rest:
        return True
    if changes_value(" ".join(words if not known else _without_comparison(rest))):
        return False
    if known:
        if any(len(word) == 1 and word.isalpha() and word != "a" for word in rest):
            return False
        joined = rest[0] in _JOINING or words[known - 1] in ("per", "/")
        return joined or len(rest) == 1 and _COMPARED.fullmatch(rest[0]) is not None
    head = next((at for at, word in enumerate(words) if word in _JOINING), len(words))
    if head == 0:
        return len(words) > 1 and (words[0] in ("per", "/") or words[1] in _DEFINITE)
    phrase = words[:head]
    if not all(map(_is_word, phrase)) or not _NO_PLURALS.isdisjoint(phrase):
        return False
    return _is_noun(words[head - 1], one=one and len(words) == 1)


def same_words(one: str, other: str) -> bool:
    """Tell whether two units say the same, one of them perhaps with more words behind."""
    first, second = (_singular(unit) for unit in (one, other))
    return first[: len(second)] == second[: len(first)]


def _known(words: list[str]) -> bool:
    unit = " ".join(words)
    return factor_of(unit) is not None or is_known(unit) or currency_of_unit(unit) != ""


def _without_comparison(rest: list[str]) -> list[str]:
    return [] if len(rest) == 1 and _COMPARED.fullmatch(rest[0]) else rest


def _is_word(word: str) -> bool:
    return word.replace("-", "").isalpha() or word == "^" or word.isdigit()


def _is_noun(word: str, *, one: bool) -> bool:
    if not word.isascii():
        return word.isalpha() and len(word) <= 6
    if word in _PLURALS:
        return True
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word not in _NO_PLURALS and (plural or (one and len(word) > 2 and word.isalpha()))


def _singular(unit: str) -> list[str]:
    return [word.rstrip(".s") for word in _WORD.findall(unit.lower())]
