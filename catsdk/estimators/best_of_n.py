"""BestOfN: the rollout that a judge or a reward model rates highest."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.display.counting import counted
from catsdk.core.errors import NoEvidenceError
from catsdk.core.types import Group, Reference
from catsdk.estimators.draws import drawn_class
from catsdk.estimators.selected import candidates, selected
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Rater

__all__ = ["BestOfN"]


@dataclass(frozen=True)
class BestOfN:
    r"""Selects argmax_i r(q, o_i) under a rater r.

    Source: best-of-n with a verifier, Cobbe et al., arXiv 2110.14168, section 4. A rollout without
    a score is listed as `unrated` and cannot be selected.

    Args:
        rater: Rates each rollout: `Grading()`, `Likelihood()`, or a reward model of yours.
        seed: Settles ties, which grades from 0 to 10 often make, at random.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import BestOfN, Grading
        >>> from catsdk.testing import FunctionProvider
        >>> def grade(request):
        ...     right = "{42}" in request.messages[-1].text
        ...     return '{"reason": "", "grade": 9}' if right else '{"reason": "", "grade": 2}'
        >>> judge = FunctionProvider(grade)
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{42}"])
        >>> (await BestOfN(Grading(judge)).estimate(group)).answer
        '42'
    """

    rater: Rater
    seed: int = 0

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the rollout with the highest score.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout, or none with a score.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            with recorded("rate") as calls:
                scores = await self.rater.rate(group, context)
            values = {at: score.value for at, score in enumerate(scores) if score.value is not None}
            if not values:
                cause = next((score.failure for score in scores if score.failure), "no cause given")
                raise NoEvidenceError(
                    f"none of {counted(len(scores), 'rollout')} has a score: {cause}"
                )
            top = max(values.values())
            best_ones = [(at,) for at, value in values.items() if value == top]
            (best,) = drawn_class(self.seed, group, best_ones)
            return await selected(
                context,
                group.rollouts[best],
                method="best of n",
                settings={
                    "scores": {
                        str(group.rollouts[at].index): value for at, value in values.items()
                    },
                    "unrated": [r.index for at, r in enumerate(group.rollouts) if at not in values],
                    "tied": len(best_ones) > 1,
                },
                calls=calls,
            )
