"""Trained: the result of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Trained"]


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a training run.

    Args:
        output: The folder of the model, its checkpoints and logs.
        steps: The total number of steps.
        history: The log, with a row for each step and, with names `eval_...`, for each evaluation;
            it is also in each checkpoint's `trainer_state.json`.
        stopped_because: Why training ended early; `None` if it did not.
        resumed_from: The checkpoint from which the run was resumed.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.train import Trained
        >>> trained = Trained(Path("run"), steps=2, history=({"reward": 0.4}, {"reward": 0.6}))
        >>> [row["reward"] for row in trained.history]
        [0.4, 0.6]
    """

    output: Path
    steps: int
    history: tuple[Mapping[str, Any], ...]
    stopped_because: str | None = None
    resumed_from: Path | None = None
