"""The choices of the recipe, all made on the development split, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from examples.lab.corpus import Noise

__all__ = ["JUDGE_MIX", "MIX", "Kind", "Mix", "Recipe"]


@dataclass(frozen=True, slots=True)
class Kind:
    """How many examples of one kind a step has, and what they weigh in the loss."""

    examples: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Mix:
    """How much of each kind of example one step has; synthesis weighs 1 in the loss."""

    solve: Kind = Kind(32)
    synthesis_tokens: int = 5000
    """Size of the synthesis part of a step; the number of examples follows from their length."""
    noisy_share: float = 0.0
    """Share of the synthesis examples that keep to generated noise, and so to all lengths."""
    criteria: Kind = Kind(4, 0.1)
    judge: Kind = Kind(4, 0.1)
    verdict: Kind = Kind(24, 0.5)
    """Judge examples whose quote is given, so that the loss is about what follows from it."""
    compared: bool = False
    """Whether the judge compares digit by digit before its verdict."""


MIX: Final = Mix()
JUDGE_MIX: Final = Mix(
    solve=Kind(24),
    synthesis_tokens=3000,
    noisy_share=0.3,
    criteria=Kind(4, 0.3),
    judge=Kind(16, 0.5),
    verdict=Kind(40),
    compared=True,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes, mixture and schedule of one training run."""

    seed: int = 0
    layers: int = 3
    width: int = 128
    feed_forward: int = 384
    head_dim: int = 32

    steps: int = 1500
    """Optimiser steps on generated noise."""
    own_steps: int = 400
    """Steps after them, whose synthesis examples read the model's own samples."""
    judge_steps: int = 500
    """Last steps, which teach the judge to compare; the rates rise once more, to a part."""
    warmup: int = 50
    decay: float = 0.4
    """Last share of the steps before the judge's, and of those, over which the learning rates
    fall to a fiftieth."""
    judge_rate: float = 0.3
    """Highest learning rates of the judge's steps, as a multiple of those before."""
    matrix_rate: float = 0.03
    """Muon's rate, for the weight matrices of the layers."""
    vector_rate: float = 6e-3
    """AdamW's rate, for embeddings and norms."""
    clip: float = 2.0
    autocast: bool = True
    """Whether matrix products run in bfloat16; weights and sums stay in float32."""

    mix: Mix = MIX
    judge_mix: Mix = JUDGE_MIX

    noise: Noise = field(default_factory=Noise)
    group: int = 8
    """Most rollouts in one synthesis example."""
    easiest: float = 0.3
    """Noise of an easy synthesis example, as a multiple of ``noise``."""
    hardest: float = 1.6
    own_problems: int = 1500
    own_samples: int = 8
    """Samples of the model for each problem of the last stage."""
    pool: int = 60_000
    """Different problems drawn for each of the two teaching splits."""

    save_every: int = 100

    @property
    def taught_steps(self) -> int:
        """Steps before the judge's."""
        return self.steps + self.own_steps

    @property
    def all_steps(self) -> int:
        """Steps of all three stages."""
        return self.taught_steps + self.judge_steps

    def rate_scale(self, step: int) -> float:
        """Warm up, stay, then fall linearly to a fiftieth; again, and lower, for the judge."""
        if step < self.taught_steps:
            return self._hill(step, self.taught_steps)
        return self.judge_rate * self._hill(step - self.taught_steps, self.judge_steps)

    def _hill(self, step: int, steps: int) -> float:
        left = (steps - step) / (self.decay * steps)
        return min(1.0, (step + 1) / self.warmup) * max(0.02, min(1.0, left))
