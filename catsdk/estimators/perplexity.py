"""MinPerplexity: the rollout that a model finds least surprising."""

from __future__ import annotations

import math
from dataclasses import dataclass

from catsdk.core.display.counting import counted
from catsdk.core.errors import NoEvidenceError, UnsupportedError
from catsdk.core.ports import Provider
from catsdk.core.types import Group, Reference
from catsdk.estimators.likelihood import MISSING, Likelihood
from catsdk.estimators.selected import candidates, selected
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone

__all__ = ["MinPerplexity"]

# `exp` of a larger number overflows.
MOST = 700.0


@dataclass(frozen=True)
class MinPerplexity:
    """Selects argmin_i exp(-1/T sum_t log p(o_i,t | q, o_i,<t)): the least perplexity.

    Source: the min-perplexity baseline of CaT, arXiv 2509.14234, section 4. Rollouts without
    log-probabilities are listed as `unrated` and cannot be selected. Ties go to the earlier
    rollout.

    Args:
        model: A `Scorer` (a local model, or vLLM) whose log-probabilities count: G calls. By
            default those that came with the sampled tokens count, and no call is made.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import MinPerplexity
        >>> from catsdk.types import Completion, TokenLogprob
        >>> def sampled(text, logprob):
        ...     return Completion(text=text, logprobs=(TokenLogprob(token=text, logprob=logprob),))
        >>> group = cat.group_of("6*7?", [sampled("41", -2.0), sampled("42", -0.1)])
        >>> (await MinPerplexity().estimate(group)).text
        '42'
    """

    model: str | Provider | None = None

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the rollout of the least perplexity.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout, or no call brought a score.
            UnsupportedError: no rollout has log-probabilities, or `model` cannot score a text.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            with recorded("rate") as calls:
                scores = await Likelihood(self.model).rate(group, context)
            means = {at: each.value for at, each in enumerate(scores) if each.value is not None}
            if not means and self.model is None:
                raise UnsupportedError(MISSING, capability="logprobs")
            if not means:
                raise NoEvidenceError(
                    f"none of {counted(len(scores), 'rollout')} could be scored:"
                    f" {scores[0].failure}"
                )
            best = max(means, key=lambda at: (means[at], -at))
            return await selected(
                context,
                group.rollouts[best],
                method="min-perplexity",
                settings={
                    "perplexities": {
                        str(group.rollouts[at].index): math.exp(min(-mean, MOST))
                        for at, mean in means.items()
                    },
                    "unrated": [r.index for at, r in enumerate(group.rollouts) if at not in means],
                },
                calls=calls,
                model=calls[0].model if calls else "",
            )
