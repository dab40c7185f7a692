"""Greedy: one new answer at temperature zero, the baseline that needs no group."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.answers.answers import no_evidence
from catsdk.core.options import Sampling
from catsdk.core.types import Group, Reference
from catsdk.estimators.selected import selected
from catsdk.runtime import roles
from catsdk.runtime.context import Context, standing_alone
from catsdk.sampling.sampler import Sampler

__all__ = ["Greedy"]


@dataclass(frozen=True)
class Greedy:
    r"""Ignores the rollouts and answers the prompt once more, greedily.

    The baseline beside which the CaT paper (arXiv 2509.14234, section 4) and others set their
    numbers. The reference's group is the one new rollout, so that its cost is that of one answer.

    Args:
        sampler: Draws the answer; by default the policy at temperature 0.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Greedy
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: r"\boxed{42}")
        >>> result = await cat.CaT(policy, estimator=Greedy()).run("6*7?", n=2)
        >>> result.answer, len(result.reference.rollouts)
        ('42', 1)
    """

    sampler: roles.Sampler = Sampler(sampling=Sampling(temperature=0.0))

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Answer the group's prompt anew.

        Raises:
            NoEvidenceError: the call failed; the message has the cause.
        """
        async with standing_alone(ctx, group) as context:
            own = await self.sampler.sample(group.prompt, 1, context.quiet())
            if not own.rollouts:
                raise no_evidence(own)
            return await selected(context.on(own), own.rollouts[0], method="greedy", settings={})
