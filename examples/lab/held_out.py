"""Evaluate the policy on held-out questions, by itself and with synthesis on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from catsdk import Limits, Provider, Sampling, Timeouts
from catsdk.answers import is_same
from catsdk.errors import CatError, ProviderError
from catsdk.estimators import Majority
from catsdk.runtime import Client, Context, Estimator, context_of, fan_out
from catsdk.sampling import Sampler
from catsdk.types import Group

__all__ = ["EXAM_SEED", "Exam", "ExamFailedError", "Question", "share"]

EXAM_SEED = 2026
# A model in this process merges requests into batches, so each of them can take long.
_IN_PROCESS = Limits(in_flight=4096)
_PATIENT = Timeouts(attempt=86_400, call=86_400)
Question = tuple[str, str]
"""A prompt and its right answer."""


class ExamFailedError(Exception):
    """The policy failed to answer a question, so it cannot be evaluated."""


@dataclass(frozen=True, kw_only=True)
class Exam:
    """The same held-out questions each time, with the same random numbers.

    Results are strings with one digit per question, in order. In `single` the digit counts the
    right ones among the G rollouts; in `greedy`, `majority` and those of `estimators` it is 1 if
    the answer is right.

    Args:
        sets: The questions, by the name of the set. The first set is asked each time, the others
            only in the whole exam.
        policy: The model in training.
        group: G, at most 9.
        sampling: How the rollouts are drawn.
        estimators: Estimators, by name, that make a reference from the policy's rollouts in the
            whole exam.
        estimated: Give `estimators` only this many questions, the first ones of the first set;
            `None` gives them all questions of all sets.
    """

    sets: Mapping[str, Sequence[Question]]
    policy: Provider
    group: int
    sampling: Sampling
    estimators: Mapping[str, Estimator] = field(default_factory=dict[str, Estimator])
    estimated: int | None = None

    def sit(self, *, whole: bool) -> dict[str, dict[str, str]]:
        """Take the exam; unless `whole`, only by the policy itself and on the first set.

        Raises:
            ExamFailedError: the policy failed to answer a question.
            ProviderError: an estimator's model failed.
        """
        return anyio.run(self._sit, whole)

    def summary(self, point: dict[str, Any]) -> str:
        """The shares of the first set that were solved, as a line for the log."""
        told = point[next(iter(self.sets))]
        return ", ".join(f"{name} {share(told, name, self.group):.3f}" for name in told)

    async def _sit(self, whole: bool) -> dict[str, dict[str, str]]:
        names = [*self.sets] if whole else [*self.sets][:1]
        async with context_of(Client(limits=_IN_PROCESS, timeouts=_PATIENT)) as ctx:
            return {
                name: await self._on(
                    self.sets[name], ctx, self._estimated(at, len(self.sets[name])) if whole else 0
                )
                for at, name in enumerate(names)
                if self.sets[name]
            }

    def _estimated(self, place: int, size: int) -> int:
        """How many questions of the set at index `place` are given to the estimators."""
        if self.estimated is None:
            return size
        return 0 if place else self.estimated

    async def _on(self, asked: Sequence[Question], ctx: Context, estimated: int) -> dict[str, str]:
        sampler = Sampler(self.policy, self.sampling, seed=EXAM_SEED)
        only_best = self.sampling.model_copy(update={"temperature": 0.0})
        greedy = Sampler(self.policy, only_best)

        async def one(at: int) -> dict[str, int]:
            prompt, gold = asked[at]
            # Concurrently, so that a model in this process reads the prompt only once.
            group, best = await fan_out(
                lambda way: way[0].sample(prompt, way[1], ctx),
                [(sampler, self.group), (greedy, 1)],
            )
            for failure in (*group.failures.values(), *best.failures.values()):
                raise ExamFailedError(f"{prompt!r} got no answer: {failure}")
            answers = [rollout.answer for rollout in group.rollouts]
            found = {
                "single": sum(_right(answer, gold) for answer in answers),
                "greedy": sum(_right(rollout.answer, gold) for rollout in best.rollouts),
                "majority": _right(await _answer(Majority(), group, ctx), gold),
            }
            if at < estimated:
                for name, estimator in self.estimators.items():
                    found[name] = _right(await _answer(estimator, group, ctx), gold)
            return found

        each = await fan_out(one, range(len(asked)))
        return {name: "".join(str(f[name]) for f in each if name in f) for name in each[0]}


def share(found: dict[str, str], name: str, group: int) -> float:
    """The mean of the results `name` over questions, as a share."""
    return sum(map(int, found[name])) / len(found[name]) / (group if name == "single" else 1)


async def _answer(estimator: Estimator, group: Group, ctx: Context) -> str | None:
    try:
        return (await estimator.estimate(group, ctx.on(group))).answer
    except ProviderError:
        raise
    except CatError:
        return None


def _right(answer: str | None, gold: str) -> int:
    return int(answer is not None and is_same(answer, gold))
