"""Turns verdicts into a score: points achieved over points possible, with missing verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from catsdk.core.display.counting import counted
from catsdk.core.options import Options
from catsdk.core.types import Failure, Rubric, Score, Verdict

__all__ = ["Missing", "bounds", "failures_of", "points", "score"]


class Missing(Options):
    """What a rubric reward is where verdicts are missing; never 0 for a failure.

    Args:
        then: `none` (the default) is no reward; `mean` is the score over the criteria that were
            judged. The score shows their share as its coverage.
        at_least: The share of judged criteria, over 0 and at most 1, that `mean` asks for.

    Raises:
        InvalidInputError: an option is unknown or out of its range.

    Example:
        >>> from catsdk import RubricReward
        >>> from catsdk.rewards import Missing
        >>> RubricReward(missing=Missing(then="mean", at_least=0.9)).missing
        Missing(then='mean', at_least=0.9)
    """

    then: Literal["none", "mean"] = "none"
    at_least: float = Field(default=0.8, gt=0, le=1)


def points(rubric: Rubric, verdicts: Iterable[Verdict]) -> float | None:
    """Points achieved over positive points possible, over the criteria that have a verdict.

    This is HealthBench's rule for one response (arXiv 2505.08775), not clipped: pitfalls that are
    met take off their points. Without weights it is the share that is met (paper, section 3.3).
    `None` if no criterion with positive points has a verdict.
    """
    degrees = {verdict.criterion_id: verdict.degree for verdict in verdicts}
    possible = achieved = 0.0
    for criterion in rubric.criteria:
        degree = degrees.get(criterion.id)
        if degree is not None:
            possible += max(0.0, criterion.weight)
            achieved += criterion.weight * degree
    return achieved / possible if possible > 0 else None


def bounds(rubric: Rubric, verdicts: Iterable[Verdict]) -> tuple[float, float]:
    """The lowest and the highest achieved points that open verdicts still allow."""
    degrees = {verdict.criterion_id: verdict.degree for verdict in verdicts}
    low = high = 0.0
    for criterion in rubric.criteria:
        degree = degrees.get(criterion.id)
        low += criterion.weight * degree if degree is not None else min(0.0, criterion.weight)
        high += criterion.weight * degree if degree is not None else max(0.0, criterion.weight)
    return low, high


def score(
    rubric: Rubric, index: int, verdicts: Sequence[Verdict], missing: Missing = Missing()
) -> Score:
    """The reward of rollout `index` by the rubric, clipped to 0..1, or `None` with the cause."""
    by_id = {verdict.criterion_id: verdict for verdict in verdicts}
    judged = [v for c in rubric.criteria if (v := by_id.get(c.id)) and v.degree is not None]
    total = len(rubric.criteria)
    coverage = len(judged) / total if total else 0.0
    base = Score(index=index, value=None, verdicts=tuple(verdicts), coverage=coverage)
    open_ = total - len(judged)
    if open_ and not (missing.then == "mean" and coverage >= missing.at_least):
        has = "has" if open_ == 1 else "have"
        told = f"{open_} of {counted(total, 'criterion', 'criteria')} {has} no verdict"
        return base.model_copy(update={"reasons": (told,), "failure": _cause(verdicts)})
    value = points(rubric, judged)
    if value is None:
        message = "no criterion with positive points was judged, so nothing can be achieved"
        failure = Failure(kind="NoPositiveCriterion", message=message)
        return base.model_copy(update={"reasons": (message,), "failure": failure})
    clipped = min(1.0, max(0.0, value))
    return base.model_copy(update={"value": clipped, "reasons": _reasons(rubric, judged, open_)})


def failures_of(scores: Iterable[Score]) -> Counter[str]:
    """How often each kind of failure left a rollout, or a criterion of one, without an answer."""
    kinds: Counter[str] = Counter()
    for each in scores:
        lost = [verdict.failure for verdict in each.verdicts if verdict.failure is not None]
        own = [each.failure] if each.failure is not None and not lost else []
        kinds.update(failure.kind for failure in [*lost, *own])
    return kinds


def _cause(verdicts: Iterable[Verdict]) -> Failure:
    left_out = Failure(kind="MissingVerdict", message="the judge left criteria out")
    return next((v.failure for v in verdicts if v.degree is None and v.failure), left_out)


def _reasons(rubric: Rubric, judged: Sequence[Verdict], open_: int) -> tuple[str, ...]:
    degrees = {verdict.criterion_id: verdict.degree or 0.0 for verdict in judged}
    met = sum(degrees.values())
    told = [f"it meets {met:g} of {counted(len(rubric.criteria), 'criterion', 'criteria')}"]
    if any(criterion.weight != 1 for criterion in rubric.criteria):
        within = [criterion for criterion in rubric.criteria if criterion.id in degrees]
        achieved = sum(criterion.weight * degrees[criterion.id] for criterion in within)
        possible = sum(max(0.0, criterion.weight) for criterion in within)
        told.append(f"which is {achieved:g} of {possible:g} points")
    if open_:
        told.append(
            "1 has no verdict and is left out"
            if open_ == 1
            else f"{open_} have no verdict and are left out"
        )
    return tuple(told)
