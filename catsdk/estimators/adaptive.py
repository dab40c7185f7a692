"""Adaptive: an estimator over the rollouts that adaptive sampling would have drawn."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.types import Group, Reference
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator
from catsdk.sampling.adaptive import check_confidence, settled

__all__ = ["Adaptive"]


@dataclass(frozen=True)
class Adaptive:
    r"""Gives `estimator` only the rollouts that adaptive sampling would have drawn.

    Source: adaptive-consistency, Aggarwal et al., arXiv 2305.11860, section 3.2. Rollouts count in
    their order. The reference's group holds the rollouts that were used, so that its cost is
    theirs. To draw no more than needed in the first place, use `AdaptiveSampler` with the same
    confidence.

    Args:
        estimator: Makes the reference of the rollouts that are used.
        confidence: How sure the leading answer must be, over 0.5 and at most 1; at 1 drawing ends
            only when it can no longer be overtaken.

    Raises:
        InvalidInputError: `confidence` is out of range.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Adaptive
        >>> group = cat.group_of("6*7?", [r"\boxed{42}"] * 16)
        >>> len((await Adaptive(cat.Majority()).estimate(group)).rollouts)
        4
    """

    estimator: Estimator
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a confidence that would stop at a tie."""
        check_confidence(self.confidence)

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Estimate from the first rollouts; raises what `estimator` raises."""
        async with standing_alone(ctx, group) as context:
            used = await self._prefix(group, context)
            reference = await self.estimator.estimate(used, context.on(used))
        settings = {**reference.provenance.settings, "drawn": len(used.rollouts)}
        provenance = reference.provenance.model_copy(
            update={"settings": settings | {"confidence": self.confidence}}
        )
        return reference.model_copy(update={"provenance": provenance})

    async def _prefix(self, group: Group, ctx: Context) -> Group:
        total = len(group.rollouts)
        for size in range(1, total):
            rollouts = group.rollouts[:size]
            votes = await ctx.answers.votes([rollout.answer for rollout in rollouts])
            if settled(votes, total - size, self.confidence):
                return group.model_copy(update={"rollouts": rollouts})
        return group
