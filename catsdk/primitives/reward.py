"""Reward: a number for each rollout from the reference or the rubric, or `None` with its cause."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.ports import Judge
from catsdk.core.types import Failure, Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.equivalence.graders.grader import Grader, grade_all
from catsdk.equivalence.graders.mathematics import MathGrader
from catsdk.equivalence.verdict import Verdict as Sameness

__all__ = ["BY_MEANING", "Reward"]

BY_MEANING = MathGrader()


@dataclass(frozen=True)
class Reward:
    """Rewards a group (paper, equation 1).

    Without a rubric R(o; s) = 1 where the final answer of o equals that of s, else 0: a rollout
    that gives no final answer did not give the right one. `grader` says when two answers are
    equal: mathematics unless you name another kind of task. With a rubric R(o) is the share of its
    K criteria that `judge` says are met, unweighted. A score is `None`, never 0, where evidence is
    missing: a rollout that failed, a reference without a final answer, a missing verdict. Where the
    grader cannot tell, it is `unknown_reward`, which is `None` unless you choose a number.
    """

    judge: Judge | None = None
    grader: Grader = BY_MEANING
    unknown_reward: float | None = None

    async def reward(
        self, group: Group, reference: Reference, rubric: Rubric | None = None
    ) -> tuple[Score, ...]:
        """Give one score for each of the G rollouts asked for, failed ones too, by their index.

        Raises:
            InvalidInputError: a rubric is given, but no judge or no criterion.
        """
        if rubric is None:
            scores = await self._by_answer(group, reference)
        else:
            scores = await self._by_rubric(group, rubric)
        failed = [
            Score(index=index, value=None, reasons=("the rollout failed",), failure=failure)
            for index, failure in group.failures.items()
        ]
        return tuple(sorted([*scores, *failed], key=lambda score: score.index))

    async def _by_answer(self, group: Group, reference: Reference) -> list[Score]:
        if reference.answer is None:
            message = "the reference has no final answer; reward by a rubric instead"
            failure = Failure(kind="NoReferenceAnswer", message=message)
            return [
                Score(index=rollout.index, value=None, reasons=(message,), failure=failure)
                for rollout in group.rollouts
            ]
        answers = [rollout.answer for rollout in group.rollouts if rollout.answer is not None]
        verdicts = iter(await grade_all(answers, reference.answer, self.grader))
        return [
            Score(index=rollout.index, value=0.0, reasons=("it gives no final answer",))
            if rollout.answer is None
            else self._score(rollout, reference.answer, next(verdicts))
            for rollout in group.rollouts
        ]

    def _score(self, rollout: Rollout, wanted: str, verdict: Sameness) -> Score:
        equal = verdict.equal
        if equal is not None:
            relation = "equals" if equal else "differs from"
            reason = f"its answer {rollout.answer} {relation} the reference's {wanted}"
            return Score(index=rollout.index, value=float(equal), reasons=(reason,))
        because = ": ".join(part for part in (verdict.cause, verdict.detail) if part)
        reason = f"whether its answer {rollout.answer} equals the reference's {wanted} is unknown"
        failure = Failure(kind="UnknownVerdict", message=f"{reason} ({because})")
        return Score(
            index=rollout.index, value=self.unknown_reward, reasons=(reason,), failure=failure
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
