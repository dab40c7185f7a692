"""Rewritings that keep what an answer says, or change it: what must hold between the verdicts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from catsdk.answers.compare import same
from tests.answers.unrelated import Gold

__all__ = ["broken_properties"]

_DRESSES = ["{}", "${}$", "\\boxed{{{}}}", " {} ", "\\({}\\)", "{}.", "**{}**", "\\displaystyle {}",
            "${{{}}}$", "$${}$$", "\\boxed{{${}$}}", "`{}`"]  # fmt: skip
_MATHEMATICAL = frozenset(["number", "expression", "complex", "letter"])
_ORDERED = frozenset(["tuple", "interval", "ratio"])
_UNORDERED = frozenset(["list", "set", "named list"])
_REWRITINGS = [
    "{} + 0",
    "1 \\cdot ({})",
    "({}) + 3 - 3",
    "\\frac{{2({})}}{{2}}",
    "({})",
    "0 + ({})",
]


def broken_properties(golds: list[Gold], chance: random.Random, rounds: int) -> Iterator[str]:
    """Yield a sentence for each property that does not hold, in so many rounds."""
    for _ in range(rounds):
        gold = chance.choice(golds)
        other = chance.choice(golds)
        for check in _CHECKS:
            yield from check(gold, other, chance)


def _dressed(gold: Gold, other: Gold, chance: random.Random) -> Iterator[str]:
    """The dress of an answer says nothing: one answer in two dresses is the same, and no other."""
    one, two = (chance.choice(_DRESSES).format(_bare(gold[1])) for _ in range(2))
    if same(one, two).outcome != "equal":
        yield f"{one!r} is not {two!r}"
    plain, dressed = same(gold[1], other[1]).outcome, same(one, other[1]).outcome
    if {plain, dressed} == {"equal", "different"}:
        yield f"{gold[1]!r} and {other[1]!r}: {plain}, and {dressed} as {one!r}"


def _symmetric(gold: Gold, other: Gold, _: random.Random) -> Iterator[str]:
    there, back = same(gold[1], other[1]).outcome, same(other[1], gold[1]).outcome
    if there != back:
        yield f"{gold[1]!r} and {other[1]!r}: {there} and {back}"


def _rewritten(gold: Gold, _: Gold, chance: random.Random) -> Iterator[str]:
    """One value in three writings: each two are the same."""
    if gold[0] not in _MATHEMATICAL or "," in gold[1]:
        # In brackets a comma parts two values.
        return
    writings = [chance.choice(_REWRITINGS).format(gold[1]) for _ in range(2)]
    for one, other in ((gold[1], writings[0]), (gold[1], writings[1]), (writings[0], writings[1])):
        if same(one, other).outcome != "equal":
            yield f"{one!r} is not {other!r}"
    if gold[1] != "0" and same(f"-({writings[0]})", writings[1]).outcome == "equal":
        yield f"{writings[0]!r} is its own negative"


def _reordered(gold: Gold, _: Gold, chance: random.Random) -> Iterator[str]:
    kind, text = gold
    inner, wrap = _parts(text)
    if len(inner) < 2 or kind not in _ORDERED | _UNORDERED:
        return
    order = list(inner)
    chance.shuffle(order)
    outcome = same(text, wrap(order)).outcome
    expected = "equal" if kind in _UNORDERED or order == inner else "different"
    if outcome != expected and not (expected == "different" and outcome == "unknown"):
        yield f"{text!r} and {wrap(order)!r}: {outcome}, not {expected}"


def _doubled(gold: Gold, other: Gold, _: random.Random) -> Iterator[str]:
    """An answer beside another one is neither of the two."""
    if gold[0] == other[0] == "number" and gold[1] != other[1]:
        for both in (
            f"{gold[1]}, {other[1]}",
            f"{gold[1]} or {other[1]}",
            f"({gold[1]}; {other[1]})",
        ):
            if same(both, gold[1]).outcome == "equal":
                yield f"{both!r} is {gold[1]!r}"


def _bare(text: str) -> str:
    return text.replace("\\$", "") if text.startswith("\\$") else text


def _parts(text: str) -> tuple[list[str], Callable[[list[str]], str]]:
    separator = ":" if ":" in text else ","
    brackets = (("(", ")"), ("\\{", "\\}"), ("", ""))
    start, end = next((s, e) for s, e in brackets if text.startswith(s) and text.endswith(e))
    inner = text[len(start) : len(text) - len(end)]
    if any(sign in inner for sign in "()[]{}\\"):
        return [], lambda parts: ""
    parts = [part.strip() for part in inner.split(separator)]
    return parts, lambda order: start + f"{separator} ".join(order) + end


_CHECKS = (_dressed, _symmetric, _rewritten, _reordered, _doubled)
