"""MinPerplexity: the rollout that its own model finds least surprising."""

from __future__ import annotations

import math
from dataclasses import dataclass

from catsdk.aggregators.likelihood import MISSING, mean_logprob
from catsdk.aggregators.selected import selected
from catsdk.core.errors import UnsupportedError
from catsdk.core.types import Group, Reference
from catsdk.equivalence.evidence import no_evidence

__all__ = ["MinPerplexity"]


@dataclass(frozen=True)
class MinPerplexity:
    """Selects argmin_i exp(-1/T sum_t log p(o_i,t | q, o_i,<t)): the least mean negative log-likelihood.

    Source: the min-perplexity baseline of CaT, arXiv 2509.14234, section 4. The log-probabilities
    are those that came with the sampled tokens. Rollouts without them are listed as `unrated` and
    cannot be selected. Ties go to the earlier rollout. No call is made.
    """

    async def estimate(self, group: Group) -> Reference:
        """Take the rollout of the least perplexity.

        Raises:
            NoEvidenceError: the group has no rollout.
            UnsupportedError: no rollout has log-probabilities.
        """
        if not group.rollouts:
            raise no_evidence(group)
        means = {
            at: mean
            for at, rollout in enumerate(group.rollouts)
            if (mean := mean_logprob(rollout.completion)) is not None
        }
        if not means:
            raise UnsupportedError(MISSING, capability="logprobs")
        best = max(means, key=lambda at: (means[at], -at))
        return selected(
            group,
            group.rollouts[best],
            method="min-perplexity",
            settings={
                "perplexities": {
                    str(group.rollouts[at].index): math.exp(-mean) for at, mean in means.items()
                },
                "unrated": [r.index for at, r in enumerate(group.rollouts) if at not in means],
            },
        )
