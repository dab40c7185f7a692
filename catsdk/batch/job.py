"""Runs a method over many rows, so that it can be stopped, killed and started again at any time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from anyio import CancelScope, to_thread

from catsdk.batch.folder import Folder
from catsdk.batch.plan import Plan
from catsdk.batch.rows import BatchRow, Refused, rows_of
from catsdk.batch.shards import SHARD, Format, Shards
from catsdk.batch.state import RowState, States, check_unchanged
from catsdk.batch.summary import Summary
from catsdk.batch.work import Worker
from catsdk.core.errors import CatError, InvalidInputError
from catsdk.core.events import Event
from catsdk.core.sending import Budget
from catsdk.core.types import Usage
from catsdk.data import Source
from catsdk.runs.ledger import Ledger, paid
from catsdk.runs.store import RunStore
from catsdk.runtime.spending.account import Account, Amount

__all__ = ["Progress", "run"]

CHUNK = 200


@dataclass
class Progress:
    """How far a batch is.

    Args:
        rows: The rows that were read.
        done: Those of them that are done or refused.
        outcomes: How many rows ended how in this start.

    Example:
        >>> from catsdk.batch import Progress
        >>> Progress(rows=10, done=4).outcomes
        {}
    """

    rows: int = 0
    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])


Stated: TypeAlias = tuple[BatchRow | Refused, RowState | None]
OnProgress = Callable[[Progress], None]


async def run(
    source: Source,
    out: str | Path,
    plan: Plan,
    *,
    budget: Budget | None = None,
    retry_failed: bool = False,
    limit: int | None = None,
    ordered: bool = False,
    format: Format = "jsonl",
    shard: int = SHARD,
    on_progress: OnProgress = lambda _: None,
    on_event: Callable[[Event], None] | None = None,
) -> Summary:
    """Make something of each row of a data set; the same call goes on where one was stopped.

    Answers are in `out` before they are used, so that none is paid for twice, whenever the process
    is killed. All rows are read and checked before the first is sent.

    Args:
        source: The rows, see `catsdk.data.read_rows`; or requests for OpenAI's batch API.
        out: The folder of results, fixed to one plan.
        plan: What is made of each row, and by which method.
        budget: Caps on what all starts together consume; `seconds` are those of this start.
        retry_failed: Whether rows that failed or were cut short before are worked on again.
        limit: The most rows that are read.
        ordered: Whether the output has the order of the rows, and these rows alone; else it has
            everything in the folder, in the order in which rows ended.
        format: `jsonl` or `parquet`.
        shard: Records in one file of the output.
        on_progress: Hears of each row that ended.
        on_event: Hears of each step of each row.

    Returns:
        What became of the rows; the same stands in `out/manifest.json`.

    Raises:
        InvalidInputError: there is no such data set, a row was edited under its old id, or `out`
            belongs to another plan.
        ConfigurationError: a model cannot be made, the disk is full, or another process works in
            `out`.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.batch import Plan, run
        >>> plan = Plan(cat.CaT("local", estimator=cat.Majority()), n=2)
        >>> summary = await run(["12+34", "56+7"], "out", plan, budget=cat.Budget(requests=100))
        >>> print(summary)
        2 rows: 2 ok; 2 records
    """
    _check_source(source)
    folder = Folder(Path(out), plan)
    async with RunStore(folder.store) as store:
        spent = await paid(store)
        await to_thread.run_sync(partial(folder.claim, empty=not spent.requests))
        job = _Job(source, plan, limit, States(store), on_progress, retry_failed)
        await job.check()
        sending = plan.cat.client.sending
        ledger = Ledger(store, sending.prices, unkept=2 * sending.limits.in_flight)
        account = _account(budget, spent)

        async def finished() -> Summary:
            shards = await to_thread.run_sync(Shards, folder.path, format, shard)
            return await job.finish(folder, shards, ordered=ordered)

        try:
            async with copy(plan.cat) as c:
                await job.work(Worker(c, plan, ledger, job.states, account, on_event))
        except BaseException:
            # What is there is written out; why the run ended matters more than whether that works.
            with CancelScope(shield=True), suppress(CatError):
                await finished()
            raise
        return await finished()


def _check_source(source: Source) -> None:
    if isinstance(source, Iterator):
        raise InvalidInputError(
            f"the rows are a {type(source).__name__}, which can be read once, and a batch reads"
            " them several times; give a list, or write them to a file and give its name"
        )


def _account(budget: Budget | None, spent: Usage) -> Account | None:
    """An account that earlier starts have drawn from."""
    if budget is None:
        return None
    account = Account(budget)
    account.charge(spent.requests, Amount(spent.tokens, spent.cost or 0.0))
    return account


@dataclass
class _Job:
    source: Source
    plan: Plan
    limit: int | None
    states: States
    on_progress: OnProgress
    retry_failed: bool
    progress: Progress = field(default_factory=Progress)

    async def check(self) -> None:
        """Read every row once, before anything is paid for."""
        async with aclosing(self._rows()) as rows:
            async for row, state in rows:
                self.progress.rows += 1
                if isinstance(row, BatchRow):
                    check_unchanged(row, state)
                self.progress.done += isinstance(row, Refused) or not self._wanted(state)
        self.on_progress(self.progress)

    async def work(self, worker: Worker) -> None:
        """Work on the rows that are not done."""
        async with aclosing(worker.over(self._pending(worker))) as outcomes:
            async for outcome in outcomes:
                told = self.progress.outcomes
                told[outcome] = told.get(outcome, 0) + 1
                self.progress.done += outcome != "waiting"
                self.on_progress(self.progress)

    async def _pending(self, worker: Worker) -> AsyncGenerator[tuple[BatchRow, RowState | None]]:
        async with aclosing(self._rows()) as rows:
            async for row, state in rows:
                if worker.stopped:
                    return
                if isinstance(row, BatchRow) and self._wanted(state):
                    yield row, state

    def _wanted(self, state: RowState | None) -> bool:
        return state is None or (self.retry_failed and state.outcome != "ok")

    async def finish(self, folder: Folder, shards: Shards, *, ordered: bool) -> Summary:
        """Write the results, and count the rows by what is kept."""
        counts = dict.fromkeys(("ok", "partial", "failed", "refused", "waiting"), 0)
        failures = await to_thread.run_sync(folder.failures)
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for row, state in chunk:
                    counts[_outcome(row, state)] += 1
                await to_thread.run_sync(failures.add_all, list(_failed_in(chunk)))
                if ordered:
                    ids = [row.id for row, _ in chunk if isinstance(row, BatchRow)]
                    await to_thread.run_sync(shards.add_all, await self.states.products_of(ids))
        await to_thread.run_sync(failures.finish)
        if not ordered:
            async with aclosing(self.states.products()) as products:
                async for records in products:
                    await to_thread.run_sync(shards.add_all, records)
        files = await to_thread.run_sync(shards.finish)
        usage = await paid(self.states.store)
        summary = Summary(**counts, records=shards.count, usage=usage)
        await to_thread.run_sync(folder.close, _name(self.source), summary, files)
        return summary

    async def _rows(self) -> AsyncGenerator[Stated]:
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for each in chunk:
                    yield each

    async def _chunks(self) -> AsyncGenerator[list[Stated]]:
        """All rows, each with its state where it was worked on to its end."""
        rows = rows_of(self.source, self.plan, self.limit)
        while chunk := await to_thread.run_sync(_taken, rows):
            ids = [row.id for row in chunk if isinstance(row, BatchRow)]
            states = await self.states.of(ids)
            yield [(row, None if row.id is None else states.get(row.id)) for row in chunk]


def _outcome(row: BatchRow | Refused, state: RowState | None) -> str:
    if isinstance(row, Refused):
        return "refused"
    return "waiting" if state is None else state.outcome


def _failed_in(chunk: list[Stated]) -> Iterator[dict[str, Any]]:
    """The lines of `failed.jsonl` for the rows without a result."""
    for row, state in chunk:
        told = {"id": row.id, "place": row.place, "outcome": _outcome(row, state)}
        if isinstance(row, Refused):
            yield {**told, "cause": row.cause, "attempts": 0}
        elif state is not None and state.failure is not None:
            yield {**told, "cause": str(state.failure), "attempts": state.attempts}


def _name(source: Source) -> str:
    return str(source) if isinstance(source, str | Path) else f"a {type(source).__name__}"


def _taken(rows: Iterator[BatchRow | Refused]) -> list[BatchRow | Refused]:
    return list(islice(rows, CHUNK))
