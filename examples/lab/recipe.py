"""The recipe's settings, all chosen on the development split."""

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
    """How many examples of each kind a step has; synthesis has weight 1 in the loss."""

    solve: Kind = Kind(32)
    synthesis_tokens: int = 5000
    """Tokens in the synthesis part of a step; the length of examples determines their number."""
    noisy_share: float = 0.0
    """Share of synthesis examples that still use generated noise, and so cover all lengths."""
    criteria: Kind = Kind(4, 0.1)
    judge: Kind = Kind(4, 0.1)
    verdict: Kind = Kind(24, 0.5)
    """Judge examples whose quote is given, so that the loss covers only what follows it."""
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
    """Steps after those, with the model's own samples in the synthesis examples."""
    judge_steps: int = 500
    """Last steps, which teach the judge to compare; the learning rates rise again, but less."""
    warmup: int = 50
    decay: float = 0.4
    """Share of the steps at the end of each phase (before the judge's steps, and the judge's) in
    which the learning rates fall to a fiftieth."""
    judge_rate: float = 0.3
    """Peak learning rates of the judge's steps, as a multiple of the earlier peak."""
    matrix_rate: float = 0.03
    """Muon's learning rate, for the weight matrices of the layers."""
    vector_rate: float = 6e-3
    """AdamW's learning rate, for embeddings and norms."""
    clip: float = 2.0
    autocast: bool = True
    """Whether matrix products run in bfloat16; weights and sums stay in float32."""

    mix: Mix = MIX
    judge_mix: Mix = JUDGE_MIX

    noise: Noise = field(default_factory=Noise)
    group: int = 8
    """Maximum rollouts in a synthesis example."""
    easiest: float = 0.3
    """Noise of an easy synthesis example, as a multiple of ``noise``."""
    hardest: float = 1.6
    own_problems: int = 1500
    own_samples: int = 8
    """The model's samples per problem, for all stages after the first."""
    pool: int = 60_000
    """Different problems drawn for each of the two teaching splits."""

    save_every: int = 100

    @property
    def taught_steps(self) -> int:
        """Number of steps before the judge's."""
        return self.steps + self.own_steps

    @property
    def all_steps(self) -> int:
        """Number of steps of all three stages."""
        return self.taught_steps + self.judge_steps

    def rate_scale(self, step: int) -> float:
        """Warm up, hold, then fall linearly to a fiftieth; repeat at a lower peak for the judge."""
        if step < self.taught_steps:
            return self._hill(step, self.taught_steps)
        return self.judge_rate * self._hill(step - self.taught_steps, self.judge_steps)

    def _hill(self, step: int, steps: int) -> float:
        left = (steps - step) / (self.decay * steps)
        return min(1.0, (step + 1) / self.warmup) * max(0.02, min(1.0, left))
