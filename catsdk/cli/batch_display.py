"""What `catsdk batch` shows: its progress, as a bar or a line a minute, and its estimate."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isinf

from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from catsdk.batch import Estimate, Progress, Range
from catsdk.cli.progress import COUNTS, Tally, bar, cost_of
from catsdk.core.display.counting import counted
from catsdk.core.events import CallEnded, CallStarted, Event

__all__ = ["BatchDisplay", "estimate_table"]

MINUTE = 60.0


class BatchDisplay:
    """A progress bar; where the console is not a terminal, a line a minute."""

    def __init__(self, console: Console, n: int | None = None) -> None:
        """Start at zero; with `n`, the rollouts of a row, the amount of work is announced first."""
        self.console, self.n = console, n
        self.tally = Tally()
        self.bar = bar("{task.description}", TextColumn(COUNTS), console=console)
        self.task = self.bar.add_task("reading", total=None, counts="")
        self.began = self.last_line = time.monotonic()
        self.before = 0

    def on_event(self, event: Event) -> None:
        """Count a call that began or ended."""
        if isinstance(event, CallStarted | CallEnded):
            self.tally.add(event)

    def on_progress(self, progress: Progress) -> None:
        """Show how far the run is."""
        if progress.phase == "reading":
            # Rows that were done before this run say nothing about its rate.
            self.before, self.began = progress.done, time.monotonic()
            self.bar.update(self.task, completed=progress.rows)
        else:
            if progress.phase == "working" and self.n is not None:
                self.console.print(_to_do(progress, self.n), highlight=False, soft_wrap=True)
                self.n = None
            self.bar.update(
                self.task,
                description="rows" if progress.phase == "working" else "writing",
                total=progress.rows,
                completed=progress.done,
                counts=self._counts(progress),
            )
        if not self.console.is_terminal and time.monotonic() - self.last_line >= MINUTE:
            self.last_line = time.monotonic()
            self.console.print(self._line(progress), highlight=False, soft_wrap=True)

    def _rate(self, progress: Progress) -> float:
        return (progress.done - self.before) / max(1e-9, time.monotonic() - self.began)

    def _counts(self, progress: Progress) -> str:
        failed = progress.outcomes.get("failed", 0)
        lost = [f"{failed:,} failed"] if failed else []
        return " · ".join([f"{self._rate(progress):.2f} a second", *lost, str(self.tally)])

    def _line(self, progress: Progress) -> str:
        if progress.phase != "working":
            return f"{progress.phase}: {counted(progress.rows, 'row')}"
        rate = self._rate(progress)
        parts = [f"{progress.done:,} of {counted(progress.rows, 'row')}", self._counts(progress)]
        if rate:
            minutes = (progress.rows - progress.done) / rate / MINUTE
            parts.append(f"{minutes:,.0f} min left")
        return " · ".join(parts)


def _to_do(progress: Progress, n: int) -> str:
    """The amount of work ahead, without the answers that are kept from an earlier run."""
    rows = progress.rows - progress.done
    if not rows:
        return f"nothing to do: all {counted(progress.rows, 'row')} are done or invalid"
    done = f" ({progress.done:,} of {progress.rows:,} done or invalid)" if progress.done else ""
    kept = min(progress.kept, rows * n)
    before = f" {kept:,} of {rows * n:,} answers are kept from before," if kept else ""
    more = "more answer" if kept else "answer"
    return (
        f"{counted(rows, 'row')} to do{done}, {counted(n, 'rollout')} each:{before} at most"
        f" {counted(rows * n - kept, more)} to sample, plus the calls of estimator and reward"
    )


def estimate_table(estimate: Estimate, n: int) -> Table:
    """A table of the stages of the remaining rows, each with its tokens and its cost.

    Args:
        estimate: The estimate to show.
        n: The number of rollouts of a row.
    """
    table = Table(
        title=f"{counted(estimate.rows, 'row')} left with {counted(n, 'rollout')} each, estimated"
        f" from {estimate.probes:,} that were processed",
        caption=f"Paid so far: {cost_of(estimate.paid)}, {counted(estimate.paid.tokens, 'token')}.",
    )
    table.add_column("stage")
    for name in ("requests", "input tokens", "output tokens", "cost"):
        table.add_column(name, justify="right")
    for stage in estimate.stages:
        share = "" if stage.price_share == 1 else f" (at {stage.price_share:.0%} of the list price)"
        table.add_row(
            stage.stage + share,
            _count(stage.requests),
            _count(stage.input_tokens),
            _count(stage.output_tokens),
            _price(stage.cost),
        )
    table.add_row("all", "", "", f"total: {_count(estimate.tokens)}", _price(estimate.cost))
    return table


def _count(range: Range) -> str:
    return _shown(range, lambda value: f"{value:,.0f}")


def _price(range: Range | None) -> str:
    return "unknown" if range is None else _shown(range, lambda value: f"${value:,.4f}")


def _shown(range: Range, one: Callable[[float], str]) -> str:
    if range.low == range.high:
        return one(range.expected)
    high = "no bound" if isinf(range.high) else one(range.high)
    return f"{one(range.expected)} ({one(range.low)} to {high})"
