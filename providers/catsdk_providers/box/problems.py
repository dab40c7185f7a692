"""Column addition of two numbers: seeded generators, solutions and disjoint splits.

A problem is a sum such as `48213+39478` of two numbers with the same number of digits. It is
solved as in school, from the right, one column per line: `c4: 1+7+1=9` adds the digits of the
fourth column from the left and the 1 carried from the previous column. The answer joins the
columns' digits. A sum is the same problem whichever number comes first, and it belongs to exactly
one split, chosen by a hash of its canonical form.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

__all__ = [
    "OUT_OF_RANGE_DIGITS",
    "STANDARD_DIGITS",
    "TRAINED_DIGITS",
    "Problem",
    "Solution",
    "Split",
    "Step",
    "box_problems",
    "canonical",
    "held_out_problems",
    "parse",
    "problems",
    "response",
    "solve",
    "split_of",
]

Split = Literal["pretrain", "synthesis", "rl", "dev", "heldout"]

TRAINED_DIGITS: Final = (2, 8)
"""Fewest and most digits of the numbers of a pre-training problem."""
STANDARD_DIGITS: Final = (7, 8)
"""Fewest and most digits of the problems used in measurements."""
OUT_OF_RANGE_DIGITS: Final = (9, 9)
"""Fewest and most digits of problems longer than any seen in training."""

_SPLIT_ENDS: Final[dict[Split, int]] = {
    "pretrain": 50,
    "synthesis": 70,
    "rl": 80,
    "dev": 90,
    "heldout": 100,
}
_SUM: Final = re.compile(r"(?<!\d)(\d{1,9})\+(\d{1,9})(?!\d)")


@dataclass(frozen=True, slots=True)
class Problem:
    """Two numbers with the same number of digits."""

    top: int
    bottom: int

    def __str__(self) -> str:
        return f"{self.top}+{self.bottom}"


@dataclass(frozen=True, slots=True)
class Step:
    """One column: the `first` and `second` digit as written, the incoming carry, and the total."""

    column: int
    first: int
    second: int
    carry: bool
    total: int

    def __str__(self) -> str:
        carried = "+1" if self.carry else ""
        return f"c{self.column}: {self.first}+{self.second}{carried}={self.total}"


@dataclass(frozen=True, slots=True)
class Solution:
    """The steps of a solution, the rightmost column first."""

    steps: tuple[Step, ...]

    @property
    def answer(self) -> str:
        """The sum: the last total, then the units digits of the earlier totals."""
        *later, leading = self.steps
        return str(leading.total) + "".join(str(step.total % 10) for step in reversed(later))


def canonical(problem: Problem) -> str:
    """The form shared by both orders of the same numbers."""
    return "+".join(str(number) for number in sorted((problem.top, problem.bottom)))


def split_of(problem: Problem) -> Split:
    """The split that a problem belongs to."""
    digest = hashlib.sha256(canonical(problem).encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % 100
    return next(split for split, end in _SPLIT_ENDS.items() if bucket < end)


def solve(problem: Problem) -> Solution:
    """The correct steps; in each, the top number's digit comes first."""
    carry = False
    steps: list[Step] = []
    digits = list(zip(str(problem.top), str(problem.bottom), strict=True))
    for column in range(len(digits), 0, -1):
        first, second = map(int, digits[column - 1])
        steps.append(Step(column, first, second, carry, first + second + carry))
        carry = steps[-1].total > 9
    return Solution(tuple(steps))


def response(solution: Solution) -> str:
    """A solution as the model writes it: one column per line, then the boxed answer."""
    return "\n".join([*map(str, solution.steps), f"\\boxed{{{solution.answer}}}"])


def parse(text: str) -> Problem:
    """Read the first sum in `text`.

    Raises:
        ValueError: `text` holds no sum of two numbers with the same number of digits.
    """
    found = _SUM.search(text)
    if found is None or len(found[1]) != len(found[2]):
        raise ValueError(f"no sum of two numbers with the same number of digits in {text!r}")
    return Problem(int(found[1]), int(found[2]))


def problems(
    split: Split, n: int, seed: int, *, digits: Sequence[int] = STANDARD_DIGITS
) -> list[Problem]:
    """Return `n` different problems of `split`, with numbers of `digits` (fewest, most).

    The same arguments give the same problems, and a larger `n` extends the list.

    Raises:
        ValueError: the split is unknown, or `n` different problems of that length were not
            found.
    """
    if split not in get_args(Split):
        raise ValueError(f"unknown split {split!r}; one of {', '.join(get_args(Split))}")
    found: dict[str, Problem] = {}
    for tried, problem in enumerate(_candidates(random.Random(f"{split}/{seed}"), digits)):
        if len(found) == n:
            break
        if tried > 1000 + 200 * n:
            raise ValueError(f"only {len(found)} problems of {digits} digits found, {n} asked for")
        if split_of(problem) == split:
            found.setdefault(canonical(problem), problem)
    return list(found.values())


def box_problems(split: str, n: int, seed: int) -> list[tuple[str, str]]:
    """Return problems of a split with their answers, as strings.

    Args:
        split: The split, one of `pretrain`, `synthesis`, `rl`, `dev` and `heldout`.
        n: How many.
        seed: Determines which problems are chosen; a larger `n` extends the list.

    Raises:
        ValueError: the split is unknown, or `n` different problems were not found.

    Example:
        >>> from catsdk.providers import box_problems
        >>> ((question, answer),) = box_problems("rl", 1, seed=0)
        >>> answer.isdigit()
        True
    """
    found = problems(cast("Split", split), n, seed)
    return [(str(problem), solve(problem).answer) for problem in found]


def held_out_problems(n: int, seed: int, *, long: bool = False) -> list[tuple[str, str]]:
    """Return held-out problems for the model in the box with their answers, as strings.

    Args:
        n: How many.
        seed: Determines which problems are chosen.
        long: Whether their numbers are longer than those seen in training.

    Example:
        >>> from catsdk.providers import held_out_problems
        >>> len(held_out_problems(8, seed=0))
        8
    """
    digits = OUT_OF_RANGE_DIGITS if long else STANDARD_DIGITS
    found = problems("heldout", n, seed, digits=digits)
    return [(str(problem), solve(problem).answer) for problem in found]


def _candidates(rng: random.Random, digits: Sequence[int]) -> Iterator[Problem]:
    fewest, most = digits
    while True:
        length = rng.randint(fewest, most)
        yield Problem(_number(rng, length), _number(rng, length))


def _number(rng: random.Random, length: int) -> int:
    return rng.randrange(10 ** (length - 1), 10**length)
