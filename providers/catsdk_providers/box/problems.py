"""Sums and differences of two-digit numbers: seeded generators, solutions and disjoint splits.

A problem is a chain such as ``47+38-29`` evaluated from left to right with every intermediate
result in 0..99. Two chains with the same signed terms are the same problem, whatever their
order, and a problem belongs to exactly one split, chosen by a hash of its canonical form.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal, get_args

__all__ = [
    "LARGEST",
    "OUT_OF_RANGE_TERMS",
    "STANDARD_TERMS",
    "TRAINED_TERMS",
    "Problem",
    "Solution",
    "Split",
    "Step",
    "canonical",
    "held_out_problems",
    "parse",
    "problems",
    "response",
    "solve",
    "split_of",
]

Split = Literal["pretrain", "synthesis", "rl", "dev", "heldout"]

LARGEST: Final = 99
"""Every term and every intermediate result lies in 0..99."""
TRAINED_TERMS: Final = (2, 9)
"""Fewest and most terms of a pre-training problem."""
STANDARD_TERMS: Final = (7, 8)
"""Terms of the problems that are measured (6 or 7 operations)."""
OUT_OF_RANGE_TERMS: Final = (10, 11)
"""Terms of problems longer than any seen in training."""

_SPLIT_ENDS: Final[dict[Split, int]] = {
    "pretrain": 50,
    "synthesis": 70,
    "rl": 80,
    "dev": 90,
    "heldout": 100,
}
_CHAIN: Final = re.compile(r"\d{1,2}(?:[+-]\d{1,2})+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Signed terms in the order of evaluation; the first is positive."""

    terms: tuple[int, ...]

    def __str__(self) -> str:
        return str(self.terms[0]) + "".join(f"{term:+d}" for term in self.terms[1:])


@dataclass(frozen=True, slots=True)
class Step:
    """One visible operation, ``before`` plus the signed ``term`` gives ``after``."""

    before: int
    term: int
    after: int

    def __str__(self) -> str:
        return f"{self.before}{self.term:+d}={self.after}"


@dataclass(frozen=True, slots=True)
class Solution:
    """The steps of a solution and its answer."""

    steps: tuple[Step, ...]
    answer: int


def canonical(problem: Problem) -> str:
    """The form shared by all re-orderings of the same signed terms."""
    return " ".join(f"{term:+d}" for term in sorted(problem.terms))


def split_of(problem: Problem) -> Split:
    """The one split that a problem belongs to."""
    digest = hashlib.sha256(canonical(problem).encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % 100
    return next(split for split, end in _SPLIT_ENDS.items() if bucket < end)


def solve(problem: Problem) -> Solution:
    """The correct steps, from left to right, and the answer."""
    totals = list(accumulate(problem.terms))
    steps = tuple(
        Step(before, term, after)
        for before, term, after in zip(totals, problem.terms[1:], totals[1:], strict=False)
    )
    return Solution(steps, totals[-1])


def response(solution: Solution) -> str:
    """A solution as the model writes it: one step a line, then the boxed answer."""
    lines = [str(step) for step in solution.steps]
    return "\n".join([*lines, f"\\boxed{{{solution.answer}}}"])


def parse(text: str) -> Problem:
    """Read the first chain in ``text``.

    Raises:
        ValueError: ``text`` holds no chain of sums and differences of numbers in 0..99.
    """
    found = _CHAIN.search(text)
    if found is None:
        raise ValueError(f"no sum or difference of numbers in 0..{LARGEST} in {text!r}")
    return Problem(tuple(int(term) for term in re.findall(r"[+-]?\d+", found.group())))


def problems(
    split: Split, n: int, seed: int, *, terms: Sequence[int] = STANDARD_TERMS
) -> list[Problem]:
    """``n`` different problems of ``split``, whose lengths lie in ``terms`` (fewest, most).

    The same arguments give the same problems, and a larger ``n`` extends the list.

    Raises:
        ValueError: the split is unknown, or so few different problems exist at that length
            that ``n`` of them were not found.
    """
    if split not in get_args(Split):
        raise ValueError(f"unknown split {split!r}; one of {', '.join(get_args(Split))}")
    found: dict[str, Problem] = {}
    for tried, problem in enumerate(_candidates(random.Random(f"{split}/{seed}"), terms)):
        if len(found) == n:
            break
        if tried > 1000 + 200 * n:
            raise ValueError(f"only {len(found)} problems of {terms} terms found, {n} asked for")
        if split_of(problem) == split:
            found.setdefault(canonical(problem), problem)
    return list(found.values())


def held_out_problems(n: int, seed: int, *, long: bool = False) -> list[tuple[str, str]]:
    """``n`` held-out problems and their answers, as texts; ``long`` ones are out of range."""
    terms = OUT_OF_RANGE_TERMS if long else STANDARD_TERMS
    found = problems("heldout", n, seed, terms=terms)
    return [(str(problem), str(solve(problem).answer)) for problem in found]


def _candidates(rng: random.Random, terms: Sequence[int]) -> Iterator[Problem]:
    fewest, most = terms
    while True:
        yield _chain(rng, rng.randint(fewest, most))


def _chain(rng: random.Random, length: int) -> Problem:
    total = rng.randint(1, LARGEST)
    chain = [total]
    while len(chain) < length:
        term = rng.choice((1, -1)) * rng.randint(1, LARGEST)
        if 0 <= total + term <= LARGEST:
            chain.append(term)
            total += term
    return Problem(tuple(chain))
