"""RandomChoice: any rollout, the control that every selector has to beat."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.core.types import Group, Reference
from catsdk.estimators.draws import lots
from catsdk.estimators.selected import candidates, selected
from catsdk.runtime.context import Context, standing_alone

__all__ = ["RandomChoice"]


@dataclass(frozen=True)
class RandomChoice:
    """Selects a rollout uniformly at random; its expected accuracy is that of a single sample.

    The choice depends on `seed`, the prompt and the indices of the rollouts, so that a run can be
    repeated and prompts do not share their luck. No call is made.
    """

    seed: int = 0

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take one rollout.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            in_order = sorted(group.rollouts, key=lambda rollout: rollout.index)
            chosen = lots(self.seed, "choice", group).choice(in_order)
            return await selected(
                context, chosen, method="random choice", settings={"seed": self.seed}
            )
