"""Shuffled: another estimator that sees the rollouts in another order, to find a position bias."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from catsdk.core.types import Group, Reference
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator

__all__ = ["Shuffled"]


@dataclass(frozen=True)
class Shuffled:
    """Gives an estimator the rollouts in another order, to find a position bias.

    An estimator without a position bias answers as it does in the old order (language models often
    do not: Zheng et al., arXiv 2306.05685, section 3.3). The reference's group has the new order;
    rollouts keep their index.

    Args:
        estimator: Makes the reference.
        seed: Draws the order, another for each prompt.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Shuffled
        >>> group = cat.group_of("6*7?", ["a", "b", "c", "d"])
        >>> reference = await Shuffled(cat.Majority(), seed=1).estimate(group)
        >>> sorted(rollout.text for rollout in reference.rollouts)
        ['a', 'b', 'c', 'd']
    """

    estimator: Estimator
    seed: int = 0

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Estimate from the same rollouts in another order; raises what `estimator` raises."""
        async with standing_alone(ctx, group) as context:
            seed = sha256(f"{self.seed}\0{group.prompt!r}".encode()).digest()
            rollouts = list(group.rollouts)
            Random(seed).shuffle(rollouts)
            other = group.model_copy(update={"rollouts": tuple(rollouts)})
            return await self.estimator.estimate(other, context.on(other))
