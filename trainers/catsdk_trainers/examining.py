"""Examiner: how well policy, majority and teacher do on held-out prompts with known answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.errors import CatError
from catsdk.core.ports import Estimator
from catsdk.core.types import Failure, Group, Provenance, Reference
from catsdk.equivalence.evidence import with_evidence
from catsdk.equivalence.extract import gold_answer
from catsdk.equivalence.graders.grader import Grader
from catsdk.rewards.rubric import BY_MEANING, Reward
from catsdk_trainers.scoring import GroupScore, Row, unscored

__all__ = ["Examiner"]


@dataclass(frozen=True)
class Examiner:
    """Measures a group of held-out rollouts; nothing that it says is trained on.

    With a known answer in `column` the measures are accuracies: `policy`, the mean over the
    rollouts; `majority`; `teacher`, the reference that `estimator` makes of them (synthesis on top
    of the policy); and `lead`, teacher minus policy. The rollouts' scores are whether they are
    right. Without one, the scores say which rollouts agree with the teacher and there is no
    accuracy. `agreement` is there in any case. What could not be compared is not counted.
    """

    estimator: Estimator
    column: str = "answer"
    grader: Grader = BY_MEANING

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Estimate the reference of `group` and compare all with the known answer."""
        reference: Reference | None = None
        cause: Failure | None = None
        try:
            reference = await self.estimator.estimate(group)
        except CatError as error:
            cause = Failure.of(error)
        gold = row.get(self.column)
        if not isinstance(gold, str):
            return await self._without_answer(group, reference, cause)
        answer = gold_answer(gold)
        known = with_evidence(
            Reference(text=gold, answer=answer, group=group, provenance=Provenance(method="gold"))
        )
        scores = await Reward(grader=self.grader).reward(group, known)
        measures = {"agreement": known.agreement, "policy": _mean([s.value for s in scores])}
        measures["majority"] = await self._right(known.majority, answer)
        if reference is not None:
            measures["teacher"] = await self._right(reference.answer, answer)
            measures["lead"] = _difference(measures["teacher"], measures["policy"])
        return GroupScore(group, scores, reference, None, cause, _there(measures))

    async def _without_answer(
        self, group: Group, reference: Reference | None, cause: Failure | None
    ) -> GroupScore:
        if reference is None:
            return unscored(group, cause or Failure(kind="NoReference", message="none"))
        scores = await Reward(grader=self.grader).reward(group, reference)
        return GroupScore(
            group, scores, reference, None, cause, _there({"agreement": reference.agreement})
        )

    async def _right(self, answer: str | None, gold: str) -> float | None:
        """1 or 0, where a missing answer is not right; `None` where the two cannot be compared."""
        if answer is None:
            return 0.0
        equal = (await self.grader.grade(answer, gold)).equal
        return None if equal is None else float(equal)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _difference(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _there(measures: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if value is not None}
