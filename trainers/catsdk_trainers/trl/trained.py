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

    Args:
        output: The folder of the model, its checkpoints and logs.
        steps: How many steps were done in all.
        history: What was logged, a row a step, and a row an evaluation with the names `eval_...`;
            both are also in each checkpoint's `trainer_state.json`.
        stopped_because: Why training ended early; `None` if it did not.
        resumed_from: The checkpoint that the run went on from.

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
