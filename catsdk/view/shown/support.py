"""Support: which rollouts agree with each statement of a reference, and which contradict it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from catsdk.core.types import Rollout
from catsdk.view.shown.pieces import Mark, pieces_of, statements

__all__ = ["support_of"]

# The most statements per text: each of the reference is compared with each of every rollout.
_MOST: Final = 200
_SAME: Final = 0.8
_ABOUT_THE_SAME: Final = 0.6

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
_EQUALS = re.compile(r"^(.*[\w)\]}])\s*(?:=|\bis\b|:)\s*([^=]*\d[^=]*)$", re.DOTALL)
_BOXED = re.compile(r"^(.*\\boxed)\s*\{(.*)\}$", re.DOTALL)
_MARKUP = re.compile(r"[\s*$\\]+")
_SUM = re.compile(r"\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?)+")
_NOT: Final = frozenset({"no", "not", "never", "without", "cannot", "nor", "neither"})


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence or line: its words, numbers and negations, and the equation it states, if any."""

    start: int
    end: int
    words: frozenset[str]
    numbers: tuple[str, ...]
    denies: bool
    subject: str | None
    value: str | None


def support_of(reference: str, rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """Compare the statements of a reference with those of each rollout.

    A rollout supports a statement if it has one with nearly the same words, and the same numbers
    and negations. It contradicts a statement if it gives a different number for the same thing,
    such as the left side of an equation, or if it uses nearly the same words with other numbers or
    a negation. Otherwise it does neither. Only the words are compared, without a model: the result
    is a hint where to look, not a verdict.

    Args:
        reference: The reference's text.
        rollouts: The rollouts.

    Returns:
        `reference`: its pieces, and for each statement which rollouts support or contradict it;
        `rollouts`: the pieces of each rollout's text, by index.
    """
    said = _statements(reference)
    parts = [{"supports": list[int](), "contradicts": list[int]()} for _ in said]
    shown: dict[int, list[Any]] = {}
    for rollout in rollouts:
        marks: list[Mark] = []
        own = _statements(rollout.text)
        for at, statement in enumerate(said):
            supporting = [each for each in own if _agrees(statement, each)]
            if supporting:
                parts[at]["supports"].append(rollout.index)
                marks += [Mark(each.start, each.end, "supports", at) for each in supporting]
                continue
            against = [each for each in own if _contradicts(statement, each)]
            if against:
                parts[at]["contradicts"].append(rollout.index)
                marks += [Mark(each.start, each.end, "contradicts", at) for each in against]
        shown[rollout.index] = pieces_of(rollout.text, _unmixed(marks))
    own_marks = [Mark(each.start, each.end, "part", at) for at, each in enumerate(said)]
    return {
        "reference": pieces_of(reference, own_marks),
        "parts": parts,
        "rollouts": shown,
    }


def _unmixed(marks: list[Mark]) -> list[Mark]:
    """Drop marks of contradiction from text that supports another statement."""
    supporting = {(mark.start, mark.end) for mark in marks if mark.kind == "supports"}
    return [
        mark
        for mark in marks
        if mark.kind == "supports" or (mark.start, mark.end) not in supporting
    ]


def _statements(text: str) -> list[_Statement]:
    spans = list(statements(text))[:_MOST]
    return [_statement(text[start:end], start, end) for start, end in spans]


def _statement(text: str, start: int, end: int) -> _Statement:
    lowered = text.lower()
    words = _WORD.findall(lowered)
    bare = lowered.strip(" .,;$*")
    equal = _BOXED.match(bare) or _EQUALS.match(bare)
    return _Statement(
        start,
        end,
        frozenset(words),
        tuple(_NUMBER.findall(lowered)),
        any(word in _NOT or word.endswith("n't") for word in words),
        None if equal is None else _bare(equal[1]),
        None if equal is None else _bare(equal[2]),
    )


def _bare(text: str) -> str:
    """The text without spaces and punctuation, with the terms of sums sorted."""
    return _SUM.sub(_ordered, _MARKUP.sub("", text))


def _ordered(found: re.Match[str]) -> str:
    return "+".join(sorted(found[0].split("+")))


def _agrees(one: _Statement, other: _Statement) -> bool:
    if one.denies != other.denies:
        return False
    if one.subject is not None and one.subject == other.subject:
        return one.value == other.value
    if one.numbers != other.numbers:
        return False
    return _overlap(one, other) >= _SAME


def _contradicts(one: _Statement, other: _Statement) -> bool:
    if one.subject is not None and one.subject == other.subject:
        return one.value != other.value
    if len(one.words | other.words) < 2:
        return False
    differs = one.numbers != other.numbers or one.denies != other.denies
    both = bool(one.numbers) == bool(other.numbers)
    return differs and both and _overlap(one, other) >= _ABOUT_THE_SAME and _near(one, other)


def _near(one: _Statement, other: _Statement) -> bool:
    """Whether at most half of the numbers differ; otherwise they are about different things."""
    if not one.numbers:
        return True
    same = sum(number in other.numbers for number in one.numbers)
    most = max(len(one.numbers), len(other.numbers))
    return most == 1 or 2 * same >= most


def _overlap(one: _Statement, other: _Statement) -> float:
    every = one.words | other.words
    if not every:
        return 1.0 if one.numbers == other.numbers else 0.0
    return len(one.words & other.words) / len(every)
