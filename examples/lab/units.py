"""The units of the laboratory, an arm and a seed each, and how much work one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["ARMS", "COMPARED", "MAX_TOKENS", "PLANS", "Plan", "Unit", "units"]

P = TypeVar("P")

COMPARED: Final = ("cat", "ttrl", "gold", "random", "sft")
ARMS: Final = (*COMPARED, "rubric")
"""`rubric` asks a judge for each criterion and rollout, so it has a smaller plan of its own."""
MAX_TOKENS: Final = 112
"""More than the longest solution needs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a unit trains, and on how many held-out problems it is measured."""

    steps: int = 90
    prompts: int = 16
    """Prompts of one step, each with `group` rollouts."""
    group: int = 8
    rate: float = 6e-4
    kl: float = 0.0
    every: int = 15
    """Steps between two measurements, and between two checkpoints."""
    evaluated: int = 250
    longer: int = 50
    """Held-out problems longer than any in training."""
    sft_problems: int = 400
    sft_batch: int = 32
    sft_rate: float = 4e-4
    sft_epochs: float = 4.0


@dataclass(frozen=True, slots=True)
class Unit(Generic[P]):
    """One arm with one seed, here or in the laboratory on a real model."""

    arm: str
    seed: int
    plan: P

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.arm}-{self.seed}"


PLANS: Final = {
    "full": Plan(),
    "short": Plan(steps=24, every=12, evaluated=150, longer=0),
    "rubric": Plan(steps=20, prompts=8, every=10, evaluated=150, longer=0),
}


def units(plan: P, arms: tuple[str, ...], seeds: int) -> list[Unit[P]]:
    """All units, seed after seed, so that what is ended early has seen every arm."""
    return [Unit(arm, seed, plan) for seed in range(seeds) for arm in arms]
