"""The progress bar of commands: rollouts done, tokens, cost, 429s and calls in flight."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import (
    CallEnded,
    CallStarted,
    EstimationStarted,
    Event,
    RolloutArrived,
    RolloutFailed,
    line_of,
)
from catsdk.core.types import Usage

__all__ = ["COUNTS", "CallProgress", "Tally", "bar", "cost_of", "shown"]

COUNTS = "{task.fields[counts]}"
RATE_LIMITED = 429


@dataclass
class Tally:
    """The totals of the calls so far."""

    usage: Usage = field(default_factory=Usage)
    in_flight: int = 0
    rate_limited: int = 0

    def add(self, event: CallStarted | CallEnded) -> None:
        """Count a call that began or ended."""
        if isinstance(event, CallStarted):
            self.in_flight += 1
            return
        self.in_flight -= 1
        self.usage += event.call.usage
        failure = event.call.failure
        self.rate_limited += failure is not None and failure.status == RATE_LIMITED

    def __str__(self) -> str:
        """The counts in a few words."""
        parts = [counted(self.usage.tokens, "token"), cost_of(self.usage)]
        parts += [f"{self.rate_limited} x 429"] if self.rate_limited else []
        return " · ".join([*parts, f"{self.in_flight} in flight"])


@dataclass
class CallProgress:
    """A progress bar that a client's events move; silent if stderr is not a terminal."""

    progress: Progress
    total: int
    tally: Tally = field(default_factory=Tally)
    lines: TextIO | None = None

    def __post_init__(self) -> None:
        """Add the bar, at zero."""
        self.bar = self.progress.add_task("sampling", total=self.total, counts="")

    def on_event(self, event: Event) -> None:
        """Show an event, and write it to the file if there is one."""
        if isinstance(event, CallStarted | CallEnded):
            self.tally.add(event)
            self.progress.update(self.bar, counts=str(self.tally))
        elif isinstance(event, RolloutArrived | RolloutFailed):
            self.progress.advance(self.bar)
        elif isinstance(event, EstimationStarted):
            self.progress.update(self.bar, description="synthesizing")
        if self.lines is not None:
            self.lines.write(line_of(event) + "\n")


def bar(description: str, *counts: ProgressColumn, console: Console | None = None) -> Progress:
    """A progress bar that disappears when done; silent if its console is not a terminal.

    Args:
        description: The text before the bar.
        counts: Columns after the number of items that are done.
        console: Where it is shown; by default on stderr.
    """
    console = console or Console(stderr=True, emoji=False)
    return Progress(
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        *counts,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def shown(total: int, events: Path | None = None) -> Generator[CallProgress]:
    """Show a progress bar that a client's events move; write them to `events`, one a line.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    progress = bar("{task.description}", TextColumn(COUNTS))
    try:
        opened = nullcontext() if events is None else events.open("w", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"--events {events} cannot be written: {error}") from error
    with opened as lines, progress:
        yield CallProgress(progress, total, lines=lines)


def cost_of(usage: Usage) -> str:
    """The cost in US dollars, or that it is not known."""
    return "cost unknown" if usage.cost is None else f"${usage.cost:.4f}"
