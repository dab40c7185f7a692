"""Trained: what a training run did, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Trained"]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run did.

    `history` holds what was logged, a row a step, and a row an evaluation with the names `eval_...`;
    both are also in each checkpoint's `trainer_state.json`. `stopped_because` is the early stop's
    reason, `resumed_from` the checkpoint that the run went on from. The model is in `output`.
    """

    output: Path
    steps: int
    history: tuple[Mapping[str, Any], ...]
    stopped_because: str | None = None
    resumed_from: Path | None = None
