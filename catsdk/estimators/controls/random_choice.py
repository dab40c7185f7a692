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
    r"""Selects a rollout uniformly at random; its expected accuracy is that of a single sample.

    The choice depends on `seed`, the prompt and the indices of the rollouts, so that a run can be
    repeated and draws are independent for each prompt. No call is made.

    Args:
        seed: Chooses the draw.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import RandomChoice
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{41}"])
        >>> (await RandomChoice(seed=3).estimate(group)).answer in ("42", "41")
        True
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
