"""Equality of answers by their normal form, and the majority among answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Majority", "majority_of", "normalise", "same_answer"]

_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NOISE = re.compile(r"\\(?:left|right|displaystyle|,|;|!| )|\$|\s")


def normalise(answer: str) -> str:
    r"""Return the normal form of `answer`; two answers are the same when theirs are equal.

    Spaces, dollar signs, `\left`, `\right`, a closing full stop and letter case do not matter;
    a decimal number is written as its fraction in lowest terms.
    """
    text = _NOISE.sub("", answer.replace("\\ ", " ")).rstrip(".").lower()
    text = text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("\u2212", "-")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if _NUMBER.fullmatch(text):
        return str(Fraction(text))
    return text


def same_answer(left: str, right: str) -> bool:
    """Tell whether two answers have the same normal form."""
    return normalise(left) == normalise(right)


@dataclass(frozen=True, slots=True)
class Majority:
    """The most frequent answer: as first written, `None` at a tie or without any answer.

    `share` is its count over the number of answers that are there; `None` without any.
    """

    answer: str | None
    share: float | None


def majority_of(answers: Iterable[str | None]) -> Majority:
    """Count answers by their normal form (self-consistency, arXiv 2203.11171); `None` abstains."""
    there = [answer for answer in answers if answer is not None]
    if not there:
        return Majority(None, None)
    counts = Counter(normalise(answer) for answer in there)
    (first, top), *others = counts.most_common(2)
    tied = bool(others) and others[0][1] == top
    answer = None if tied else next(a for a in there if normalise(a) == first)
    return Majority(answer, top / len(there))
