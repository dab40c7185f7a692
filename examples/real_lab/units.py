"""The arms of the laboratory on a real model, and how much work a unit is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from examples.lab.units import Training

__all__ = ["ARMS", "MAX_TOKENS", "PLANS", "Plan"]

ARMS: Final = ("cat", "majority", "random", "gold", "sft")
MAX_TOKENS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Training):
    """How long a unit trains, and on how many held-out questions it is measured."""

    steps: int = 60
    prompts: int = 1
    """One, so that a unit takes minutes."""
    temperature: float = 0.7
    rate: float = 2e-4
    """Of the adapters; all other weights stay."""
    rank: int = 16
    every: int = 10
    trained: int = 70
    """Training questions of each kind."""
    evaluated: int = 40
    synthesized: int = 64
    """The first so many held-out questions are given to the initial policy to synthesize, too."""
    sft_questions: int = 120
    sft_batch: int = 8
    sft_epochs: float = 2.0


PLANS: Final = {
    "full": Plan(),
    "tiny": Plan(
        steps=2, every=1, group=4, trained=4, evaluated=2, synthesized=2, sft_questions=4,
        sft_batch=2,
    ),
}  # fmt: skip
"""`tiny` shows that everything runs; it measures nothing."""
