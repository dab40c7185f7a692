"""How good an answer is: against the gold answer, or the share of criteria that a judge says are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.ports import Judge
from catsdk.core.types import Completion, Failure, Provenance, Rollout, Rubric, Score
from catsdk.equivalence.graders.grader import Grader
from catsdk.equivalence.graders.mathematics import MathGrader
from catsdk.evaluate.items import Item

__all__ = ["BY_MEANING", "ItemGrader"]

BY_MEANING = MathGrader()


@dataclass(frozen=True)
class ItemGrader:
    """Scores texts: 1 or 0 by the gold answer, as `grader` compares; else criteria met over all.

    `judge` says which criteria are met. A text without a final answer is not right: 0. The score is `None`, with its cause, where an
    answer could not be compared, where a verdict is missing, and where the item has neither gold
    answer nor criteria.
    """

    judge: Judge | None = None
    grader: Grader = BY_MEANING

    async def grade(self, item: Item, text: str, answer: str | None) -> Score:
        """Score one text that answers `item`; `answer` is the final answer found in it."""
        if item.gold is not None:
            return await _by_gold((item.gold, *item.also), answer, self.grader)
        if item.criteria and self.judge is not None:
            return await _by_criteria(item, text, self.judge)
        message = "the item has no gold answer, and no criteria with a judge"
        return Score(index=0, value=None, failure=Failure(kind="NotGraded", message=message))


async def _by_gold(accepted: Sequence[str], answer: str | None, grader: Grader) -> Score:
    """Score 1 where one of the accepted answers is given, 0 where all of them are others."""
    if answer is None:
        return Score(index=0, value=0.0, reasons=("it gives no final answer",))
    unknown: Failure | None = None
    for gold in accepted:
        verdict = await grader.grade(answer, gold)
        if verdict.equal:
            return Score(index=0, value=1.0)
        if verdict.equal is None:
            because = ": ".join(part for part in (verdict.cause, verdict.detail) if part)
            message = f"whether {answer!r:.200} equals {gold!r:.200} is unknown ({because})"
            unknown = unknown or Failure(kind="UnknownVerdict", message=message)
    return Score(index=0, value=None if unknown else 0.0, failure=unknown)


async def _by_criteria(item: Item, text: str, judge: Judge) -> Score:
    rubric = Rubric(criteria=item.criteria, provenance=Provenance(method="data set"))
    rollout = Rollout(index=0, completion=Completion(text=text))
    verdicts = tuple(await judge.judge(rubric, rollout))
    missing = next((each for each in verdicts if each.met is None), None)
    if missing is not None:
        failure = missing.failure or Failure(kind="MissingVerdict", message=missing.criterion_id)
        return Score(index=0, value=None, verdicts=verdicts, failure=failure)
    met = sum(bool(each.met) for each in verdicts)
    return Score(index=0, value=met / len(item.criteria), verdicts=verdicts)
