"""The answer of an equation in a sentence: its last side."""

from __future__ import annotations

import re
from itertools import pairwise

from catsdk.answers.extract.formulas import formula_around
from catsdk.answers.extract.phrases import Value
from catsdk.answers.extract.values import value_at
from catsdk.answers.extract.withdrawals import refutes
from catsdk.answers.extract.wording import asserts, last_clause, rejects

__all__ = ["EQUALS", "equation_in"]

EQUALS = re.compile(
    r"(?<![<>!:=])=(?![=>])|≈|\\approx(?![a-z])|\bequals\b|\bis equal to\b", re.IGNORECASE
)
_WORDING = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s?\{[^{}]*\}|\b[AaI]\s(?=\S)|['’]s\b")
_TIMES = re.compile(r"(?<=[\w)])\s?[xX]\s?(?=[\d$(])")
_COMMAND = re.compile(r"\\[A-Za-z]+")
# The numbers, single letters and operators in front of an equals sign.
_LAST_TERM = re.compile(r"(?:[^\sA-Za-z]|\s|\\[A-Za-z]{1,20}|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))+$")
_NAME = re.compile(r"\W{0,6}[A-Za-z](?:_\{?\w+\}?)?'?\s?(?:\([^()]*\))?")
_WRONG = re.compile(
    r"\b(?:not true|false|wrong\w*|incorrect\w*|mistaken\w*|suppose|assume)\b", re.IGNORECASE
)
# The arithmetic in front of an equals sign, with the words of its units.
_UNWORDED = re.compile(r"(?:\s[A-Za-z](?:_\w+)?)?[\s\d.,$%+*/×·÷()-]+$")
_APART = re.compile(r"\band\b|[,;]\s|\bor\b")
_SO = re.compile(r",?\s(?:so|therefore|thus|hence|which gives)\s(?=[^.]*=)", re.IGNORECASE)
_DIGITS = re.compile(r"\d[\d,.]*")
_GOES_ON = re.compile(r",\s(?:we|so|then|the|this|that|it|he|she|they|there)\b[^.!?\n]*\d")
_NEAR = 300


def equation_in(sentence: str) -> str | None:
    """Read the last side of the one equation of a sentence."""
    conclusion = _SO.split(sentence)[-1]
    if EQUALS.search(conclusion):
        sentence = conclusion
    signs = list(EQUALS.finditer(sentence))
    if not signs:
        return None
    last = signs[-1]
    if any(_APART.search(sentence, a.end(), b.start()) for a, b in pairwise(signs)):
        return None
    before = sentence[: signs[0].start()]
    clause = last_clause(_UNWORDED.sub("", before[-_NEAR:]))
    if _WRONG.search(before) or not asserts(clause) or rejects(clause):
        return None
    if (formula := formula_around(sentence, last.start())) is not None:
        end, content = formula
        left, *_, right = EQUALS.split(content)
        return _side(left, right, sentence[end:])
    found = value_at(sentence[last.end() :])
    if found is None or found.alternatives or re.search(r"[=≠]|\bor\b", found.rest):
        return None
    if _gives_another(found):
        return None
    if refutes(found.rest, found.text) or (len(signs) == 1 and not _names(before)):
        return None
    return found.text


def _gives_another(found: Value) -> bool:
    """Tell whether another clause says what comes of an equation: "n = 1, we get 5"."""
    clause = _GOES_ON.match(found.rest)
    numbers = _DIGITS.findall(clause.group()) if clause else []
    return not {number.rstrip(".,") for number in numbers} <= set(_DIGITS.findall(found.text))


def _side(left: str, right: str, rest: str) -> str | None:
    """Return the last side of an equation inside a formula; all of it, where it defines a curve."""
    right = right.strip().rstrip(".")
    if not right or re.search(r"\d|[=]", rest):
        return None
    return right if _names(left) else f"{left.strip()} = {right}"


def _names(left: str) -> bool:
    """Tell whether the left side of an equation is what is computed, and no part of a relation."""
    left = _TIMES.sub(" × ", _WORDING.sub("word", left[-_NEAR:])).strip(" $*")
    side = _LAST_TERM.search(left)
    term = side.group().strip() if side else ""
    return not re.search(r"[A-Za-z]", _COMMAND.sub("", term)) or _NAME.fullmatch(term) is not None
