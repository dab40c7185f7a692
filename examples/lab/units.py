"""The units of the laboratory, an arm and a seed each, and how much work one is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from examples.lab.others import OTHERS

__all__ = [
    "ARMS",
    "COMPARED",
    "MAX_TOKENS",
    "PLANS",
    "Plan",
    "Training",
    "Unit",
    "file_of",
    "is_done",
    "units",
]

COMPARED: Final = ("cat", "ttrl", "gold", "random", "sft")
ARMS: Final = (*COMPARED, "cat-current", "rubric", *OTHERS)
"""`rubric` asks a judge for each criterion and rollout, so it has a smaller plan of its own."""
MAX_TOKENS: Final = 112
"""More than the longest solution needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How long a unit trains and how it is measured, here or in the laboratory on a real model."""

    steps: int
    prompts: int
    """Prompts of one step, each with `group` rollouts."""
    group: int = 8
    rate: float
    every: int
    """Steps between two checkpoints, and between two measurements where there are any."""
    evaluated: int
    """Held-out questions; where they are of several kinds, of each."""
    sft_batch: int
    sft_epochs: float


P = TypeVar("P", bound=Training)
P_co = TypeVar("P_co", bound=Training, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Training):
    """How long a unit trains, and on how many held-out problems it is measured."""

    steps: int = 90
    prompts: int = 16
    rate: float = 6e-4
    kl: float = 0.0
    problems: int | None = None
    """Different problems in training, seen again and again; `None`: new ones in every step."""
    every: int = 15
    evaluated: int = 250
    longer: int = 50
    """Held-out problems longer than any in training."""
    sft_problems: int = 400
    sft_batch: int = 32
    sft_rate: float = 4e-4
    sft_epochs: float = 4.0


@dataclass(frozen=True, slots=True)
class Unit(Generic[P_co]):
    """One arm with one seed, here or in the laboratory on a real model."""

    arm: str
    seed: int
    plan: P_co

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.arm}-{self.seed}"


PLANS: Final = {
    "full": Plan(),
    "short": Plan(steps=24, every=12, evaluated=150, longer=0),
    # For the seeds that went wrong: the same, but held near the initial policy.
    "kl": Plan(kl=0.05),
    # What rises may fall later: over three times as long.
    "long": Plan(steps=300, every=25),
    # With few problems a policy may learn the problems.
    "long-32": Plan(steps=300, every=25, problems=32),
    "long-1000": Plan(steps=300, every=25, problems=1000),
    "rubric": Plan(steps=20, prompts=8, every=10, evaluated=150, longer=0),
}


def file_of(unit: Unit[Training], out: Path) -> Path:
    """The JSON of a unit in the folder `out`."""
    return out / f"{unit.name}.json"


def is_done(unit: Unit[Training], out: Path) -> bool:
    """Whether the JSON of this very unit is in the folder `out`."""
    file = file_of(unit, out)
    return file.exists() and json.loads(file.read_text("utf-8"))["unit"] == asdict(unit)


def units(plan: P, arms: tuple[str, ...], seeds: int) -> list[Unit[P]]:
    """All units, seed after seed, so that what is ended early has seen every arm."""
    return [Unit(arm, seed, plan) for seed in range(seeds) for arm in arms]
