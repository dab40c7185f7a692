"""The arms of the laboratory on a real model, and how long each unit trains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from examples.lab.units import Training

__all__ = ["ARMS", "MAX_TOKENS", "PLANS", "Plan"]

ARMS: Final = ("cat", "majority", "random", "gold", "sft")
MAX_TOKENS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Training):
    """How long a unit trains, and how many held-out questions evaluate it."""

    temperature: float = 0.7
    rank: int = 16
    trained: int
    """Training questions of each kind."""
    synthesized: int
    """How many of the first held-out questions the initial policy also synthesizes answers for."""
    sft_questions: int


# One prompt per step, so that a unit takes minutes; the rate is the adapters', as all other weights
# are frozen.
_FULL: Final = Plan(
    steps=60, every=10, prompts=1, rate=2e-4, trained=70, evaluated=40, synthesized=64,
    sft_questions=120, sft_batch=8, sft_epochs=2.0,
)  # fmt: skip

PLANS: Final = {
    "full": _FULL,
    "tiny": replace(
        _FULL, steps=2, every=1, group=4, trained=4, evaluated=2, synthesized=2, sft_questions=4,
        sft_batch=2,
    ),
}  # fmt: skip
"""`tiny` only checks that everything runs; its results mean nothing."""
