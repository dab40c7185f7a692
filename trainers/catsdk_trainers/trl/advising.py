"""Advice before the first step: whether the training's teacher is better than a majority vote."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from catsdk_trainers.config.settings import Stop
from catsdk_trainers.trl.ranks import everywhere

__all__ = ["CompareWithVote", "below_majority"]

_LOG = logging.getLogger(__name__)
_SIGMAS = 1.96


def below_majority(measured: Mapping[str, Any], prompts: int) -> str | None:
    """Say that the teacher is worse than the majority of the same rollouts; `None` if it is not.

    Args:
        measured: The metrics of an evaluation. On each prompt the difference is -1, 0 or 1, so its
            mean and spread follow from two logged means.
        prompts: How many prompts were evaluated.
    """
    ahead, unlike = (
        measured.get(f"eval_cat/{name}") for name in ("over_majority", "unlike_majority")
    )
    if ahead is None or unlike is None or prompts < 1:
        return None
    spread = _SIGMAS * math.sqrt(max(0.0, unlike - ahead**2) / prompts)
    if ahead + spread >= 0:
        return None
    return (
        f"on {prompts} held-out prompts the teacher is right {measured['eval_cat/teacher']:.0%} of"
        f" the time and the majority of the same rollouts {measured['eval_cat/majority']:.0%}"
        f" ({ahead:+.2f}, 95 % interval {ahead - spread:+.2f} to {ahead + spread:+.2f}): this"
        " training would learn from the worse of the two. Reward by the vote (--set"
        " cat.estimator=Majority), or use a stronger anchor; for one of under about a billion"
        " parameters, Synthesizer: {prompts: small} may help. `catsdk eval` compares them all"
    )


class CompareWithVote(TrainerCallback):
    """Warns, or ends training, if the vote is better than the teacher before the first step."""

    def __init__(self, stop: Stop, prompts: int, *, asks: bool) -> None:
        """Watch the evaluation of `prompts` prompts; `asks`: whether the teacher calls a model."""
        self._stops = stop.below_majority
        self._prompts, self._asks = prompts, asks
        self._compared = False
        self.because: str | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Warn if nothing will be measured."""
        if self._asks and not self._prompts and not state.global_step:
            _LOG.warning(
                "before training: there are no held-out prompts with known answers (`held_out`), so"
                " nothing shows whether the teacher is right more often than the majority of the"
                " same rollouts, which costs no calls; a few dozen are enough"
            )

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Look at the evaluation before the first step; all ranks stop together."""
        if self._compared or state.global_step or "eval_cat/teacher" not in (logs or {}):
            return
        self._compared = True
        found = below_majority(logs or {}, self._prompts)
        because = next((each for each in everywhere(found) if each), None)
        if because is None:
            return
        _LOG.warning("before training: %s", because)
        if self._stops:
            self.because = because
            control.should_training_stop = True
