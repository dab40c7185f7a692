"""Preflight: what was measured before a training, and whether it is likely to pay, as one value."""

from __future__ import annotations

from catsdk.core.value import Value
from catsdk_trainers.preflight.consensus import Consensus
from catsdk_trainers.preflight.forecast import Forecast
from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.rule import Answer, Check

__all__ = ["Preflight"]


class Preflight(Value):
    """What a preflight found.

    Args:
        model: The model that is to be trained.
        method: What would reward it.
        rollouts: G, the rollouts of a prompt.
        prompts: How many of the training's prompts were sampled.
        graded: How many prompts with known answers were.
        pays: Whether the training is likely to pay, by the rule.
        checks: The conditions of the rule, with what was found.
        measures: Every sign, by its name.
        consensus: What the probe for a false consensus found.
        forecast: What the training will take.
        partial: Why something is missing, such as a budget that was used up.

    Example:
        >>> from catsdk.train import preflight, preset
        >>> config = preset("box", rollouts={"count": 2, "max_tokens": 8})
        >>> found = preflight(config, prompts=1)
        >>> found.measures["no_answer"].mean  # in eight tokens none comes to an end
        1.0
    """

    model: str
    method: str
    rollouts: int
    prompts: int
    graded: int
    pays: Answer
    checks: tuple[Check, ...]
    measures: dict[str, Measure]
    consensus: Consensus
    forecast: Forecast
    partial: str | None = None
