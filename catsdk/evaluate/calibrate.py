"""Chooses confidence and threshold of a cascade on items that are kept apart for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from catsdk.aggregators import Adaptive, Cascade, Majority
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Reference, Usage, Value
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.observations import Seen

__all__ = ["Calibration", "Setting", "calibrate"]

CONFIDENCES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0)
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0)


class Setting(Value):
    """A cascade's setting on the calibration items: mean score and mean tokens an item."""

    confidence: float
    threshold: float
    score: float
    tokens: float


class Calibration(Value):
    """The setting that was chosen, and all that were tried.

    `score` and `tokens` are those of the hard estimator alone on the same `items`. Chosen is the
    cheapest setting whose mean score is at most `margin` below it.
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
    """An estimator that gives the reference which was made before."""

    reference: Reference

    async def estimate(self, group: Group) -> Reference:
        return self.reference


async def calibrate(
    seen: Sequence[Seen],
    *,
    hard: str = "synthesis",
    margin: float = 0.0,
    confidences: Sequence[float] = CONFIDENCES,
    thresholds: Sequence[float] = THRESHOLDS,
) -> Calibration:
    """Choose the cheapest cascade that keeps the score of `hard`, from what was seen already.

    Each setting is `Cascade(Adaptive(Majority(), confidence), hard, threshold)`. No call is made:
    what `hard` answers from the largest group is known. Use other items to measure the result.

    Raises:
        InvalidInputError: no item has a reference of `hard` and a gold answer.
    """
    cases = [each for each in seen if each.item.gold is not None and each.references.get(hard)]
    if not cases:
        raise InvalidInputError(f"no item to calibrate on has a gold answer and {hard!r}")
    size = max(max(each.references[hard]) for each in cases)
    cases = [each for each in cases if size in each.references[hard]]
    known = [_Known(each.references[hard][size]) for each in cases]
    whole = await _try(cases, known, 1.0, None)
    tried = [
        await _try(cases, known, confidence, threshold)
        for confidence, threshold in product(confidences, thresholds)
    ]
    good = [each for each in tried if each.score >= whole.score - margin - 1e-12]
    # Among equally cheap ones the better, then the more cautious one. None is as good as `hard`
    # where it never gives way: then that is the closest.
    best = min(good or tried, key=lambda s: _preference(s) if good else (-s.score, *_preference(s)))
    return Calibration(
        items=len(cases),
        size=size,
        score=whole.score,
        tokens=whole.tokens,
        margin=margin,
        chosen=best,
        tried=tuple(tried),
    )


def _preference(setting: Setting) -> tuple[float, ...]:
    return (setting.tokens, -setting.score, -setting.threshold, -setting.confidence)


async def _try(
    cases: Sequence[Seen], known: Sequence[_Known], confidence: float, threshold: float | None
) -> Setting:
    """Measure one setting; without a threshold the hard estimator alone."""
    scores: list[float] = []
    tokens: list[int] = []
    for case, hard in zip(cases, known, strict=True):
        group = hard.reference.group
        reference = hard.reference
        if threshold is not None:
            easy = Adaptive(Majority(), confidence)
            reference = await Cascade(easy, hard, threshold).estimate(group)
        asked = threshold is None or reference.provenance.settings["cascade"] == "hard"
        score = await ItemGrader().grade(case.item, reference.text, reference.answer)
        if score.value is None:
            continue
        scores.append(score.value)
        tokens.append(_tokens(reference, hard.reference if asked else None))
    if not scores:
        raise InvalidInputError("no answer of the items to calibrate on could be graded")
    return Setting(
        confidence=confidence,
        threshold=1.0 if threshold is None else threshold,
        score=sum(scores) / len(scores),
        tokens=sum(tokens) / len(tokens),
    )


def _tokens(reference: Reference, asked: Reference | None) -> int:
    rollouts = Usage.total(rollout.completion.usage for rollout in reference.rollouts)
    calls = Usage.total(call.usage for call in asked.calls) if asked is not None else Usage()
    return rollouts.tokens + calls.tokens
