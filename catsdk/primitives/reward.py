"""Reward: a number for each rollout from the reference or the rubric, or `None` with its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from catsdk.core.errors import InvalidInputError
from catsdk.core.fanout import fan_out
from catsdk.core.ports import Judge
from catsdk.core.types import Failure, Group, Reference, Rollout, Rubric, Score, Verdict
from catsdk.equivalence.graders.grader import Grader, grade_all
from catsdk.equivalence.graders.mathematics import MathGrader
from catsdk.equivalence.verdict import Verdict as Sameness
from catsdk.rubrics.scoring import Missing, bounds, score

__all__ = ["BY_MEANING", "Reward"]

BY_MEANING = MathGrader()


@dataclass(frozen=True)
class Reward:
    """Rewards a group (paper, equation 1).

    Without a rubric R(o; s) = 1 where the final answer of o equals that of s, else 0: a rollout
    that gives no final answer did not give the right one. `grader` says when two answers are
    equal: mathematics unless you name another kind of task. Where it cannot tell, the score is
    `unknown_reward`, which is `None` unless you choose a number. With a rubric R(o) is the share of
    its points that `judge` says are achieved; without weights, the share of its K criteria that are
    met. A score is `None`, never 0, where evidence is missing: a rollout that failed, a reference
    without a final answer, verdicts that are missing, unless `missing` allows for some.

    With `stop_early` criteria are judged one after another, for all rollouts at once, until the
    order of the group can no longer change; scores are then those over the criteria judged so far.
    """

    judge: Judge | None = None
    grader: Grader = BY_MEANING
    unknown_reward: float | None = None
    missing: Missing = Missing()
    stop_early: bool = False

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
        if self.stop_early:
            return await self._until_decided(judge, group.rollouts, rubric)

        async def judged(rollout: Rollout) -> Score:
            verdicts = await judge.judge(rubric, rollout)
            return score(rubric, rollout.index, verdicts, self.missing)

        return await fan_out(judged, group.rollouts)

    async def _until_decided(
        self, judge: Judge, rollouts: Sequence[Rollout], rubric: Rubric
    ) -> list[Score]:
        verdicts: list[list[Verdict]] = [[] for _ in rollouts]
        # The heaviest first: they decide soonest.
        criteria = sorted(rubric.criteria, key=lambda each: -abs(each.weight))
        # Of pitfalls alone no score can be made: at least one criterion has positive points.
        asked, least = 0, next((at for at, c in enumerate(criteria, 1) if c.weight > 0), 0)
        while asked < len(criteria) and (
            asked < least or not _decided(rubric, verdicts, self.missing)
        ):
            one = rubric.model_copy(update={"criteria": (criteria[asked],)})
            asked += 1
            new = await fan_out(partial(judge.judge, one), rollouts)
            for known, more in zip(verdicts, new, strict=True):
                known.extend(more)
        part = rubric.model_copy(update={"criteria": tuple(criteria[:asked])})
        scores = [
            score(part, rollout.index, known, self.missing)
            for rollout, known in zip(rollouts, verdicts, strict=True)
        ]
        return [_stopped(each, asked, len(criteria)) for each in scores]


def _decided(rubric: Rubric, verdicts: Sequence[Sequence[Verdict]], missing: Missing) -> bool:
    """Whether no two rollouts can change places, or come to stand level, any more."""
    if len(verdicts) < 2 or not verdicts[0]:
        return False
    whole = [known for known in verdicts if all(verdict.degree is not None for verdict in known)]
    if missing.then == "mean" and len(whole) < len(verdicts):
        return False
    # A rollout that lacks a verdict has no score any more: it takes no place.
    ranges = sorted(bounds(rubric, known) for known in whole)
    return len(ranges) != 1 and all(low[1] < high[0] for low, high in pairwise(ranges))


def _stopped(score: Score, asked: int, total: int) -> Score:
    if asked == total:
        return score
    told = f"judged by {asked} of {total} criteria: the order of the group can no longer change"
    coverage = None if score.coverage is None else score.coverage * asked / total
    update = {"reasons": (*score.reasons, told), "coverage": coverage}
    return score.model_copy(update=update)
