"""Exam: the policy on held-out problems, alone and with synthesis on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from catsdk import Limits, Provider, Sampling
from catsdk.answers import is_same
from catsdk.errors import CatError
from catsdk.estimators import Majority, Synthesizer
from catsdk.runtime import Client, Context, Estimator, context_of, fan_out
from catsdk.sampling import Sampler
from catsdk.types import Group
from catsdk_providers.box.problems import OUT_OF_RANGE_DIGITS, Problem, problems, solve
from examples.lab.units import MAX_TOKENS, Plan

__all__ = ["Exam", "share"]

_SEED = 2026
# A model in this process merges what it is asked into batches.
_IN_PROCESS = Limits(in_flight=4096)


class Exam:
    """The same held-out problems each time, with the same random numbers.

    What it finds is a digit a problem, in their order: `single` how many of the G rollouts are
    right, the others 1 where the answer is: `greedy`, `majority`, `teacher` (the initial policy
    synthesizes the policy's rollouts) and `own` (the policy itself does).
    """

    def __init__(self, plan: Plan, policy: Provider, teacher: Provider) -> None:
        """Examine `policy` on the problems of `plan`."""
        self._policy, self._teacher = policy, teacher
        self._group = plan.group
        self._sets: dict[str, Sequence[Problem]] = {
            "held_out": problems("heldout", plan.evaluated, 0),
            "longer": problems("heldout", plan.longer, 0, digits=OUT_OF_RANGE_DIGITS),
        }

    def sit(self, *, whole: bool) -> dict[str, dict[str, str]]:
        """Take the exam; without `whole` only what the policy does alone, on the usual problems."""
        return anyio.run(self._sit, whole)

    def summary(self, point: dict[str, Any]) -> str:
        """The shares of the usual problems that were solved, for the log."""
        told = point["held_out"]
        return ", ".join(f"{name} {share(told, name, self._group):.3f}" for name in told)

    async def _sit(self, whole: bool) -> dict[str, dict[str, str]]:
        sets = self._sets if whole else {"held_out": self._sets["held_out"]}
        async with context_of(Client(limits=_IN_PROCESS)) as ctx:
            return {
                name: await self._on(asked, ctx, whole=whole)
                for name, asked in sets.items()
                if asked
            }

    async def _on(self, asked: Sequence[Problem], ctx: Context, *, whole: bool) -> dict[str, str]:
        sampling = Sampling(max_tokens=MAX_TOKENS)
        sampler = Sampler(self._policy, sampling, seed=_SEED)
        greedy = Sampler(self._policy, Sampling(temperature=0.0, max_tokens=MAX_TOKENS))
        estimators: dict[str, Estimator] = {"majority": Majority()}
        if whole:
            estimators["teacher"] = Synthesizer(self._teacher, sampling, seed=_SEED)
            estimators["own"] = Synthesizer(self._policy, sampling, seed=_SEED)

        async def one(problem: Problem) -> dict[str, int]:
            gold = solve(problem).answer
            group = await sampler.sample(str(problem), self._group, ctx)
            best = await greedy.sample(str(problem), 1, ctx)
            answers = [rollout.answer for rollout in group.rollouts]
            found = {
                "single": sum(_right(answer, gold) for answer in answers),
                "greedy": sum(_right(rollout.answer, gold) for rollout in best.rollouts),
            }
            for name, estimator in estimators.items():
                found[name] = _right(await _answer(estimator, group, ctx), gold)
            return found

        each = await fan_out(one, asked)
        return {name: "".join(str(found[name]) for found in each) for name in each[0]}


def share(found: dict[str, str], name: str, group: int) -> float:
    """The mean over problems of what `name` found."""
    return sum(map(int, found[name])) / len(found[name]) / (group if name == "single" else 1)


async def _answer(estimator: Estimator, group: Group, ctx: Context) -> str | None:
    try:
        return (await estimator.estimate(group, ctx.on(group))).answer
    except CatError:
        return None


def _right(answer: str | None, gold: str) -> int:
    return int(answer is not None and is_same(answer, gold))
