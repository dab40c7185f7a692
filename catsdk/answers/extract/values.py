"""What an answer looks like where a text begins with one: a number, a formula, a letter, a word."""

from __future__ import annotations

import re

from catsdk.answers.engine.parse.number_words import number_of
from catsdk.answers.extract.formulas import expression_at, formulas_at, latex_at
from catsdk.answers.extract.numbers import CHANGING, quantity_at
from catsdk.answers.extract.phrases import AROUND, VERB, WORD, Value, start_of, words_at
from catsdk.answers.extract.templates import ELLIPSIS
from catsdk.answers.extract.withdrawals import is_corrected, refutes, takes_back
from catsdk.answers.extract.wording import hedges

__all__ = ["choice_at", "value_at", "whole_value"]

_NO_NUMBERS, _ARTICLES = ("the", "second", "first"), ("a", "an", "one")


_ASSIGNED = re.compile(r"[A-Za-z]\w{0,2}\s*=")
_MOST_JOINED = 8
_OR = re.compile(r"\s?,?\s?(?:\b(or|and|oder|ou|o|или)\s|(或者?|还是|または)\s?)")


def value_at(text: str, *, several: bool = False) -> Value | None:
    """Read the number, formula, quantity, tuple or letter of a choice that `text` begins with.

    Marks of emphasis and filling words in front of it are left out. The answer keeps words behind
    a number only where they change what it says. Of equations the last side is the answer. With
    `several`, an "or" joins parts of one answer, as in a list of solutions; else it makes them
    `alternatives`.
    """
    found = _one(start_of(text), several)
    for _ in range(_MOST_JOINED):
        other = _OR.match(found.rest) if found is not None else None
        following = _one(start_of(found.rest[other.end() :]), several) if found and other else None
        if found is None or following is None:
            break
        joint = other[1] or other[2] if other else ""
        assigned = _ASSIGNED.match(found.text) and _ASSIGNED.match(following.text)
        points = found.text.startswith("(") and following.text.startswith("(")
        if joint == "and" and not assigned and not points:
            break
        if several or assigned or joint == "and":
            found = Value(f"{found.text} {joint} {following.text}", following.rest)
        else:
            different = found.alternatives or following.text != found.text
            found = Value(found.text, following.rest, different)
    if found is None or found.rest.startswith((ELLIPSIS, "...")):
        return None
    return Value(found.text, found.rest) if several and found.alternatives else found


_IF = re.compile(r"\W{0,4}(?:if|unless|assuming|provided)\b", re.IGNORECASE)


def whole_value(text: str) -> str | None:
    """Return the answer that `text` is as a whole, with a few words of unit behind it at most."""
    text = text.strip()
    found = value_at(text)
    if found is None or found.alternatives or ELLIPSIS in found.rest:
        return None
    if refutes(found.rest, found.text):
        return None
    if _IF.match(found.rest) or hedges(found.rest) or is_corrected(found.rest, found.text):
        return None
    if found.rest.startswith((".", "!")) and takes_back(found.rest):
        return None
    rest = found.rest.strip(f"{AROUND}.,!)")
    words = WORD.findall(rest)
    if len(words) > 3 or re.search(r"\d|[=≠?]", rest) or VERB.search(rest):
        return None
    return found.text


_CHOICE = re.compile(
    r"\(([A-J])\)|\[([A-J])\]|([A-J])(?![\w'’\-+*/^=<>(]|\s?[-+*/^=<>≤≥]\s?[\w(\\])"
)
_AFTER_CHOICE = re.compile(
    r"[\s)]*(?:$|[.,:;)*或和、で입—–\n…!]|(?:because|since|as|is|for|with|from|and|but|so|in|on|due)\b|-\s|\("
    r"|/)"
)
_AFTER_ARTICLE = re.compile(r"[\s)]*(?:$|[.,:;)*—–\n!]|(?:because|since|as|and)\b)")
_OTHER_CHOICE = re.compile(
    r"\)?\*{0,2},?\s{0,3}(?:or|and|/|&|,|或者?|和|、)\s{0,3}\(?[A-J]\b(?!['’])"
    r"|[).:]?\*{0,2}\s{0,3}\(?([A-J])(?:[).:](?=\s|$)|$)"
)


def choice_at(text: str) -> Value | None:
    """Read the letter of a choice that `text` begins with."""
    found = _CHOICE.match(text)
    if found is None:
        return None
    letter = found.group(1) or found.group(2) or found.group(3)
    rest = text[found.end() :]
    if found.group(3) and not (_AFTER_ARTICLE if letter in "AI" else _AFTER_CHOICE).match(rest):
        return None
    other = _OTHER_CHOICE.match(rest)
    alternatives = other is not None and other[1] != letter
    return Value(letter, rest.lstrip(")"), alternatives)


_MARK = re.compile(r"(\*{1,3}|_{2}|`{1,3}|\"|“|<b>|<strong>)(?=\S)")
_EQUALS = re.compile(r"\s?=\s?")
# A sign in words, or one that stands before the mark of emphasis.
_SIGNED = re.compile(
    r"(negative|minus)\s+(?=\$?\s?\d)|[-\u2212](?=(?:\*\*|__|`|\\\()\d)", re.IGNORECASE
)


def _one(text: str, several: bool) -> Value | None:
    if mark := _MARK.match(text):
        return _marked(text, mark, several)
    if sign := _SIGNED.match(text):
        found = quantity_at(text[sign.end() :]) if sign[1] else _one(text[sign.end() :], several)
        return found and Value(f"-{found.text}", found.rest, found.alternatives)
    for read in _READERS:
        if (found := read(text)) is not None:
            equals = _EQUALS.match(found.rest) if read is formulas_at else None
            return (value_at(found.rest[equals.end() :]) if equals else None) or found
    return None


_CLOSING = {"“": "”", "<b>": "</b>", "<strong>": "</strong>"}


def _marked(text: str, mark: re.Match[str], several: bool) -> Value | None:
    closing = _CLOSING.get(mark.group(), mark.group())
    end = text.find(closing, mark.end())
    if end < 0 or "\n\n" in text[mark.end() : end]:
        return value_at(text[mark.end() :], several=several) if end < 0 else None
    inner, rest = text[mark.end() : end], text[end + len(closing) :]
    found = value_at(inner, several=several)
    if found is None:
        return None
    if not found.rest.strip(f"{AROUND}.,"):
        again = re.match(r"\s?(?:=|or\b|/)\s?", rest)
        if again and again.group().strip() == "=":
            return value_at(rest[again.end() :], several=several)
        if again and value_at(rest[again.end() :]) is not None:
            return Value(found.text, rest, alternatives=True)
    return Value(found.text, found.rest + rest, found.alternatives)


# A value that stands alone in brackets or quotes, as in "(18)" and "[[18]]"; a sign before a
# bracket, a list in it and what it is multiplied by are nothing of the kind.
_ENCLOSED = re.compile(
    r"([(\[{<'‘«„]{1,3})([^()\[\]{}<>,\n'’»“]{1,80})([)\]}>'’»“]{1,3})"
    r"(?=[*_\"'”’`$]{0,4}(?:[.,;:!]?(?:\s|$)|[.!]|[*_]))"
)
_CLOSED_BY = dict(zip("([{<'‘«„", ")]}>'’»“", strict=True))


def _enclosed(text: str) -> Value | None:
    """Read a value that stands alone in brackets or in quotes."""
    found = _ENCLOSED.match(text)
    if found is None or found[3] != "".join(_CLOSED_BY[sign] for sign in reversed(found[1])):
        return None
    value = whole_value(found[2])
    return None if value is None else Value(value, text[found.end() :])


_OF_NUMBER = re.compile(r"\sof\s\$?-?\d")
_RELATION = re.compile(r"\s(?:times\s)?(?:as|more|less|fewer)\b")


def _number_word(text: str) -> Value | None:
    """Read a number that is written in words."""
    found = words_at(text, most=8)
    spans = list(WORD.finditer(found.text)) if found else []
    words = [span.group().lower() for span in spans]
    if found is None or not words or words[0] in _NO_NUMBERS:
        return None
    for count in range(min(len(words), 6), words[0] in _ARTICLES, -1):
        if number_of(" ".join(words[:count])) is None:
            continue
        end = spans[count - 1].end()
        number, rest = found.text[:end], found.text[end:] + found.rest
        following = words[count] if count < len(words) else ""
        if following == "or":
            return Value(number, rest, alternatives=True)
        if following in CHANGING:
            return None if VERB.search(found.text) else found
        if _OF_NUMBER.match(rest):
            return None
        return Value(number, rest, alternatives=_RELATION.match(rest) is not None)
    return None


_READERS = (
    formulas_at,
    quantity_at,
    choice_at,
    _enclosed,
    expression_at,
    latex_at,
    _number_word,
)
