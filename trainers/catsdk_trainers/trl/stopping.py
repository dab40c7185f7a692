"""Early stop: the teacher no longer leads, the policy agrees with itself, the budget is used up."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from catsdk.core.errors import BudgetExceededError
from catsdk_trainers.config.settings import Stop
from catsdk_trainers.trl.ranks import everywhere
from catsdk_trainers.trl.spending import FOLDER, Spending

__all__ = ["BudgetStop", "EarlyStop", "reason_to_stop"]

_LOG = logging.getLogger(__name__)

History = Sequence[Mapping[str, Any]]


def reason_to_stop(history: History, stop: Stop) -> str | None:
    """Say why training should end after `history`, the logged rows, or `None`.

    Only what is logged counts, so that a resumed run decides as one that was never stopped.
    """
    return (
        _no_lead(history, stop)
        or _collapse(history, stop)
        or _constant(history, stop)
        or _no_entropy(history, stop)
    )


def _no_lead(history: History, stop: Stop) -> str | None:
    leads = _values(history, "eval_cat/lead")[-stop.patience :]
    if stop.gap is None or len(leads) < stop.patience or max(leads) >= stop.gap:
        return None
    return f"the teacher leads the policy by {_all(leads)}, under {stop.gap:g}: it has taught all"


def _collapse(history: History, stop: Stop) -> str | None:
    """Each of the last evaluations is worse than the best before, and agrees more than it did."""
    seen = [
        (row["eval_cat/policy"], row["eval_cat/agreement"])
        for row in history
        if row.get("eval_cat/policy") is not None and row.get("eval_cat/agreement") is not None
    ]
    best = max(seen[: -stop.patience], default=None)
    if not stop.collapse or best is None:
        return None
    last = seen[-stop.patience :]
    worse = all(policy < best[0] - stop.fall and agreement > best[1] for policy, agreement in last)
    if not worse:
        return None
    return (
        f"held-out accuracy fell from {best[0]:.3f} to {_all(p for p, _ in last)} while agreement"
        f" rose from {best[1]:.3f} to {_all(a for _, a in last)}: the policy agrees with itself and"
        " not with the truth"
    )


def _constant(history: History, stop: Stop) -> str | None:
    shares = _values(history, "cat/constant")[-stop.patience :]
    if stop.constant is None or len(shares) < stop.patience or min(shares) < stop.constant:
        return None
    return f"{_all(shares)} of different prompts have the same reference answer"


def _no_entropy(history: History, stop: Stop) -> str | None:
    entropies = _values(history, "entropy")[-stop.patience :]
    if stop.entropy is None or len(entropies) < stop.patience or max(entropies) >= stop.entropy:
        return None
    return f"the policy's entropy is {_all(entropies)} nats, under {stop.entropy:g}"


def _values(history: History, name: str) -> list[float]:
    return [float(row[name]) for row in history if row.get(name) is not None]


def _all(values: Any) -> str:
    return ", ".join(f"{value:.3g}" for value in values)


class EarlyStop(TrainerCallback):
    """Ends training with a checkpoint where `reason_to_stop` has one; `because` says which."""

    def __init__(self, stop: Stop) -> None:
        """Watch for the signals of `stop`."""
        self._stop = stop
        self.because: str | None = None

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at what was logged; all ranks stop together."""
        # What is logged after the last step is a summary.
        if self.because is not None or state.global_step >= state.max_steps:
            return
        reason = reason_to_stop(state.log_history, self._stop)
        self.because = next((each for each in everywhere(reason) if each), None)
        if self.because is not None:
            _LOG.warning("training stops at step %d: %s", state.global_step, self.because)
            control.should_training_stop = control.should_save = True


class BudgetStop(TrainerCallback):
    """Ends training with a checkpoint when its budget is used up; `because` says of which cap."""

    def __init__(self, spending: Spending) -> None:
        """Watch what is spent."""
        self._spending = spending
        self.because: str | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Go on counting from what earlier starts in the output folder spent.

        Raises:
            BudgetExceededError: they used up the budget.
        """
        self._spending.begin(Path(args.output_dir))
        if self._spending.ended is not None:
            raise BudgetExceededError(
                f"{self._spending.ended}, by what {args.output_dir}/{FOLDER} says was spent; raise"
                " the training's `budget` to go on from the last checkpoint"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at what all ranks spent; they stop together."""
        self._spending.settle()
        self._stop(state, control)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop after an evaluation that used up what was left, too."""
        self._stop(state, control)

    def _stop(self, state: Any, control: Any) -> None:
        if self._spending.ended is None or state.global_step >= state.max_steps:
            return
        if self.because is None:
            self.because = self._spending.ended
            _LOG.warning("training stops at step %d: %s", state.global_step, self.because)
        control.should_training_stop = control.should_save = True
