"""`catsdk batch`: the method on many rows, kept as it goes, and continued where it was stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import anyio
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from catsdk.batch import PRODUCTS, Plan, Progress, Summary, run
from catsdk.cat import CaT
from catsdk.cli.destinations import check_folder
from catsdk.cli.methods import client_for, client_of, described
from catsdk.cli.options import Anchor, Column, Count, OfRows, taking
from catsdk.cli.progress import Tally, cost_of
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import CallEnded, CallStarted, Event
from catsdk.core.settings import Settings
from catsdk.data import Columns
from catsdk.data.sources import FORMS
from catsdk.rewards.answer import AnswerReward
from catsdk.rewards.rubric import RubricReward
from catsdk.sampling.sampler import Sampler

__all__ = ["batch"]

DONE, FAILED, PARTIAL, STOPPED = 0, 1, 3, 130
MINUTE = 60.0
REWARDS = {"answer": AnswerReward, "rubric": RubricReward}

Data = Annotated[str, typer.Argument(help=f"{FORMS}; or requests for OpenAI's batch API.")]
Out = Annotated[Path, typer.Option(help="Folder of the results; the same command goes on there.")]
RewardName = Annotated[
    Literal["answer", "rubric"] | None,
    typer.Option(help="What rewards the rollouts, where no --config says it."),
]
Produce = Annotated[str, typer.Option(help=f"What a row becomes: {', '.join(PRODUCTS)}.")]
MaxRequests = Annotated[int | None, typer.Option(help="Most requests of all starts together.")]
MaxUsd = Annotated[float | None, typer.Option(help="Most US dollars of all starts together.")]
Longest = Annotated[int, typer.Option(min=1, help="Most characters of a prompt.")]
RetryFailed = Annotated[
    bool, typer.Option(help="Work again on rows that failed or were cut short.")
]
Ordered = Annotated[bool, typer.Option(help="Write the results in the order of the rows.")]
OutFormat = Annotated[Literal["jsonl", "parquet"], typer.Option(help="Form of the results.")]
Shard = Annotated[int, typer.Option(min=1, help="Records in one file of results.")]


@dataclass(frozen=True, kw_only=True)
class Asked(OfRows):
    """What `catsdk batch` is asked."""

    data: Data
    out: Out
    anchor: Anchor = None
    reward: RewardName = None
    produce: Produce = "reference"
    n: Count = 8
    id_column: Column = None
    max_requests: MaxRequests = None
    max_usd: MaxUsd = None
    longest: Longest = 1_000_000
    retry_failed: RetryFailed = False
    ordered: Ordered = False
    format: OutFormat = "jsonl"
    shard: Shard = 10_000


@taking(Asked)
def batch(asked: Asked) -> None:
    """Make references, rewards or training data of many rows; stop and go on at any time."""
    check_folder("--out", asked.out)
    chosen = (
        asked.model,
        asked.anchor,
        asked.reward,
        asked.seed,
        asked.temperature,
        asked.max_tokens,
    )
    if asked.config is not None and any(each is not None for each in chosen):
        raise InvalidInputError(
            "--config describes the method, so --model, --anchor, --reward, --seed, --temperature"
            " and --max-tokens cannot be given too"
        )
    c = (
        _capped(described(asked.config), asked.max_in_flight)
        if asked.config is not None
        else _made(
            asked.model,
            asked.anchor,
            asked.reward,
            Sampler(None, asked.sampling, asked.seed),
            asked.max_in_flight,
        )
    )
    columns = Columns(prompt=asked.prompt_column, id=asked.id_column)
    plan = Plan(c, n=asked.n, produces=asked.produce, columns=columns, longest=asked.longest)
    sight = _Sight()
    console = Console(stderr=True, emoji=False)

    async def work() -> Summary:
        with sight.bar:
            return await run(
                asked.data,
                asked.out,
                plan,
                budget=asked.budget,
                retry_failed=asked.retry_failed,
                limit=asked.limit,
                ordered=asked.ordered,
                format=asked.format,
                shard=asked.shard,
                on_progress=sight.on_progress,
                on_event=sight.on_event,
            )

    try:
        summary = anyio.run(work)
    except KeyboardInterrupt:
        console.print(
            f"stopped. What was answered is kept in {escape(str(asked.out))}: the same command goes"
            " on from there, and pays for what is missing alone."
        )
        raise typer.Exit(STOPPED) from None
    typer.echo(f"{summary}; {cost_of(summary.usage)} · {asked.out}")
    code, why = _ended(summary, asked.out)
    if why is not None:
        console.print(f"[bold red]{escape(why)}[/]")
    raise typer.Exit(code)


def _capped(method: CaT, max_in_flight: int | None) -> CaT:
    return CaT(
        method.sampler,
        estimator=method.estimator,
        reward=method.rewarder,
        answers=method.answers,
        client=client_of(method, None, max_in_flight),
    )


def _made(
    model: list[str] | None,
    anchor: str | None,
    reward: str | None,
    sampler: Sampler,
    max_in_flight: int | None,
) -> CaT:
    usual = Settings()
    models = [*(model or ()), *([] if model else [usual.model]), anchor or usual.anchor]
    client = client_for(None, max_in_flight, models)
    rewarder = None if reward is None else REWARDS[reward]()
    policy = replace(sampler, policy=tuple(model) if model else None)
    return CaT(policy, estimator=anchor, reward=rewarder, client=client)


def _ended(summary: Summary, out: Path) -> tuple[int, str | None]:
    if summary.waiting:
        return PARTIAL, (
            f"partial: the budget left {summary.waiting:,} rows. The same command goes on with a"
            " larger one."
        )
    lost = summary.failed + summary.refused
    if not lost and not summary.partial:
        return DONE, None
    code = PARTIAL if summary.ok or summary.partial else FAILED
    again = "; --retry-failed works on those again" if summary.failed or summary.partial else ""
    return code, f"{lost + summary.partial:,} rows are not whole: see {out / 'failed.jsonl'}{again}"


class _Sight:
    """A progress bar; where stderr is no terminal, a line a minute."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, emoji=False)
        self.tally = Tally()
        self.bar = Bar(
            TextColumn("rows"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=None, counts="")
        self.began = self.told = time.monotonic()
        self.before: int | None = None

    def on_event(self, event: Event) -> None:
        if isinstance(event, CallStarted | CallEnded):
            self.tally.add(event)

    def on_progress(self, progress: Progress) -> None:
        if self.before is None:
            self.before = progress.done
        self.bar.update(
            self.task,
            total=progress.rows,
            completed=progress.done,
            counts=str(self.tally),
        )
        if not self.console.is_terminal and time.monotonic() - self.told >= MINUTE:
            self.told = time.monotonic()
            self.console.print(self._line(progress), highlight=False, soft_wrap=True)

    def _line(self, progress: Progress) -> str:
        seconds = time.monotonic() - self.began
        rate = (progress.done - (self.before or 0)) / seconds
        left = (progress.rows - progress.done) / rate if rate else None
        failed = progress.outcomes.get("failed", 0)
        parts = [
            f"{progress.done:,} of {progress.rows:,} rows",
            f"{rate:.2f} a second",
            *([f"{failed:,} failed"] if failed else []),
            str(self.tally),
            *([f"{left / MINUTE:,.0f} min left"] if left is not None else []),
        ]
        return " · ".join(parts)
