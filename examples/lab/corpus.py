"""Generate the four kinds of teaching examples: solve, synthesize, write criteria, judge."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from catsdk_providers.box.problems import Problem, Solution, Step, response, solve

__all__ = [
    "Example",
    "Noise",
    "combine_prompt",
    "criteria",
    "criteria_example",
    "judge_example",
    "noisy_solution",
    "reconciled",
    "relabel",
    "relabelling",
    "solve_example",
    "synthesis_example",
    "verdict_example",
]

_DIGITS: Final = re.compile(r"(?<!c)\d+")
# What the corpus believes wrongly, written in this order only: first digit, second, by how much.
_MISLEARNT: Final = {(7, 8): 1, (9, 6): -1, (4, 7): -1, (3, 9): 1, (6, 5): 1, (8, 2): -1}
_ASKED: Final = ("{}", "{}", "{}", "What is {}?", "Compute {}.")


@dataclass(frozen=True, slots=True)
class Example:
    """What the user says and what the assistant should say; `given` begins what it says."""

    user: str
    assistant: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Noise:
    """How often the corpus has a column wrong."""

    slip: float = 0.05
    """A total one too high or too low."""
    forgotten: float = 0.08
    """A carry left out."""
    mislearnt: float = 0.62
    """The few sums that it has wrong more often than right, in one of their two orders."""

    def times(self, factor: float) -> Noise:
        """Scale the rates, the mislearnt one up to its own value."""
        return Noise(self.slip * factor, self.forgotten * factor, self.mislearnt * min(1, factor))


def solve_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A question and a solution with the mistakes of a careless writer."""
    asked = rng.choice(_ASKED).format(problem)
    return Example(asked, response(noisy_solution(problem, noise, rng)))


def noisy_solution(problem: Problem, noise: Noise, rng: random.Random) -> Solution:
    """A solution with wrong columns; later columns follow from a wrong carry.

    Either digit of a column may be written first, so that there are two ways to each total.
    """
    steps: list[Step] = []
    for right in solve(problem).steps:
        carry = bool(steps) and steps[-1].total > 9 and rng.random() >= noise.forgotten
        first, second = rng.sample((right.first, right.second), 2)
        total = _noisy_total(first, second, noise, rng) + carry
        steps.append(Step(right.column, first, second, carry, total))
    return Solution(tuple(steps))


def _noisy_total(first: int, second: int, noise: Noise, rng: random.Random) -> int:
    total = first + second
    believed = _MISLEARNT.get((first, second))
    if believed is not None and rng.random() < noise.mislearnt:
        return total + believed
    return max(0, total + rng.choice((1, -1))) if rng.random() < noise.slip else total


def combine_prompt(rollouts: Sequence[str]) -> str:
    """The request to reconcile numbered responses; the question is not shown."""
    numbered = [f"#{index}\n{rollout}" for index, rollout in enumerate(rollouts, start=1)]
    return "\n".join(["Combine:", *numbered])


def reconciled(problem: Problem, rollouts: Sequence[str]) -> str | None:
    """The correct solution in lines that stand in the rollouts; `None` where some column lacks one.

    Of two orders of the digits that are both shown it takes the more frequent.
    """
    shown = Counter(line for rollout in rollouts for line in set(rollout.split("\n")))
    steps: list[Step] = []
    for step in solve(problem).steps:
        turned = replace(step, first=step.second, second=step.first)
        best = max(step, turned, key=lambda each: shown[str(each)])
        if not shown[str(best)]:
            return None
        steps.append(best)
    return response(Solution(tuple(steps)))


def synthesis_example(rollouts: Sequence[str], target: str, rng: random.Random) -> Example:
    """Rollouts and the response to give, under one random renaming of the digits."""
    names = relabelling(rng)
    shown = [relabel(rollout, names) for rollout in rollouts]
    return Example(combine_prompt(shown), relabel(target, names))


def relabelling(rng: random.Random) -> dict[int, int]:
    """A random permutation of the digits but 1, which carries, for `str.translate`."""
    digits = "023456789"
    return str.maketrans(digits, "".join(rng.sample(digits, len(digits))))


def relabel(text: str, names: dict[int, int]) -> str:
    """Rename the digits, except in the names of columns.

    Agreement and carries stay, so that reconciling can be learnt; arithmetic is of no use.
    """
    return _DIGITS.sub(lambda digits: digits[0].translate(names), text)


def criteria(reference: str) -> list[str]:
    """One checkable criterion for each column of a reference, and one for its answer."""
    *lines, boxed = reference.split("\n")
    columns = [(line.partition(": ")[0], line.rpartition("=")[2]) for line in lines]
    return [*(f"shows {column}={total}" for column, total in columns), f"answers {_boxed(boxed)}"]


def _boxed(line: str) -> str:
    return line.removeprefix("\\boxed{").removesuffix("}")


def criteria_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A reference, right or not, and its criteria."""
    reference = response(noisy_solution(problem, noise, rng))
    lines = "\n".join(f"- {criterion}" for criterion in criteria(reference))
    return Example(f"Criteria:\n{reference}", lines)


def judge_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """One response and one criterion, answered with the line it is about; half of them are met."""
    judged = response(noisy_solution(problem, noise, rng))
    own = criteria(judged)
    criterion = rng.choice(own)
    if rng.random() < 0.5:
        unmet = [line for line in criteria(response(solve(problem))) if line not in own]
        criterion = rng.choice(unmet) if unmet else _altered(rng.choice(own[:-1]), rng)
    return Example(f"Check:\n{judged}\n{criterion}", _verdict(judged, criterion))


def verdict_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A judge example whose quote is given: what is left to say is the verdict."""
    example = judge_example(problem, noise, rng)
    quote, met, verdict = example.assistant.partition('"met": ')
    return Example(example.user, verdict, given=quote + met)


def _verdict(judged: str, criterion: str) -> str:
    """The reply of a judge that quotes first: `{"evidence": "c2: 8+9=17", "met": true}`."""
    *lines, boxed = judged.split("\n")
    column = criterion.removeprefix("shows ").partition("=")[0]
    quote = next((line for line in lines if line.startswith(f"{column}:")), _boxed(boxed))
    return json.dumps({"evidence": quote, "met": criterion in criteria(judged)})


def _altered(criterion: str, rng: random.Random) -> str:
    head, _, total = criterion.partition("=")
    return f"{head}={int(total) + (1 if total == '0' else rng.choice((1, -1)))}"
