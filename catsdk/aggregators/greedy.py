"""Greedy: one new answer at temperature zero, the baseline that needs no group."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.aggregators.selected import selected
from catsdk.core.ports import Sampler
from catsdk.core.types import Group, Reference
from catsdk.equivalence.evidence import no_evidence

__all__ = ["Greedy"]


@dataclass(frozen=True)
class Greedy:
    """Ignores the rollouts and answers the prompt once with `sampler`, whose temperature is 0.

    The baseline beside which the CaT paper (arXiv 2509.14234, section 4) and others set their
    numbers. The reference's group is the one new rollout, so that its cost is that of one answer.
    """

    sampler: Sampler

    async def estimate(self, group: Group) -> Reference:
        """Answer the group's prompt anew.

        Raises:
            NoEvidenceError: the call failed; the message has the cause.
        """
        own = await self.sampler.sample(group.prompt, 1)
        if not own.rollouts:
            raise no_evidence(own)
        return selected(own, own.rollouts[0], method="greedy", settings={})
