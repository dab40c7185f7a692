"""Answers in words: when two are the same, and which words mean a number or a set."""

from __future__ import annotations

import re
from fractions import Fraction

from catsdk.equivalence.parse.number_words import number_of
from catsdk.equivalence.tree import Constant, Interval, Items, Node, Number, Product, Text

__all__ = ["letters_of", "same_choice", "same_text", "speaks_of_numbers", "text_as_node"]

_INFINITY = Constant("infinity")
_REALS = Interval(Product((Number(Fraction(-1)), _INFINITY)), _INFINITY, (False, False))
_NOTHING = re.compile(
    r"(?:there (?:is|are) )?(?:none|no (?:real |such |valid |possible |integer )*"
    r"(?:solutions?|numbers?|roots?|values?)(?: exists?)?|empty set|the empty set)"
)
_EVERYTHING = re.compile(r"(?:all|every|any) (?:real numbers?|reals?)|(?:the )?reals?(?: numbers)?")
_UNDEFINED = frozenset(["dne", "undefined", "does not exist", "not defined"])
_MEANINGS: dict[str, Node] = dict.fromkeys(["infinity", "infinite", "infinitely many"], _INFINITY)
_NUMERIC = re.compile(
    r"\b(?:half|halves|thirds?|quarters?|fourths?|fifths?|dozen|twice|double|hundred|thousand|"
    r"million|billion|plus|minus|times|over|squared?|cubed|root|pi|greater|less|more|between|"
    r"positive|negative|integers?|reals?|numbers?|sets?|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|zero|one|two|three|four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve|twenty)\b"
)
_LONGEST_LETTER = 14
_CHOICE_STARTS = frozenset("ABCDEFGHIJ($\\ ")
_LETTER = re.compile(r"\$?(?:\\text\{)?\(?([A-J])[).]?\}?\$?")
_LED = re.compile(
    r"\$?(?:\\text(?:bf)?\{)? ?(?:\(([A-J])\)|([A-J])[).:\u3002\uff1a\uff09]) ?\}? ?[^\s}$]"
)
_POINT_IN_BASE = re.compile(r"[\d.]{1,40}_\d{1,2}")
_TIMES_OF_DAY = {"noon": "12 00", "midnight": "0 00"}
_ARTICLES = re.compile(r"^(?:the|an?) ")
_NOISE = re.compile(r"[^\w]+")
_WORDS_ONLY = re.compile(r"(?:\\(?:text|textbf|mathrm|textit|mbox)\b|[^\W\d_]|[\s{}().,'\"-])+")
_COMMAND = re.compile(r"\\[A-Za-z]+")


def text_as_node(text: Text) -> Node | None:
    """Return the number or set that words mean, such as seven, no solution, all real numbers."""
    words = text.words.strip(" .,")
    if words in _MEANINGS:
        return _MEANINGS[words]
    number = number_of(words)
    if number is not None:
        return Number(number)
    if _NOTHING.fullmatch(words):
        return Items("set", ())
    return _REALS if _EVERYTHING.fullmatch(words) else None


def speaks_of_numbers(text: Text) -> bool:
    """Tell whether words that are not understood may stand for a value or a set."""
    words = text.words
    return _NUMERIC.search(words) is not None or _POINT_IN_BASE.fullmatch(words) is not None


def same_choice(one: str, other: str) -> bool | None:
    """Compare a letter with a choice that has its text behind it, as `B` with `(B) 25`."""
    for letter, choice in ((one, other), (other, one)):
        if len(letter) > _LONGEST_LETTER or choice[:1] not in _CHOICE_STARTS:
            continue
        alone, led = _LETTER.fullmatch(letter.strip()), _LED.match(choice.strip())
        if alone and led:
            return alone[1] == (led[1] or led[2])
    return None


def same_text(left: Text, right: Text) -> bool:
    """Compare words without articles, punctuation, spaces and case."""
    first, second = (_bare(text.words) for text in (left, right))
    if not first or not second:
        return left.words == right.words
    return first == second or (first in _UNDEFINED and second in _UNDEFINED)


def _bare(words: str) -> str:
    bare = " ".join(_NOISE.sub(" ", _ARTICLES.sub("", words.strip().casefold())).split())
    return _TIMES_OF_DAY.get(bare, bare)


def letters_of(text: str) -> str | None:
    """Return the letters of an answer that is made of words alone, without case; else `None`."""
    if not _WORDS_ONLY.fullmatch(text):
        return None
    bare = _bare(_COMMAND.sub(" ", text))
    return bare.replace(" ", "") or None
