"""Early stop: end training with a checkpoint at a signal, or when the budget is used up."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from catsdk.core.errors import BudgetExceededError
from catsdk_trainers.config.settings import Stop
from catsdk_trainers.trl.ranks import everywhere
from catsdk_trainers.trl.signals import reason_to_stop
from catsdk_trainers.trl.spending import FOLDER, Spending

__all__ = ["BudgetStop", "EarlyStop"]

_LOG = logging.getLogger(__name__)


class EarlyStop(TrainerCallback):
    """Ends training with a checkpoint if `reason_to_stop` gives a reason, kept in `because`."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.because: str | None = None

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Check the log; all ranks stop together."""
        # The row logged after the last step is only a summary.
        if self.because is not None or state.global_step >= state.max_steps:
            return
        reason = reason_to_stop(state.log_history, self._stop)
        self.because = next((each for each in everywhere(reason) if each), None)
        if self.because is not None:
            _LOG.warning("training stops at step %d: %s", state.global_step, self.because)
            control.should_training_stop = control.should_save = True


class BudgetStop(TrainerCallback):
    """Ends training with a checkpoint when its budget is used up; `because` names the cap."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self.because: str | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Continue counting from the spending of earlier starts in the output folder.

        Raises:
            BudgetExceededError: earlier starts used up the budget.
        """
        self._spending.begin(Path(args.output_dir))
        if self._spending.ended is not None:
            raise BudgetExceededError(
                f"{self._spending.ended}, according to {args.output_dir}/{FOLDER}; raise"
                " the training's `budget` to go on from the last checkpoint"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Check the spending of all ranks; they stop together."""
        self._spending.settle()
        self._stop(state, control)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Also stop after an evaluation that used up the rest."""
        self._stop(state, control)

    def _stop(self, state: Any, control: Any) -> None:
        if self._spending.ended is None or state.global_step >= state.max_steps:
            return
        if self.because is None:
            self.because = self._spending.ended
            _LOG.warning("training stops at step %d: %s", state.global_step, self.because)
        control.should_training_stop = control.should_save = True
