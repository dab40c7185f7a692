"""Answers in words: when two are the same, and which words mean a number or a set."""

from __future__ import annotations

import re
from fractions import Fraction

from catsdk.equivalence.tree import Constant, Interval, Items, Node, Number, Product, Text

__all__ = ["letters_of", "same_text", "speaks_of_numbers", "text_as_node"]

_INFINITY = Constant("infinity")
_REALS = Interval(Product((Number(Fraction(-1)), _INFINITY)), _INFINITY, (False, False))
_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
_NOTHING = re.compile(
    r"(?:there (?:is|are) )?(?:none|no (?:real |such |valid |possible |integer )*"
    r"(?:solutions?|numbers?|roots?|values?)(?: exists?)?|empty set|the empty set)"
)
_EVERYTHING = re.compile(r"(?:all|every|any) (?:real numbers?|reals?)|(?:the )?reals?(?: numbers)?")
_UNDEFINED = frozenset(["dne", "undefined", "does not exist", "not defined"])
_MEANINGS: dict[str, Node] = {
    **{word: Number(Fraction(at)) for at, word in enumerate(_NUMBERS.split())},
    **dict.fromkeys(["infinity", "infinite", "infinitely many"], _INFINITY),
}
_NUMERIC = re.compile(
    r"\b(?:half|halves|thirds?|quarters?|fourths?|fifths?|dozen|twice|double|hundred|thousand|"
    r"million|billion|plus|minus|times|over|squared?|cubed|root|pi|greater|less|more|between|"
    r"positive|negative|integers?|reals?|numbers?|sets?|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    rf"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|{'|'.join(_NUMBERS.split())})\b"
)
_ARTICLES = re.compile(r"^(?:the|an?) ")
_NOISE = re.compile(r"[^\w]+")
_WORDS_ONLY = re.compile(r"(?:\\(?:text|textbf|mathrm|textit|mbox)\b|[^\W\d_]|[\s{}().,'\"-])+")
_COMMAND = re.compile(r"\\[A-Za-z]+")


def text_as_node(text: Text) -> Node | None:
    """Return the number or set that words mean, such as seven, no solution, all real numbers."""
    words = text.words.strip(" .,")
    if words in _MEANINGS:
        return _MEANINGS[words]
    if _NOTHING.fullmatch(words):
        return Items("set", ())
    return _REALS if _EVERYTHING.fullmatch(words) else None


def speaks_of_numbers(text: Text) -> bool:
    """Tell whether words that are not understood may stand for a value or a set."""
    return _NUMERIC.search(text.words) is not None


def same_text(left: Text, right: Text) -> bool:
    """Compare words without articles, punctuation, spaces and case."""
    first, second = (_bare(text.words) for text in (left, right))
    if not first or not second:
        return left.words == right.words
    return first == second or (first in _UNDEFINED and second in _UNDEFINED)


def _bare(words: str) -> str:
    return " ".join(_NOISE.sub(" ", _ARTICLES.sub("", words.strip().casefold())).split())


def letters_of(text: str) -> str | None:
    """Return the letters of an answer that is made of words alone, without case; else `None`."""
    if not _WORDS_ONLY.fullmatch(text):
        return None
    bare = _bare(_COMMAND.sub(" ", text))
    return bare.replace(" ", "") or None
