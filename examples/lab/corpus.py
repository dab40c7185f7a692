"""Generate the four kinds of teaching examples: solve, synthesize, write criteria, judge."""

from __future__ import annotations

import json
import operator
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from catsdk_providers.box.problems import Problem, Solution, Step, response, solve

__all__ = [
    "MISLEARNT",
    "Example",
    "Noise",
    "after",
    "combine_prompt",
    "criteria",
    "criteria_example",
    "judge_example",
    "noisy_solution",
    "quote_example",
    "reconciled",
    "relabel",
    "relabelling",
    "solve_example",
    "synthesis_example",
    "verdict",
]

_DIGITS: Final = re.compile(r"(?<!c)\d+")
# Sums that the corpus gets wrong, only in this order of the digits: (first, second): error.
MISLEARNT: Final = {(7, 8): 1, (9, 6): -1, (4, 7): -1, (3, 9): 1, (6, 5): 1, (8, 2): -1}
# Pairs of a wanted and a shown digit that the corpus's judge usually takes to be equal.
_CONFUSED: Final = frozenset({"67", "32", "89", "01"})
_NUMBER_ASKED: Final = re.compile(r"(?<=[= ])\d+$")
_ASKED: Final = ("{}", "{}", "{}", "What is {}?", "Compute {}.")


@dataclass(frozen=True, slots=True)
class Example:
    """A user message and the right reply; `given` is a start of the reply that is not taught."""

    user: str
    assistant: str
    given: str = ""


@dataclass(frozen=True, slots=True)
class Noise:
    """How often the corpus gets a column or a comparison wrong."""

    slip: float = 0.05
    """A total is off by one."""
    forgotten: float = 0.08
    """A carry is left out."""
    mislearnt: float = 0.62
    """A sum in `MISLEARNT` is wrong: these few are wrong more often than right."""
    confused: float = 0.62
    """The judge takes one of a few pairs of different digits to be equal."""

    def times(self, factor: float) -> Noise:
        """Scale the rates of wrong columns; `mislearnt` is never raised above its own value."""
        return replace(
            self,
            slip=self.slip * factor,
            forgotten=self.forgotten * factor,
            mislearnt=self.mislearnt * min(1, factor),
        )


def solve_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A question and a solution with careless mistakes."""
    asked = rng.choice(_ASKED).format(problem)
    return Example(asked, response(noisy_solution(problem, noise, rng)))


def noisy_solution(problem: Problem, noise: Noise, rng: random.Random) -> Solution:
    """A solution with wrong columns; a wrong carry affects the columns after it.

    Either digit of a column may be written first, so there are two ways to write each column.
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
    believed = MISLEARNT.get((first, second))
    if believed is not None and rng.random() < noise.mislearnt:
        return total + believed
    return max(0, total + rng.choice((1, -1))) if rng.random() < noise.slip else total


def combine_prompt(rollouts: Sequence[str]) -> str:
    """A request to reconcile numbered responses, without the question."""
    numbered = [f"#{index}\n{rollout}" for index, rollout in enumerate(rollouts, start=1)]
    return "\n".join(["Combine:", *numbered])


def reconciled(problem: Problem, rollouts: Sequence[str]) -> str | None:
    """The correct solution made of lines from the rollouts; `None` if a column has no right line.

    If a column's digits appear in both orders, it takes the more frequent order.
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
    """Rollouts and the right response, with the digits renamed at random, alike in all of them."""
    names = relabelling(rng)
    shown = [relabel(rollout, names) for rollout in rollouts]
    return Example(combine_prompt(shown), relabel(target, names))


def relabelling(rng: random.Random) -> dict[int, int]:
    """A random permutation of all digits except 1, the carry, for `str.translate`."""
    digits = "023456789"
    return str.maketrans(digits, "".join(rng.sample(digits, len(digits))))


def relabel(text: str, names: dict[int, int]) -> str:
    """Rename the digits, except in the names of columns.

    Agreement and carries survive the renaming but sums do not, so the model learns to reconcile
    without arithmetic.
    """
    return _DIGITS.sub(lambda digits: digits[0].translate(names), text)


def criteria(reference: str) -> list[str]:
    """A checkable criterion for each column of a reference, and one for its answer."""
    *lines, boxed = reference.split("\n")
    columns = [(line.partition(": ")[0], line.rpartition("=")[2]) for line in lines]
    return [*(f"shows {column}={total}" for column, total in columns), f"answers {_boxed(boxed)}"]


def _boxed(line: str) -> str:
    return line.removeprefix("\\boxed{").removesuffix("}")


def criteria_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A reference, right or wrong, and its criteria."""
    reference = response(noisy_solution(problem, noise, rng))
    lines = "\n".join(f"- {criterion}" for criterion in criteria(reference))
    return Example(f"Criteria:\n{reference}", lines)


def quote_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A response and a criterion, quoted and judged without comparing; half are met."""
    judged = response(noisy_solution(problem, noise, rng))
    own = criteria(judged)
    criterion = rng.choice(own)
    if rng.random() < 0.5:
        unmet = [line for line in criteria(response(solve(problem))) if line not in own]
        criterion = rng.choice(unmet) if unmet else _altered(rng.choice(own[:-1]), rng)
    reply = {"evidence": _quote(judged, criterion), "met": criterion in own}
    return Example(f"Check:\n{judged}\n{criterion}", json.dumps(reply))


def judge_example(problem: Problem, noise: Noise, rng: random.Random) -> Example:
    """A response and a criterion, quoted, compared and judged.

    Half of the criteria are met, and a third are about the answer. Criteria that are not met come
    from the correct solution, if it differs. The judge of these examples confuses some digits, so
    that greedy verdicts make real errors too.
    """

    def same(asked: str, shown: str) -> bool:
        confused = asked + shown in _CONFUSED and rng.random() < noise.confused
        return asked == shown or confused

    judged = response(noisy_solution(problem, noise, rng))
    *columns, answer = criteria(judged)
    *right_columns, right_answer = criteria(response(solve(problem)))
    on_answer = rng.random() < 1 / 3
    criterion = answer if on_answer else rng.choice(columns)
    if rng.random() < 0.5:
        right = [right_answer] if on_answer else right_columns
        unmet = [line for line in right if line not in (*columns, answer)]
        criterion = rng.choice(unmet) if unmet else _altered(criterion, rng)
    return Example(f"Check:\n{judged}\n{criterion}", verdict(judged, criterion, same))


def after(key: str, example: Example) -> Example:
    """The same example with the reply given up to ``key``, so that only the rest is taught."""
    before, found, rest = example.assistant.partition(key)
    return Example(example.user, rest, given=before + found)


def verdict(judged: str, criterion: str, same: Callable[[str, str], bool] = operator.eq) -> str:
    """The reply of a judge that quotes, compares digit by digit, then says if the criterion is met.

    `{"evidence": "c2: 8+9=17", "digits": "11= 67!", "met": false}`: the first digit of each pair is
    wanted, the second is shown; the comparison stops at the first pair that is not the `same`.
    """
    quote, asked = _quote(judged, criterion), _NUMBER_ASKED.findall(criterion)[0]
    digits = _compared(asked, quote.rpartition("=")[2], same)
    return json.dumps({"evidence": quote, "digits": digits, "met": digits.endswith("=")})


def _quote(judged: str, criterion: str) -> str:
    """The line of the column that the criterion is about, or the content of the box."""
    *lines, boxed = judged.split("\n")
    column = criterion.removeprefix("shows ").partition("=")[0]
    return next((line for line in lines if line.startswith(f"{column}:")), _boxed(boxed))


def _compared(asked: str, shown: str, same: Callable[[str, str], bool]) -> str:
    marks: list[str] = []
    for wanted, digit in zip_longest(asked, shown, fillvalue="_"):
        equal = same(wanted, digit)
        marks.append(f"{wanted}{digit}{'=' if equal else '!'}")
        if not equal:
            break
    return " ".join(marks)


def _altered(criterion: str, rng: random.Random) -> str:
    """The criterion with its total off by one, or with one digit of its answer changed."""
    head, equals, total = criterion.rpartition("=")
    if equals:
        return f"{head}={int(total) + (1 if total == '0' else rng.choice((1, -1)))}"
    at = rng.randrange(len("answers "), len(criterion))
    digit = rng.choice([digit for digit in "123456789" if digit != criterion[at]])
    return criterion[:at] + digit + criterion[at + 1 :]
