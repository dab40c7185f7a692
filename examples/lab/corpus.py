"""Generate the four kinds of teaching examples: solve, synthesize, write criteria, judge."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from catsdk_providers.box.problems import LARGEST, Problem, Solution, Step, response, solve

__all__ = [
    "Example",
    "Noise",
    "answer_line",
    "combine_prompt",
    "criteria",
    "criteria_example",
    "judge_example",
    "noisy_solution",
    "reachable",
    "relabel",
    "relabelling",
    "solve_example",
    "synthesis_example",
]

_NUMBER: Final = re.compile(r"\d+")
# Units of the sums and differences that are believed wrongly: greedy decoding fails on them too.
_MISLEARNT: Final = frozenset({(7, 8), (8, 7), (6, 9), (2, -5), (1, -6), (3, -9)})
_ASKED: Final = ("{}", "{}", "{}", "What is {}?", "Compute {}.")


@dataclass(frozen=True, slots=True)
class Example:
    """What the user says and what the assistant should say."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Noise:
    """How often a written step is wrong."""

    easy: float = 0.06
    hard: float = 0.25
    """For a step with a carry or a borrow."""
    mislearnt: float = 0.62
    """For the few of those that the corpus has wrong more often than right."""


def solve_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A question and a solution with the mistakes of a careless writer."""
    asked = rng.choice(_ASKED).format(problem)
    return Example(asked, response(noisy_solution(problem, noise, rng)))


def noisy_solution(problem: Problem, noise: Noise, rng: random.Random) -> Solution:
    """A solution with wrong steps; each later step follows from the wrong value."""
    before = problem.terms[0]
    steps = []
    for index, term in enumerate(problem.terms[1:], start=1):
        later = problem.terms[index + 1 :]
        after = _noisy_sum(before, term, later, noise, rng)
        steps.append(Step(before, term, after))
        before = after
    return Solution(tuple(steps), before)


def _noisy_sum(
    before: int, term: int, later: Sequence[int], noise: Noise, rng: random.Random
) -> int:
    right = before + term
    shift = _forgotten_ten(before, term)
    if rng.random() >= _rate(before, term, noise):
        return right
    slips = rng.sample((1, -1), 2)
    wrong = [shift, *slips] if shift and rng.random() < 0.8 else slips
    return next((right + slip for slip in wrong if _stays_in_range(right + slip, later)), right)


def _rate(before: int, term: int, noise: Noise) -> float:
    if not _forgotten_ten(before, term):
        return noise.easy
    units = (before % 10, term % 10 if term > 0 else -(-term % 10))
    return noise.mislearnt if units in _MISLEARNT else noise.hard


def _forgotten_ten(before: int, term: int) -> int:
    """What forgetting the carry or the borrow adds to the result; 0 where there is none."""
    units = before % 10 + (term % 10 if term > 0 else -(-term % 10))
    return -10 if units > 9 else 10 if units < 0 else 0


def _stays_in_range(start: int, later: Sequence[int]) -> bool:
    return all(0 <= total <= LARGEST for total in accumulate(later, initial=start))


def combine_prompt(rollouts: Sequence[str]) -> str:
    """The request to reconcile numbered responses; the question is not shown."""
    numbered = [f"#{index}\n{rollout}" for index, rollout in enumerate(rollouts, start=1)]
    return "\n".join(["Combine:", *numbered])


def reachable(target: str, rollouts: Sequence[str]) -> bool:
    """Whether each line of ``target`` stands in some rollout, so that reading is enough."""
    shown = {line for rollout in rollouts for line in rollout.split("\n")}
    return shown.issuperset(target.split("\n"))


def synthesis_example(rollouts: Sequence[str], target: str, rng: random.Random) -> Example:
    """Rollouts and the response to give, under one random relabelling of the numbers."""
    names = relabelling(rng)
    return Example(
        combine_prompt([relabel(rollout, names) for rollout in rollouts]), relabel(target, names)
    )


def relabelling(rng: random.Random) -> dict[str, str]:
    """A random permutation of the numbers 0..99: it keeps agreement and hides arithmetic."""
    numbers = [str(number) for number in range(LARGEST + 1)]
    return dict(zip(numbers, rng.sample(numbers, len(numbers)), strict=True))


def relabel(text: str, names: Mapping[str, str]) -> str:
    """Replace each number that has a new name."""
    return _NUMBER.sub(lambda found: names.get(found.group(), found.group()), text)


def criteria(reference: str) -> list[str]:
    """One checkable criterion for each step of a reference, and one for its answer."""
    *steps, boxed = reference.split("\n")
    return [*(f"shows {step}" for step in steps), f"answers {answer_line(boxed)}"]


def answer_line(boxed: str) -> str:
    """The content of a line that is one box."""
    return boxed.removeprefix("\\boxed{").removesuffix("}")


def criteria_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A reference, right or not, and its criteria."""
    reference = response(noisy_solution(problem, noise, rng))
    lines = "\n".join(f"- {criterion}" for criterion in criteria(reference))
    return Example(f"Criteria:\n{reference}", lines)


def judge_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """One criterion and one response; as many are met as are not."""
    judged = response(noisy_solution(problem, noise, rng))
    own = criteria(judged)
    if rng.random() < 0.5:
        return Example(f"Check: {rng.choice(own)}\n{judged}", "yes")
    unmet = [line for line in criteria(response(solve(problem))) if line not in own]
    criterion = rng.choice(unmet) if unmet else _altered(rng.choice(own), rng)
    return Example(f"Check: {criterion}\n{judged}", "no")


def _altered(criterion: str, rng: random.Random) -> str:
    head, last = re.fullmatch(r"(.*?)(\d+)", criterion, re.DOTALL).groups()  # type: ignore[union-attr]
    others = [number for number in range(LARGEST + 1) if number != int(last)]
    return f"{head}{rng.choice(others)}"
