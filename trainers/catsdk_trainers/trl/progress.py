"""A line of progress while a trainer works: steps, reward, agreement, held-out accuracy."""

from __future__ import annotations

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
    """Moves a bar on stderr; silent where that is no terminal, and on all ranks but the first."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        """Show the run called `name`."""
        self._console = console or Console(stderr=True)
        self._seen: dict[str, float] = {}
        self._bar = Progress(
            TextColumn(name),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=None, told="")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar."""
        if state.is_world_process_zero:
            self._bar.update(self._task, total=state.max_steps, completed=state.global_step)
            self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move it."""
        self._bar.update(self._task, completed=state.global_step)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Tell the latest numbers beside it."""
        for name, shown in _SHOWN.items():
            value = (logs or {}).get(name)
            if isinstance(value, int | float):
                self._seen[shown] = value
        told = " · ".join(f"{name} {value:.3g}" for name, value in self._seen.items())
        self._bar.update(self._task, told=told)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Leave it as it is."""
        self._bar.stop()
