"""Likelihood: rates a rollout by the mean log-probability of its own tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from catsdk.core.types import Completion, Failure, Group, Rollout, Score

__all__ = ["Likelihood", "mean_logprob"]

MISSING = (
    "the rollout has no log-probabilities; sample with Sampling(logprobs=True) from a model that"
    " gives them"
)


def mean_logprob(completion: Completion) -> float | None:
    """Mean natural log-probability of the sampled tokens; `None` where they are not there."""
    if not completion.logprobs:
        return None
    return math.fsum(token.logprob for token in completion.logprobs) / len(completion.logprobs)


@dataclass(frozen=True)
class Likelihood:
    """Rates rollouts by 1/T sum_t log p(o_t | q, o_<t), in nats a token.

    Source: Wang et al., arXiv 2203.11171, equation 1, whose weight is the exponential of it. The
    log-probabilities are those that came with the sampled tokens. A rollout without them has no
    score and says so.
    """

    async def rate(self, group: Group) -> list[Score]:
        """Give one score for each rollout, in their order."""
        return [_score(rollout) for rollout in group.rollouts]


def _score(rollout: Rollout) -> Score:
    value = mean_logprob(rollout.completion)
    if value is None:
        failure = Failure(kind="UnsupportedError", message=MISSING)
        return Score(index=rollout.index, value=None, reasons=(MISSING,), failure=failure)
    reason = f"{value:.4f} nats a token over {len(rollout.completion.logprobs or ())} tokens"
    return Score(index=rollout.index, value=value, reasons=(reason,))
