"""Answers in words: when two are the same, and which words mean a number or a set."""

from __future__ import annotations

import re
from fractions import Fraction

from catsdk.answers.engine.parse.number_words import number_of
from catsdk.answers.engine.tree import Constant, Interval, Items, Node, Number, Product, Text

__all__ = [
    "choice_letters",
    "is_undecided",
    "is_words",
    "mentions",
    "plain_words",
    "same_choice",
    "same_text",
    "speaks_of_numbers",
    "text_as_node",
]

_INFINITY = Constant("infinity")
_TIMES_OF_DAY = {"noon": "12:00", "midnight": "0:00"}
_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|textit|mbox)\b|[{}]")


_WORDS_ONLY = re.compile(r"(?:\\(?:text|textbf|mathrm|textit|mbox)\b|[^\W\d_]|[\s{}().,'\"-])+")


def is_words(text: str) -> bool:
    """Tell whether an answer is made of words alone."""
    return _WORDS_ONLY.fullmatch(text) is not None


def plain_words(text: str) -> str:
    """Return the words of an answer in lower case, without commands, articles and outer marks."""
    bare = " ".join(_COMMAND.sub(" ", text).casefold().split())
    return _TIMES_OF_DAY.get(bare, bare)


_CHOICE_LETTERS = re.compile(r"\(?([A-Ja-dfghj])\)?")
_SEVERAL_LETTERS = re.compile(r"[A-J](?:(?:, ?| and |, and )?[A-J]){1,9}")


def choice_letters(text: str) -> str | None:
    """Return the capital letter of a choice that is written as `c`, `(C)` or `C`; else `None`.

    Several in their order, as `A, C` and `AC`, are chosen together.
    """
    plain = _COMMAND.sub("", text).strip(" .$")
    if found := _CHOICE_LETTERS.fullmatch(plain):
        return found[1].upper()
    letters = re.sub("[^A-J]", "", plain) if _SEVERAL_LETTERS.fullmatch(plain) else ""
    return letters if letters and letters == "".join(sorted(set(letters))) else None


_ALTERNATIVES = re.compile(r"(?:either )?\(?[A-J]\)?(?: ?,? ?(?:or|/) ?\(?[A-J]\)?){1,9}")


def is_undecided(text: str) -> bool:
    """Tell whether an answer names one choice or another, and so chooses none."""
    return _ALTERNATIVES.fullmatch(_COMMAND.sub("", text).strip(" .$")) is not None


_REALS = Interval(Product((Number(Fraction(-1)), _INFINITY)), _INFINITY, (False, False))
_NOTHING = re.compile(
    r"(?:there (?:is|are) )?(?:none|no (?:real |such |valid |possible )*"
    r"(?:solutions?|numbers?|roots?|values?)(?: exists?)?"
    r"|no such [a-z]{1,20}(?: exists?)?|none exists?"
    r"|(?:it is )?(?:impossible|not possible)|empty set|the empty set)"
)
_EVERYTHING = re.compile(r"(?:all|every|any) (?:real numbers?|reals?)|(?:the )?reals?(?: numbers)?")
_MEANINGS: dict[str, Node] = dict.fromkeys(["infinity", "infinite", "infinitely many"], _INFINITY)


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


_NUMERIC = re.compile(
    r"\b(?:half|halves|thirds?|quarters?|fourths?|fifths?|dozen|twice|double|hundred|thousand|"
    r"million|billion|plus|minus|times|over|squared?|cubed|root|pi|greater|less|more|between|"
    r"positive|negative|integers?|reals?|numbers?|sets?|(?:thir|four|fif|six|seven|eigh|nine)teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|zero|one|two|three|four|five|six|seven|eight|"
    r"nine|ten|eleven|twelve|twenty)\b"
)
_POINT_IN_BASE = re.compile(r"[\d.]{1,40}_\d{1,2}")


def speaks_of_numbers(text: Text) -> bool:
    """Tell whether words that are not understood may stand for a value or a set."""
    words = text.words
    return _NUMERIC.search(words) is not None or _POINT_IN_BASE.fullmatch(words) is not None


_STANDING_NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]{0,40}")


def mentions(text: Text, value: Fraction | None) -> bool:
    """Tell whether a number in the words has this value; with `None`, whether one is there."""
    for each in _STANDING_NUMBER.findall(text.words):
        for written in {each.replace(",", ""), each.replace(".", "").replace(",", ".")}:
            try:
                found = Fraction(written.rstrip("."))
            except ValueError:
                continue
            if value is None or found == abs(value):
                return True
    return False


# What is said of a choice, unless it is that it is right.
_SAID_OF_CHOICE = re.compile(
    r"(?:is|are|was|were|can|cannot|can't|could|should|must|seems?|looks?|has|does|do|will|would|"
    r"needs?|fails?|sounds?|appears?|turns|beats|loses)\b"
    r"(?!\s+(?:be\s+)?(?:the\s+)?(?:correct|right|true|answer|best|solution)\b)"
    r"|[^\x00-\u2fff]|[\u2000-\u2fff]",
    re.IGNORECASE,
)
_EAST_ASIAN = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]")


def said_of(tail: str) -> bool:
    """Tell whether what stands behind a choice is said of it, and not its text."""
    return _SAID_OF_CHOICE.match(tail.strip()) is not None and not _EAST_ASIAN.match(tail.strip())


_LONGEST_LETTER = 14
_CHOICE_STARTS = frozenset("ABCDEFGHIJ($\\ ")
_LETTER = re.compile(r"\$?(?:\\text\{)?\(?([A-J])[).]?\}?\$?")
_LED = re.compile(
    r"\$?(?:\\text(?:bf)?\{)? ?(?:\(([A-J])\)|([A-J])[).:\u3002\uff1a\uff09]) ?\}? ?([^\s}$].*)",
    re.DOTALL,
)
# A second choice behind the first one: `(B)`, `C)`, `D.` or a capital letter alone.
_ANOTHER_CHOICE = re.compile(r"\(\s?[A-J]\s?\)|(?<![A-Za-z])[B-HJ](?![A-Za-z'])|\b[AI][).:]")
_DENIED_CHOICE = re.compile(
    r"\b(?:is|are|was)? ?(?:not|never|cannot|\w{2,5}n't|wrong|incorrect|false|impossible|"
    r"eliminated|out|no)\b"
    r"|\b(?:or|unless|but|maybe|perhaps|possibly|probably|likely|might|could|may|except|instead|"
    r"versus|vs|rather|guess)\b|\?",
    re.IGNORECASE,
)


def same_choice(one: str, other: str) -> bool | None:
    """Compare a letter with one choice that has its text behind it, as `B` with `(B) 25`.

    A text that names a second choice, or denies or doubts the first one, chooses none.
    """
    for letter, choice in ((one, other), (other, one)):
        if len(letter) > _LONGEST_LETTER or choice[:1] not in _CHOICE_STARTS:
            continue
        alone = _LETTER.fullmatch(letter.strip())
        if alone and (led := _LED.match(choice.strip())):
            if any(
                (_ANOTHER_CHOICE.search(led[3]), _DENIED_CHOICE.search(led[3]), said_of(led[3]))
            ):
                return None
            return alone[1] == (led[1] or led[2])
    return None


_UNDEFINED = frozenset(["dne", "undefined", "does not exist", "not defined"])
_MARKS = re.compile(r"[^\w]+")
_NEGATIONS = re.compile(
    r"\b(?:not|no|never|nor|neither|none|without|cannot|except|but|un\w{4,}|in\w{5,}|non|false|wrong"
    r"|\w+n't)\b"
)


def same_text(left: Text, right: Text) -> bool | None:
    """Compare words without articles, quotes, outer brackets and case.

    Words that differ in their marks alone, or of which one side has more, are left open, unless
    one side denies them.
    """
    first, second = (_bare(text.words) for text in (left, right))
    if first == second:
        return True if first else None
    if first in _UNDEFINED and second in _UNDEFINED:
        return True
    one, other = (_MARKS.sub(" ", words).split() for words in (first, second))
    if one == other:
        return None
    denied = [len(_NEGATIONS.findall(words)) for words in (first, second)]
    if set(one) <= set(other) or set(other) <= set(one):
        return False if denied[0] != denied[1] else None
    return False


_ARTICLES = re.compile(r"^(?:the|an?) ")
_QUOTES = re.compile(r"[\"'`\u2018\u2019\u201c\u201d]")
_HYPHEN = re.compile(r"(?<=[^\W\d_]{3})-(?=[^\W\d_]{3})|(?<=\b[^\W\d_])-(?=[^\W\d_]{4})")


def _bare(words: str) -> str:
    bare = _QUOTES.sub("", words.strip().casefold()).strip(" .,;:")
    if bare.startswith("(") and bare.find(")") == len(bare) - 1:
        bare = bare[1:-1].strip()
    bare = " ".join(_HYPHEN.sub(" ", _ARTICLES.sub("", bare)).split())
    return _TIMES_OF_DAY.get(bare, bare)
