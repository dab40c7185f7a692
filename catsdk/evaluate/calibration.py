"""Chooses the confidence and the threshold of a cascade on items that are held out for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Reference, Usage
from catsdk.core.value import Value
from catsdk.estimators import Adaptive, Cascade, Majority
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.observations import Seen
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator

__all__ = ["Calibration", "Setting", "calibrate"]

CONFIDENCES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0)
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)


Z = 1.96

_Outcome = tuple[float | None, float]
"""Score and tokens of one item."""


class Setting(Value):
    """A cascade's setting, and how it did on the items to calibrate on.

    Args:
        confidence: The confidence at which its first stage stops.
        threshold: The agreement below which it asks the hard estimator.
        score: The mean score of an item.
        tokens: The mean tokens of an item.
        low: The lower bound of the 95 % interval of its score minus that of the hard estimator
            alone on the same items (normal approximation of the paired difference).

    Example:
        >>> from catsdk.evaluate import Setting
        >>> Setting(confidence=0.9, threshold=0.7, score=0.61, tokens=300, low=-0.005).threshold
        0.7
    """

    confidence: float
    threshold: float
    score: float
    tokens: float
    low: float


class Calibration(Value):
    """The setting that was chosen, and all that were tried.

    Chosen is the cheapest setting that loses less than `margin` with some confidence: whose `low`
    is above -`margin`. The cheapest that is merely as good on these items would be too cheap on
    others: among many settings some look good by chance.

    Args:
        items: The number of items.
        size: G, the number of rollouts that the hard estimator had.
        score: The mean score of the hard estimator alone.
        tokens: The mean tokens of an item with the hard estimator alone.
        margin: What a setting might lose.
        chosen: The setting that was chosen.
        tried: All settings.

    Example:
        >>> from catsdk.evaluate import Calibration, Setting
        >>> best = Setting(confidence=0.9, threshold=0.7, score=0.6, tokens=300, low=-0.005)
        >>> found = Calibration(
        ...     items=9, size=8, score=0.6, tokens=450, margin=0.01, chosen=best, tried=(best,)
        ... )
        >>> found.chosen.tokens < found.tokens
        True
    """

    items: int
    size: int
    score: float
    tokens: float
    margin: float
    chosen: Setting
    tried: tuple[Setting, ...]


@dataclass(frozen=True)
class _Known:
    """An estimator that returns a reference made before."""

    reference: Reference

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        return self.reference


async def calibrate(
    seen: Sequence[Seen],
    ctx: Context | None = None,
    *,
    hard: str = "synthesis",
    margin: float = 0.01,
    confidences: Sequence[float] = CONFIDENCES,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Calibration:
    """Choose the cheapest cascade that loses less than `margin` against `hard`, from what was seen.

    Each setting is `Cascade(Adaptive(Majority(), confidence), hard, threshold)`. No call is made:
    what `hard` answers from the largest group is known. Use other items to measure the result.

    Args:
        seen: What an experiment saw of the items to calibrate on.
        ctx: Its `answers` compare answers; by default by meaning.
        hard: The name of the contender that the cascade falls back on.
        margin: The score that a setting may lose.
        confidences: The settings of the first stage that are tried.
        thresholds: The settings of the cascade that are tried.

    Raises:
        InvalidInputError: no item has a reference of `hard` and a known answer.

    Returns:
        The setting, and all that were tried.

    Example:
        >>> from catsdk.evaluate import Evaluation, Sweep, calibrate, item_of
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: "The answer is 4.")
        >>> evaluation = Evaluation([policy], names=("synthesis",), sweep=Sweep(sizes=(4,)))
        >>> _, seen = await evaluation.run([item_of("2+2?", "4")], title="Sums", data="one")
        >>> (await calibrate(seen)).chosen.score
        1.0
    """
    cases = [each for each in seen if each.item.accepted and each.references.get(hard)]
    if not cases:
        raise InvalidInputError(
            f"no item to calibrate on has both a gold answer and a reference by {hard!r}"
        )
    size = max(max(each.references[hard]) for each in cases)
    cases = [each for each in cases if size in each.references[hard]]
    known = [_Known(each.references[hard][size]) for each in cases]
    async with standing_alone(ctx) as context:
        alone = [
            await _outcome(case, each, None, context)
            for case, each in zip(cases, known, strict=True)
        ]
        tried = [
            await _try(cases, known, alone, Adaptive(Majority(), confidence), threshold, context)
            for confidence, threshold in product(confidences, thresholds)
        ]
    good = [each for each in tried if each.low > -margin]
    # If no setting is good enough, choose the one with the best bound.
    best = (
        min(good, key=_preference) if good else min(tried, key=lambda s: (-s.low, *_preference(s)))
    )
    return Calibration(
        items=len(cases),
        size=size,
        score=_mean([score for score, _ in alone]),
        tokens=_mean([tokens for _, tokens in alone]),
        margin=margin,
        chosen=best,
        tried=tuple(tried),
    )


def _preference(setting: Setting) -> tuple[float, ...]:
    return (setting.tokens, -setting.score, -setting.threshold, -setting.confidence)


async def _try(
    cases: Sequence[Seen],
    known: Sequence[_Known],
    alone: Sequence[_Outcome],
    easy: Estimator,
    threshold: float,
    ctx: Context,
) -> Setting:
    """Measure one setting against the hard estimator alone."""
    made = [
        await _outcome(case, hard, Cascade(easy, hard, threshold), ctx)
        for case, hard in zip(cases, known, strict=True)
    ]
    both = [
        score - other
        for (score, _), (other, _) in zip(made, alone, strict=True)
        if score is not None and other is not None
    ]
    if not both:
        raise InvalidInputError("none of the answers to the items to calibrate on could be graded")
    mean = math.fsum(both) / len(both)
    spread = math.fsum((each - mean) ** 2 for each in both) / max(1, len(both) - 1)
    return Setting(
        confidence=getattr(easy, "confidence", 1.0),
        threshold=threshold,
        score=_mean([score for score, _ in made]),
        tokens=_mean([tokens for _, tokens in made]),
        low=mean - Z * math.sqrt(spread / len(both)),
    )


async def _outcome(case: Seen, hard: _Known, cascade: Cascade | None, ctx: Context) -> _Outcome:
    """Score and tokens of the cascade, or of the hard estimator alone, on one item."""
    reference = hard.reference
    if cascade is not None:
        group = hard.reference.group
        reference = await cascade.estimate(group, ctx.on(group))
    asked = cascade is None or reference.provenance.settings["cascade"] == "hard"
    score = await ItemGrader().grade(case.item, reference.text, reference.answer, ctx)
    return score.value, _tokens(reference, hard.reference if asked else None)


def _mean(values: Sequence[float | None]) -> float:
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else math.nan


def _tokens(reference: Reference, asked: Reference | None) -> float:
    rollouts = Usage.total(rollout.completion.usage for rollout in reference.rollouts)
    calls = Usage.total(call.usage for call in asked.calls) if asked is not None else Usage()
    return rollouts.tokens + calls.tokens
