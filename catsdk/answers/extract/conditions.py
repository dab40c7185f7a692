"""Conditions on an answer: "5 if n is even" and "if n is even, it is 5" state it in one case only.

A domain is none ("1/x for x > 0"), nor is what a problem tells of its people ("18 if she sells
all"), nor are words about the way there ("5 if we round down").
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from catsdk.answers.extract.sentences import words_of

__all__ = ["depends", "is_one_case", "may_depend"]

_FLAGS = re.IGNORECASE | re.VERBOSE
_NEAR = 64

_WORDS = """
if when whenever where assuming supposing given provided long case cases condition for si wenn falls
se jeśli
"""
_BEGINNINGS = frozenset(_WORDS.split())
# A variable of one letter, and what it may be in one case and not in another.
_SINGLE = r"\$?\ ?(?-i:[B-HJ-Zb-z]|a(?=\$?\ (?:is|[<>])))(?![A-Za-z])(?:\ ?\$)?"
_SUBJECT = rf"(?:{_SINGLE}|(?:the\ |an?\ )?(?:number|integer|exponent|degree|discriminant)\b)"
_KIND = r"""(?:even|odd|prime|composite|divisible|(?:non-?)?(?:zero|negative|positive)
  |(?:ir)?rational|real|an?\ (?:multiple|power|perfect|prime|integer|whole)
  |(?:strictly\ )?(?:greater|larger|less|smaller
  |more)\ than|at\ (?:least|most)|(?:sufficiently\ )?(?:large|small|big))\b"""
_IS_OF_KIND = rf"""{_SUBJECT}[ $]{{0,3}}(?:\\(?:text|mbox|mathrm)\{{\ ?)?(?:is|are|was|were)
    \ (?:not\ |both\ )?{_KIND}
  |(?:even|odd|prime|composite|negative)\ (?:(?:values?\ of|integers?|numbers?)\ ?)?{_SINGLE}"""
_SIZE = rf"{_SINGLE}\ ?(?:[<>≤≥≠]|\\(?:[lg]eq?(?:slant)?|neq?|[lg]t)(?![a-z])|!=)"
_BETWEEN = r"""(?:[ \t$)\]}*_`"'”,，、(-]|\\[)\],;\ ]|\\q?quad|\\(?:text|mbox|mathrm)\{){0,12}
  (?:(?:but|and|only|valid|true|holds|just|exactly|precisely)\ ){0,2}"""
_IF = r"""(?:if|when(?:ever)?|where|assuming|supposing|given|provided|(?:as|so)\ long\ as
  |in\ (?:the\ |all\ )?cases?(?:\ where|\ when)?|on\ (?:the\ )?condition|for)
  (?:\ (?:and\ only\ if|that|all|any|every))?[ }$]{1,4}"""
_FOLLOWING = re.compile(
    rf"""{_BETWEEN}(?:{_IF}(?:{_IS_OF_KIND})
      |if\ (?:it|that|this|the\ (?:claim|statement|hypothesis|conjecture|assumption
          |premise|condition|coin|die))\ (?:is|are|was|were|holds?|rains?|turns?)\b
      |(?:if|assuming|provided)\ (?:(?:we|you|one|i)\ )?(?:assume|suppose|ignore|neglect|pretend)\b
      |(?:si|wenn|falls|se|если|jeśli)\ {_SINGLE}|(?:如果|若|当|假设)\ ?{_SINGLE})""",
    _FLAGS,
)
# A formula has a domain; a number that holds for some sizes does not hold for others.
_OF_SIZE = re.compile(
    rf"{_BETWEEN}(?:if|when(?:ever)?|assuming|provided(?:\ that)?|as\ long\ as)"
    rf"[ }}$]{{1,4}}{_SIZE}",
    _FLAGS,
)
_LEADING = re.compile(
    rf"""[\W_]{{0,6}}(?:(?:so|then|thus|therefore|hence|now|and|but)\b,?\ )?
      (?:(?:if|when(?:ever)?|assuming|suppose|supposing|in\ (?:the\ )?case(?:\ where|\ when)?
            |for|case)(?:\ that)?[ $]{{1,3}}(?:{_IS_OF_KIND})
        |(?:if|when)[ $]{{1,3}}{_SIZE}
        |(?:si|wenn|falls|se|если|jeśli)\ {_SINGLE}|(?:如果|若|当|假设)\ ?{_SINGLE})
      (?!.*\b(?:so|therefore|thus|hence|donc|also)\b)""",
    _FLAGS,
)
_LETTER = re.compile(r"[A-Za-z]")


def may_depend(words: Iterable[str], text: str) -> bool:
    """Tell, fast, by its words, whether a condition may stand in a text."""
    return not text.isascii() or not _BEGINNINGS.isdisjoint(words)


def depends(rest: str, value: str = "") -> bool:
    """Tell whether `rest`, which follows `value` in its sentence, limits it to one case."""
    near = rest[:_NEAR]
    if not may_depend(words_of(near), near):
        return False
    if _FOLLOWING.match(rest) is not None:
        return True
    return _LETTER.search(value) is None and _OF_SIZE.match(rest) is not None


def is_one_case(lead: str) -> bool:
    """Tell whether a sentence that begins with `lead` is about one case: "if n is even, ..."."""
    near = lead[:_NEAR]
    return may_depend(words_of(near), near) and _LEADING.match(lead) is not None
