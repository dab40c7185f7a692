"""Answers in words: which few words can be one, and which only speak about an answer."""

from __future__ import annotations

import re

from catsdk.answers.extract.phrases import words_at
from catsdk.answers.extract.templates import is_placeholder
from catsdk.answers.extract.voices import is_anothers
from catsdk.answers.extract.wording import (
    asserts,
    compares,
    denies,
    hedges,
    is_of_somebody,
    refuses,
)

__all__ = ["is_answer_in_words", "proper_noun"]

_NO_ANSWER_WORDS = """
consistent correct right wrong incorrect unique valid invalid complete incomplete verified
confirmed reasonable expected ok okay fine good clear unclear unknown same different given found
obtained based computed calculated derived shown written expressed stated provided required
simplified rounded accurate exact approximate final sensible plausible possible impossible
obvious simple straightforward easy hard difficult tricky this that it these those what which
who whom whose where when why how there here in on at of for from to with by as like about after
before between into through per via using above below not no never none nothing neither either
maybe perhaps possibly probably sure well yet still already just only also therefore thus hence
so because since if whether but and or wait hmm let we i you he she they my your our their its
is are was be being been can could may might must shall should will would do does did has have
had get got see note check step steps first next then finally now left up down out over under
larger smaller greater less more fewer bigger better best worse integer number value answer
result solution question problem option choice undetermined ambiguous interesting important
satisfied satisfying meaningful useful helpful independent dependent close near far off
unchanged checked proven proved reached ready done justified supported explained formatted boxed
blank empty beats sorry please thanks thank hello hi hey okay sure certainly absolutely great
alright understood think thinking guess skip pass error warning todo n/a na null anything
everything something whatever any some all each every both various several many few likely
unlikely verification explanation conclusion summary approach analysis calculation reasoning
introduction notes overview details method background proof example discussion remark
justification understanding a an the
approximately about roughly nearly almost barely points key reference expected gold truth
"""
_NO_ANSWER = frozenset(_NO_ANSWER_WORDS.split())
_LETTERS = re.compile(r"[^\W\d_]{2,}|[^\x00-\x7f]|^[A-Za-z]$")
_AGAINST = re.compile(
    r"\b(?:to|from|than|by|with|between|until|over|under|above|below|about|near)\s\$?\d",
    re.IGNORECASE,
)
_SPECIAL = re.compile(
    r"yes|no|true|false|no (?:real |integer |such |valid |possible )*(?:solutions?|roots?|values?"
    r"|numbers?)(?: exists?)?|none(?: of the above)?|does not exist|dne|undefined|not possible"
    r"|(?:the )?empty set|not equal|not guilty",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\bor\b|\b(?:one|some|any) of\b|\b[A-J]\s?[/&,]\s?[A-J]\b|\bin base\b", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")
_CODE = re.compile(r"[{}<>\\|#]|```|://")
_PROPER = re.compile(
    r"[A-Z][^\W\d_]{0,60}(?:[ '’.-]{1,3}(?:[A-Z][^\W\d_]{0,60}|of|the|de|and|la)){0,8}"
)
_WORD = re.compile(r"[^\W_]{1,80}(?:['’/-][^\W_]{1,80}){0,8}")
_ARITHMETIC = re.compile(r"\d\s?[×*+=÷]")
_TRUTH = re.compile(r"true|false", re.IGNORECASE)
_VERB = re.compile(r"\b(?:is|was|are|were)\s+(?:called\s+|named\s+)?")


def is_answer_in_words(phrase: str) -> bool:
    """Tell whether a few words can be an answer: they are not about an answer, and deny nothing."""
    if _SPECIAL.fullmatch(phrase.strip(" .*$")):
        return True
    if not _LETTERS.search(phrase) or is_placeholder(phrase):
        return False
    if hedges(phrase) or refuses(phrase) or denies(phrase):
        return False
    if any(sign.search(phrase) for sign in (_ARITHMETIC, _CODE, _SEVERAL, _AGAINST)):
        return False
    if compares(phrase) and _DIGIT.search(phrase) or is_anothers(phrase):
        return False
    words = [word.lower() for word in _WORD.findall(phrase)]
    named = [word for word in words if word not in ("a", "an", "the")]
    return 0 < len(named) <= 6 and _NO_ANSWER.isdisjoint((named[0], named[-1]))


def proper_noun(sentence: str) -> str | None:
    """Read the name that a sentence ends with behind "is", as in "The capital is Paris."."""
    verb = _VERB.search(sentence)
    if verb is None or denies(sentence) or is_of_somebody(sentence):
        return None
    if not asserts(sentence[: verb.start()]):
        return None
    found = words_at(sentence[verb.end() :])
    if found is None or found.rest.strip(" .!*") or not _PROPER.fullmatch(found.text):
        return found.text if found and _TRUTH.fullmatch(found.text) else None
    return found.text if is_answer_in_words(found.text) else None
