"""A line of progress while a trainer works: steps, reward, agreement, held-out accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback

__all__ = ["ShowProgress"]

_SHOWN: Final = {
    "loss": "loss",
    "reward": "reward",
    "cat/agreement": "agreement",
    "cat/scored": "scored",
    "eval_loss": "held-out loss",
    "eval_cat/policy": "held-out",
    "eval_cat/teacher": "teacher",
}


class ShowProgress(TrainerCallback):
    """Moves a bar on stderr; prints a line a step where that is a log or a plain terminal.

    All ranks but the first are silent.
    """

    def __init__(
        self,
        name: str,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show the run called `name`."""
        self._clock = clock
        self._console = console or Console(stderr=True)
        self._name = name
        self._seen: dict[str, float] = {}
        self._plain = not self._console.is_terminal or self._console.is_dumb_terminal
        self._began, self._from = 0.0, 0
        self._bar = Progress(
            TextColumn(name),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=self._plain,
        )
        self._task = self._bar.add_task(name, total=None, told="")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar."""
        self._began, self._from = self._clock(), state.global_step
        if state.is_world_process_zero:
            self._bar.update(self._task, total=state.max_steps, completed=state.global_step)
            self._bar.start()
            if args.eval_on_start:
                # With a slow model this takes minutes, in which nothing else would be printed.
                said = f"{self._name}: asking the held-out prompts before the first step"
                self._console.print(said, markup=False, soft_wrap=True)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count no step's time before the held-out prompts have been asked for the first time."""
        if state.global_step == self._from:
            self._began = self._clock()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move it."""
        self._bar.update(self._task, completed=state.global_step)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Show the latest numbers: beside the bar, or in a line of their own."""
        values = {shown: (logs or {}).get(name) for name, shown in _SHOWN.items()}
        new = {name: value for name, value in values.items() if isinstance(value, int | float)}
        if not new or not state.is_world_process_zero:
            return
        if self._plain:
            at = f"{self._name} step {state.global_step}/{state.max_steps}"
            self._console.print(
                " · ".join([at, _words(new), *self._pace(state)]), markup=False, soft_wrap=True
            )
            return
        self._seen |= new
        self._bar.update(self._task, told=_words(self._seen))

    def _pace(self, state: Any) -> list[str]:
        """The time per step of this run, and the time for the remaining steps."""
        done = state.global_step - self._from
        if done < 1:
            return []
        each = (self._clock() - self._began) / done
        left = timedelta(seconds=round(each * (state.max_steps - state.global_step)))
        return [f"{each:.3g} s a step", f"{left} left"]

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave it as it is."""
        self._bar.stop()


def _words(values: Mapping[str, float]) -> str:
    return " · ".join(f"{name} {value:.3g}" for name, value in values.items())
