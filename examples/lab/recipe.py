"""The choices of the recipe, all made on the development split, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field

from examples.lab.corpus import Noise

__all__ = ["Recipe"]


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
    """Last steps, whose synthesis examples read the model's own samples."""
    warmup: int = 50
    decay: float = 0.4
    """Last share of all steps, over which the learning rates fall to a fiftieth."""
    matrix_rate: float = 0.03
    """Muon's rate, for the weight matrices of the layers."""
    vector_rate: float = 6e-3
    """AdamW's rate, for embeddings and norms."""
    clip: float = 2.0
    autocast: bool = True
    """Whether matrix products run in bfloat16; weights and sums stay in float32."""

    solve_examples: int = 32
    synthesis_tokens: int = 5000
    """Size of the synthesis part of a step; the number of examples follows from their length."""
    criteria_examples: int = 4
    criteria_weight: float = 0.1
    judge_examples: int = 4
    judge_weight: float = 0.1
    verdict_examples: int = 24
    verdict_weight: float = 0.5

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
    def all_steps(self) -> int:
        """Steps of both stages."""
        return self.steps + self.own_steps
