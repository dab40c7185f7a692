"""Reward: a number for each rollout from the reference or the rubric, or `None` with its cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.ports import Judge
from catsdk.core.types import Failure, Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.equivalence.exact import same_answer

__all__ = ["Reward"]


@dataclass(frozen=True)
class Reward:
    """Rewards a group (paper, equation 1).

    Without a rubric R(o; s) = 1 where the final answer of o equals that of s, else 0: a rollout
    that gives no final answer did not give the right one. With a rubric R(o) is the share of its
    K criteria that `judge` says are met, unweighted. A score is `None`, never 0, where evidence is
    missing: a rollout that failed, a reference without a final answer, a missing verdict.
    """

    judge: Judge | None = None
    same: Callable[[str, str], bool] = same_answer

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts asked for, failed ones too, by their index.

        Raises:
            InvalidInputError: a rubric is given, but no judge or no criterion.
        """
        if rubric is None:
            scores = [self._by_answer(rollout, reference) for rollout in group.rollouts]
        else:
            scores = await self._by_rubric(group, rubric)
        failed = [
            Score(index=index, value=None, reasons=("the rollout failed",), failure=failure)
            for index, failure in group.failures.items()
        ]
        return tuple(sorted([*scores, *failed], key=lambda score: score.index))

    def _by_answer(self, rollout: Rollout, reference: Reference) -> Score:
        if reference.answer is None:
            message = "the reference has no final answer; reward by a rubric instead"
            failure = Failure(kind="NoReferenceAnswer", message=message)
            return Score(index=rollout.index, value=None, reasons=(message,), failure=failure)
        if rollout.answer is None:
            return Score(index=rollout.index, value=0.0, reasons=("it gives no final answer",))
        equal = self.same(rollout.answer, reference.answer)
        relation = "equals" if equal else "differs from"
        return Score(
            index=rollout.index,
            value=float(equal),
            reasons=(f"its answer {rollout.answer} {relation} the reference's {reference.answer}",),
        )

    async def _by_rubric(self, group: Group, rubric: Rubric) -> list[Score]:
        judge = self.judge
        if judge is None:
            raise InvalidInputError("a rubric reward needs a judge; give Reward(judge=...)")
        if not rubric.criteria:
            raise InvalidInputError("the rubric has no criteria; give at least one")
        ids = [criterion.id for criterion in rubric.criteria]
        if len(set(ids)) < len(ids):
            raise InvalidInputError(f"the rubric's criteria have the ids {ids}; give each its own")

        async def score(rollout: Rollout) -> Score:
            return _share_met(rollout, rubric, tuple(await judge.judge(rubric, rollout)))

        return await fan_out(score, group.rollouts)


def _share_met(rollout: Rollout, rubric: Rubric, verdicts: tuple[Verdict, ...]) -> Score:
    by_id = {verdict.criterion_id: verdict for verdict in verdicts}
    decided = [by_id[criterion.id].met for criterion in rubric.criteria if criterion.id in by_id]
    met = sum(bool(verdict) for verdict in decided)
    total = len(rubric.criteria)
    if len(decided) == total and None not in decided:
        return Score(
            index=rollout.index,
            value=met / total,
            reasons=(f"it meets {met} of {total} criteria",),
            verdicts=verdicts,
        )
    missing = total - sum(verdict is not None for verdict in decided)
    failure = next((v.failure for v in verdicts if v.failure), None) or Failure(
        kind="MissingVerdict", message="the judge left criteria out"
    )
    return Score(
        index=rollout.index,
        value=None,
        reasons=(f"{missing} of {total} criteria have no verdict",),
        verdicts=verdicts,
        failure=failure,
    )
