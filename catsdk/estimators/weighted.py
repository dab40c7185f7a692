"""WeightedMajority: answers weighed by log-probability, by a judge or by a reward model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError, NoEvidenceError
from catsdk.core.types import Group, Reference, Score
from catsdk.estimators.draws import drawn_class
from catsdk.estimators.selected import candidates, selected
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Rater

__all__ = ["WeightedMajority"]

Weight = Literal["raw", "exp"]


@dataclass(frozen=True)
class WeightedMajority:
    r"""Estimates the reference by a weighted vote: argmax_a sum_i w_i 1[a_i = a].

    With `rater=Likelihood()` and `weight="exp"` w_i is the length-normalised probability exp(1/K
    sum_k log p(t_k)) of Wang et al., arXiv 2203.11171, equation 1. With the scores of a verifier it
    is the weighted vote of Li et al., arXiv 2206.02336, section 3 (`raw`). A rollout without a
    score has no vote and is listed as `unrated`; it never counts as zero.

    Args:
        rater: Rates each rollout.
        weight: What a score weighs: itself (`raw`), or its exponential (`exp`), for scores that may
            be negative, as those of most reward models.
        seed: Settles ties at random.

    Raises:
        InvalidInputError: `weight` is neither of the two.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import WeightedMajority
        >>> class Length:
        ...     async def rate(self, group, ctx):
        ...         return [ctx.score(r, float(len(r.text))) for r in group.rollouts]
        >>> texts = [r"\boxed{41}", r"\boxed{41}", r"6 + 6 + 6 + 6 + 6 + 6 + 6 is \boxed{42}"]
        >>> (await WeightedMajority(Length()).estimate(cat.group_of("6*7?", texts))).answer
        '42'
    """

    rater: Rater
    weight: Weight = "raw"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the word."""
        check_choice("weight", self.weight, get_args(Weight))

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the best-rated rollout of the answer with the largest weight.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout, or none with both an answer and a score.
            InvalidInputError: a score is negative, or no number, where `weight` is `raw`.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            with recorded("rate") as calls:
                scores = await self.rater.rate(group, context)
            weights = self._weights(scores)
            votes = await context.answers.votes(
                [
                    None if weight is None else rollout.answer
                    for rollout, weight in zip(group.rollouts, weights, strict=True)
                ]
            )
            if not votes.classes:
                raise NoEvidenceError(
                    f"none of {counted(len(group.rollouts), 'rollout')} has both an"
                    f" answer and a score: {_cause(scores)}"
                )
            sums = [math.fsum(weights[at] or 0.0 for at in members) for members in votes.classes]
            top = max(sums)
            leaders = [
                members for members, total in zip(votes.classes, sums, strict=True) if total == top
            ]
            first = drawn_class(self.seed, group, leaders)
            best = max(first, key=lambda at: (weights[at] or 0.0, -at))
            return await selected(
                context,
                group.rollouts[best],
                method="weighted majority",
                settings={
                    "weight": self.weight,
                    "votes": [
                        [votes.answers[members[0]], total]
                        for members, total in zip(votes.classes, sums, strict=True)
                    ],
                    "unrated": [
                        rollout.index
                        for rollout, weight in zip(group.rollouts, weights, strict=True)
                        if weight is None
                    ],
                    "tied": len(leaders) > 1,
                },
                calls=calls,
            )

    def _weights(self, scores: Sequence[Score]) -> list[float | None]:
        values = [score.value for score in scores]
        if self.weight == "exp":
            return _exponentials(values)
        for value in values:
            if value is not None and not 0 <= value < math.inf:
                raise InvalidInputError(
                    f"a score is {value}; weights must be finite and not negative: use weight='exp'"
                )
        return values


def _exponentials(values: Sequence[float | None]) -> list[float | None]:
    """Exponentials relative to the largest value, which avoids overflow; a vote is the same."""
    largest = max((value for value in values if value is not None), default=0.0)
    return [None if value is None else math.exp(value - largest) for value in values]


def _cause(scores: Sequence[Score]) -> str:
    failure = next((score.failure for score in scores if score.failure is not None), None)
    return str(failure) if failure is not None else "no rollout has an answer"
