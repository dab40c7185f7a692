"""Show the progress of a training: steps, reward, agreement and held-out accuracy."""

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
    """Shows a progress bar on stderr, or a line per step if that is a log or a plain terminal.

    Only the first rank shows anything.
    """

    def __init__(
        self,
        name: str,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
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
        """Start the clock after the evaluation before the first step."""
        if state.global_step == self._from:
            self._began = self._clock()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance the bar."""
        self._bar.update(self._task, completed=state.global_step)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Show the latest numbers, beside the bar or on their own line."""
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
        """The time per step in this run, and the time left."""
        done = state.global_step - self._from
        if done < 1:
            return []
        each = (self._clock() - self._began) / done
        left = timedelta(seconds=round(each * (state.max_steps - state.global_step)))
        return [f"{each:.3g} s a step", f"{left} left"]

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop the bar and leave it on the screen."""
        self._bar.stop()


def _words(values: Mapping[str, float]) -> str:
    return " · ".join(f"{name} {value:.3g}" for name, value in values.items())
