"""RandomChoice: any rollout, the control that every selector has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from catsdk.aggregators.selected import selected
from catsdk.core.types import Group, Reference
from catsdk.equivalence.evidence import no_evidence

__all__ = ["RandomChoice"]


@dataclass(frozen=True)
class RandomChoice:
    """Selects a rollout uniformly at random; its expected accuracy is that of a single sample.

    The choice depends on `seed`, the prompt and the indices of the rollouts, so that a run can be
    repeated and prompts do not share their luck. No call is made.
    """

    seed: int = 0

    async def estimate(self, group: Group) -> Reference:
        """Take one rollout.

        Raises:
            NoEvidenceError: the group has no rollout.
        """
        if not group.rollouts:
            raise no_evidence(group)
        indices = [rollout.index for rollout in group.rollouts]
        seed = sha256(f"{self.seed}\0{group.prompt!r}\0{indices}".encode()).digest()
        chosen = Random(seed).choice(group.rollouts)
        return selected(group, chosen, method="random choice", settings={"seed": self.seed})
