"""Job: the passes over the rows of a batch: check them, process them, write the results."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from anyio import to_thread

from catsdk.batch.folder import Failures, Folder
from catsdk.batch.parking import Parking
from catsdk.batch.plan import Plan
from catsdk.batch.rows import BatchRow, Refused, rows_of
from catsdk.batch.shards import Shards
from catsdk.batch.state import RowState, States, check_unchanged
from catsdk.batch.summary import Summary
from catsdk.batch.work import Worker
from catsdk.data import Source
from catsdk.runs.ledger import paid

__all__ = ["CHUNK", "Job", "OnProgress", "Progress"]

CHUNK: Final = 500
"""Rows that are read at a time."""

Phase = Literal["reading", "working", "writing"]


@dataclass
class Progress:
    """How far a batch is.

    Args:
        rows: The rows that were read.
        done: Those of them that are done or refused.
        outcomes: How many rows ended how in this run.
        kept: How many rollouts of the rows to do an earlier run has kept, so that they are not
            asked for again; known when the work begins.
        phase: What it does: `reading` and checking the rows, `working` on them, or `writing` out
            what they became.

    Example:
        >>> from catsdk.batch import Progress
        >>> Progress(rows=10, done=4).outcomes
        {}
    """

    rows: int = 0
    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    phase: Phase = "reading"
    kept: int = 0


Stated: TypeAlias = tuple[BatchRow | Refused, RowState | None]
OnProgress = Callable[[Progress], None]


@dataclass
class Job:
    """The rows of a batch, read anew in each pass: memory holds a few of them at a time.

    Args:
        source: The rows.
        plan: What is made of each.
        limit: The most rows that are read.
        states: How rows ended.
        on_progress: Hears of each row that ended.
        retry_failed: Whether rows that failed or were cut short before are worked on again.
        probes: How many rows, chosen by their digests and so at random, are worked on alone.
        sampled: How many rollouts the store has kept when the run begins.
    """

    source: Source
    plan: Plan
    limit: int | None
    states: States
    on_progress: OnProgress
    retry_failed: bool = False
    probes: int | None = None
    sampled: int = 0
    progress: Progress = field(default_factory=Progress)
    chosen: list[Stated] = field(default_factory=list[Stated])
    _ok: int = 0
    _again: int = 0

    async def check(self) -> None:
        """Read every row once, before anything is paid for."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for row, state in chunk:
                    if isinstance(row, BatchRow):
                        check_unchanged(row, state)
                    self.progress.done += isinstance(row, Refused) or not self._wanted(state)
                    if state is not None and self._wanted(state):
                        self._again += state.sampled
                    self._ok += state is not None and state.outcome == "ok"
                self.progress.rows += len(chunk)
                self._choose(chunk)
                self.on_progress(self.progress)
        self._choose([], last=True)
        if self.sampled and self.progress.done < self.progress.rows:
            # What is kept and belongs to no row that is done belongs to those to do.
            self.progress.kept = self.sampled - await self.states.sampled() + self._again

    def _choose(self, chunk: list[Stated], *, last: bool = False) -> None:
        """Choose the rows with the smallest digests, which are the same each time."""
        if self.probes is None:
            return
        self.chosen += [each for each in chunk if _may_probe(*each)]
        if last or len(self.chosen) > 10 * self.probes:
            self.chosen.sort(key=lambda each: _digest(each[0]))
            del self.chosen[self.probes :]

    async def work(self, worker: Worker) -> None:
        """Work on the rows that are not done."""
        self._enter("working")
        pending = self._pending(worker) if self.probes is None else self._chosen()
        async with aclosing(worker.over(pending)) as outcomes:
            async for outcome in outcomes:
                told = self.progress.outcomes
                told[outcome] = told.get(outcome, 0) + 1
                self.progress.done += outcome != "waiting"
                self._ok += outcome == "ok"
                self.on_progress(self.progress)

    def _enter(self, phase: Phase) -> None:
        self.progress.phase = phase
        self.on_progress(self.progress)

    async def _pending(self, worker: Worker) -> AsyncGenerator[tuple[BatchRow, RowState | None]]:
        began = time.monotonic()
        parking = worker.parking
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for row, state in chunk:
                    if worker.stopped:
                        return
                    if isinstance(row, BatchRow) and self._wanted(state):
                        await _room(parking)
                        yield row, state
        while parking is not None and parking.out and not worker.stopped:
            await parking.nap(time.monotonic() - began)
            began = time.monotonic()
            async with aclosing(self._back(parking)) as back:
                async for each in back:
                    yield each

    async def _back(self, parking: Parking) -> AsyncGenerator[tuple[BatchRow, RowState | None]]:
        """The parked rows that can continue."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                rows = [(row, state) for row, state in chunk if isinstance(row, BatchRow)]
                ready = await parking.back([row.id for row, _ in rows])
                for row, state in rows:
                    if row.id in ready:
                        await _room(parking)
                        yield row, state

    async def _chosen(self) -> AsyncGenerator[tuple[BatchRow, RowState | None]]:
        for row, state in self.chosen:
            if isinstance(row, BatchRow) and state is None:
                yield row, state

    def _wanted(self, state: RowState | None) -> bool:
        return state is None or (self.retry_failed and state.outcome != "ok")

    async def finish(
        self, folder: Folder, shards: Shards, *, ordered: bool, broke_off: bool = False
    ) -> Summary:
        """Write the results, and count the rows by what is kept.

        Args:
            folder: Where the manifest and the failures are.
            shards: Takes the results.
            ordered: Whether they are those of these rows, in their order.
            broke_off: Whether an error ended the work, so that a row that ended may not be kept.
        """
        self._enter("writing")
        all_ok = self._ok == self.progress.rows and not broke_off
        counts: dict[str, int] = dict.fromkeys(("ok", "partial", "failed", "refused", "waiting"), 0)
        failures = await to_thread.run_sync(folder.failures)
        if all_ok and not ordered:
            # There is nothing to report about any of them.
            counts["ok"] = self._ok
        else:
            await self._look_again(counts, failures, shards if ordered else None)
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

    async def _look_again(
        self, counts: dict[str, int], failures: Failures, shards: Shards | None
    ) -> None:
        """Count the rows, record why rows failed, and write the results in row order."""
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                for row, state in chunk:
                    counts[_outcome(row, state)] += 1
                await to_thread.run_sync(failures.add_all, list(_failed_in(chunk)))
                if shards is not None:
                    ids = [row.id for row, _ in chunk if isinstance(row, BatchRow)]
                    await to_thread.run_sync(shards.add_all, await self.states.products_of(ids))

    async def _chunks(self) -> AsyncGenerator[list[Stated]]:
        """All rows in chunks, each with its state if it was processed completely."""
        rows = rows_of(self.source, self.plan, self.limit)
        while chunk := await to_thread.run_sync(_taken, rows):
            ids = [row.id for row in chunk if isinstance(row, BatchRow)]
            states = await self.states.of(ids)
            yield [(row, None if row.id is None else states.get(row.id)) for row in chunk]


async def _room(parking: Parking | None) -> None:
    if parking is not None:
        await parking.room()


def _outcome(row: BatchRow | Refused, state: RowState | None) -> str:
    if isinstance(row, Refused):
        return "refused"
    return "waiting" if state is None else state.outcome


def _digest(row: BatchRow | Refused) -> str:
    return row.digest if isinstance(row, BatchRow) else ""


def _may_probe(row: BatchRow | Refused, state: RowState | None) -> bool:
    """Whether a row's consumption by stage is known, or can be determined."""
    return isinstance(row, BatchRow) and (state is None or state.stages is not None)


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
