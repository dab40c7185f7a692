"""Forecast: the calls, cost and time of the whole training, projected from a preflight."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.value import Value
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.preflight.looking import Looked

__all__ = ["Forecast"]


class Forecast(Value):
    """What a training will take.

    Args:
        rollouts: Rollouts of all steps.
        rollout_tokens: Their tokens; `None` where the policy does not count them.
        requests: Calls of anchor and judge, evaluations on held-out prompts included.
        tokens: Tokens of these calls.
        usd: Their price; `None` where a price is unknown.
        hours: Sampling and scoring, as fast as it went here; the optimiser's own passes come on top
            and were not measured.

    Example:
        >>> from catsdk.train import Forecast
        >>> Forecast(
        ...     rollouts=80, rollout_tokens=None, requests=20, tokens=4000, usd=None, hours=0.1
        ... ).requests
        20.0
    """

    rollouts: int
    rollout_tokens: float | None
    requests: float
    tokens: float
    usd: float | None
    hours: float

    @classmethod
    def of(cls, config: CaTConfig, looked: Sequence[Looked], held_out: int) -> Forecast:
        """Scale up what groups took.

        Args:
            config: The training.
            looked: What was sampled and scored here.
            held_out: How many held-out prompts each evaluation asks.

        Returns:
            The same for all steps and evaluations.
        """
        seen = sum(len(each.seen) for each in looked)
        trained = config.steps * config.prompts_of_a_step
        every = config.evaluation.every
        times = (config.steps // every + config.evaluation.at_start) if every else 0
        groups = trained + times * held_out
        costs = [each.usage.cost for each in looked]
        lengths = [one.tokens for each in looked for one in each.seen if one.tokens is not None]
        rollouts = trained * config.rollouts.count
        each_group = groups / seen
        return cls(
            rollouts=rollouts,
            rollout_tokens=rollouts * sum(lengths) / len(lengths) if lengths else None,
            requests=each_group * sum(each.usage.requests for each in looked),
            tokens=each_group * sum(each.usage.tokens for each in looked),
            usd=None
            if any(cost is None for cost in costs)
            else each_group * sum(cost or 0.0 for cost in costs),
            hours=each_group * sum(each.sampling + each.scoring for each in looked) / 3600,
        )
