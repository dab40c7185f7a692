"""Likelihood: rates a rollout by the mean log-probability of its tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from catsdk.core.display.counting import counted
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Failure, Group, Rollout, Score
from catsdk.estimators.log_probabilities import score_rollouts
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone

__all__ = ["MISSING", "Likelihood", "mean_logprob"]

MISSING = (
    "the rollout has no log-probabilities; sample with Sampling(logprobs=True) from a model that"
    " gives them, or name a model that can score a given text (local, vLLM)"
)


def mean_logprob(completion: Completion) -> float | None:
    """Mean natural log-probability of the tokens; `None` if they are not there."""
    if not completion.logprobs:
        return None
    return math.fsum(token.logprob for token in completion.logprobs) / len(completion.logprobs)


@dataclass(frozen=True)
class Likelihood:
    """Rates rollouts by 1/T sum_t log p(o_t | q, o_<t), in nats a token.

    Source: Wang et al., arXiv 2203.11171, equation 1, whose weight is the exponential of it. A
    rollout without log-probabilities has no score and says so.

    Args:
        model: A `Scorer` (a local model, or vLLM) whose log-probabilities count, also for rollouts
            that came without any: G calls, whose usage is all input. By default those that came
            with the sampled tokens count, and no call is made.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Likelihood
        >>> from catsdk.types import Completion, TokenLogprob
        >>> sampled = Completion(text="42", logprobs=(TokenLogprob(token="42", logprob=-0.5),))
        >>> scores = await Likelihood().rate(cat.group_of("6*7?", [sampled, "41"]))
        >>> [score.value for score in scores]
        [-0.5, None]
    """

    model: str | Provider | None = None

    async def rate(self, group: Group, ctx: Context | None = None) -> list[Score]:
        """Give one score for each rollout, in their order.

        Raises:
            UnsupportedError: `model` cannot score a given text.
        """
        async with standing_alone(ctx, group) as context:
            if self.model is None:
                return [_score(rollout, rollout.completion) for rollout in group.rollouts]
            with recorded("score"):
                scorer = await context.model(self.model)
                results = await score_rollouts(scorer, group.rollouts, lambda _: group.prompt)
            return [_score(*each) for each in zip(group.rollouts, results, strict=True)]


def _score(rollout: Rollout, result: Completion | Failure) -> Score:
    if isinstance(result, Failure):
        return Score(index=rollout.index, value=None, failure=result)
    value = mean_logprob(result)
    if value is None:
        failure = Failure(kind="UnsupportedError", message=MISSING)
        return Score(index=rollout.index, value=None, reasons=(MISSING,), failure=failure)
    reason = f"{value:.4f} nats a token over {counted(len(result.logprobs or ()), 'token')}"
    return Score(index=rollout.index, value=value, reasons=(reason,))
