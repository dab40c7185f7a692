"""Forecast: the calls, cost and time of the whole training, extrapolated from a preflight."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.value import Value
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.preflight.looking import Looked

__all__ = ["Forecast"]


class Forecast(Value):
    """The expected calls, cost and time of a training.

    Args:
        rollouts: Rollouts of all steps.
        rollout_tokens: Their tokens; `None` if the policy does not count them.
        requests: Calls to anchor and judge, including evaluations on held-out prompts.
        tokens: Tokens of these calls.
        usd: Their cost in US dollars; `None` if a price is unknown.
        hours: Time for sampling and scoring, at the speed of the preflight; the optimiser's passes,
            which were not measured, come on top.

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
        """Extrapolate from the groups of a preflight.

        Args:
            config: The settings of the training.
            looked: What the preflight sampled and scored.
            held_out: The number of held-out prompts in each evaluation.

        Returns:
            The forecast for all steps and evaluations.
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
