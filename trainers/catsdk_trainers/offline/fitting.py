"""Train on ready-made syntheses with one of TRL's trainers, and report the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.offline.pairs import Prepared
from catsdk_trainers.trl.progress import ShowProgress
from catsdk_trainers.trl.resuming import MarkWhole
from catsdk_trainers.trl.stopping import BudgetStop
from catsdk_trainers.trl.trained import Trained

__all__ = ["fit"]


def fit(
    trainer: Any,
    config: CaTConfig,
    ready: Prepared,
    callbacks: Sequence[TrainerCallback],
    *,
    title: str,
    early: str | None = None,
) -> Trained:
    """Train, save the model, and report the result.

    Args:
        trainer: One of TRL's trainers, with its model and rows.
        config: The settings of the training.
        ready: The model, the pairs and the budget.
        callbacks: Further callbacks of the trainer.
        title: The title of the progress bar.
        early: The reason to report if training ends before its last step with budget left.
    """
    trainer.remove_callback(PrinterCallback)
    watch = [BudgetStop(ready.spending)] if ready.spending.budget is not None else []
    for callback in (*watch, *callbacks, ShowProgress(title), MarkWhole()):
        trainer.add_callback(callback)
    at = ready.checkpoint
    trainer.train(resume_from_checkpoint=None if at is None else str(at))
    trainer.save_model(config.output)
    state = trainer.state
    reason = ready.spending.ended
    if reason is None and state.global_step < state.max_steps:
        reason = early
    return Trained(
        Path(config.output),
        state.global_step,
        tuple(state.log_history),
        reason or ready.unfinished,
        at,
    )
