"""RayMapper: the function that each worker applies to batches of rows, for `map_batches`."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Any
from uuid import uuid4

import anyio
from anyio.from_thread import start_blocking_portal

from catsdk.batch.rows import BatchRow, Refused, differences, rows_of
from catsdk.batch.state import RowState, States
from catsdk.batch.work import Patience, Worker
from catsdk.batch.workers.job import RayJob
from catsdk.batch.workers.keeper import RemoteStore, partition_of
from catsdk.batch.workers.line import Line
from catsdk.batch.workers.table import Made, check_columns, table_of
from catsdk.core.concurrency.bell import Bell
from catsdk.core.concurrency.fanout import first_of
from catsdk.core.errors import ConfigurationError
from catsdk.runs.ledger import Ledger
from catsdk.runtime.attribution import in_order

__all__ = ["RayMapper"]


class RayMapper:
    """An async callable for `map_batches`: each row of a batch becomes what the job's plan says.

    Every row comes back at least once, in its place, with `outcome` (`ok`, `partial`, `failed`,
    `refused` or `waiting`) and, without a result, `failure`; a bad row ends nothing. What was
    answered is with the job's keepers before it is used, so that a batch that comes again, on
    another worker too, costs nothing twice. Use it with `batch_format="pyarrow"`.

    Args:
        job: What is made, and where answers, budget and limits are held.

    Example:
        >>> import catsdk as cat
        >>> import ray
        >>> from catsdk.batch import Plan, RayJob, RayMapper
        >>> rows = ray.data.from_items([{"id": "a", "prompt": "12+34"}])
        >>> job = RayJob(Plan(cat.CaT("openai:NAME"), n=4), "refs of four")
        >>> how = {"fn_constructor_args": (job,), "batch_format": "pyarrow", "concurrency": 2}
        >>> isinstance(rows.map_batches(RayMapper, **how), ray.data.Dataset)
        True
    """

    def __init__(self, job: RayJob) -> None:
        """Open the method's models, in an event loop of this worker's own."""
        self._job = job
        # Ray's event loop is blocked while it waits for the next batch or for the output's reader.
        # Open for as long as the worker lives, since Ray does not announce its end.
        self._exits = ExitStack()
        self._portal = self._exits.enter_context(start_blocking_portal("asyncio"))
        serving = self._portal.wrap_async_context_manager(self._open())
        self._serving = self._exits.enter_context(serving)

    async def __call__(self, batch: Any) -> Any:
        """Process each row of a batch as the plan says.

        Args:
            batch: A table of pyarrow.

        Returns:
            A table with a row for each record, see `catsdk.batch.ray`.

        Raises:
            ConfigurationError: no row can ever be done, a keeper's disk is full, or the desk of
                the job is gone.
            CatError: so many rows failed alike, before one succeeded, that the cause is not the
                rows.
        """
        done = Bell()
        future = self._portal.start_task_soon(self._serving.table, batch)
        future.add_done_callback(lambda _: done.ring())
        await done.wait()
        return future.result()

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[_Serving]:
        job = self._job
        line = Line(job.exchange, f"{os.getpid()}-{uuid4().hex[:8]}", job.budgets)
        async with anyio.create_task_group() as tasks, AsyncExitStack() as exits:
            broken = _Broken()
            tasks.start_soon(broken.watch, line.run)
            method = job.method()
            accounts = dict(zip(job.capped, line.accounts, strict=True))
            method.client.held_elsewhere(line.gates, accounts.get("client"))
            c = await exits.enter_async_context(method)
            sending = c.client.sending
            workers: list[Worker] = []
            patience = Patience()
            for path, carry in job.partitions():
                store = RemoteStore(path, carry)
                ledger = Ledger(
                    store,
                    sending.prices,
                    unkept=2 * sending.limits.in_flight,
                )
                states, account = States(store), accounts.get("job")
                workers.append(Worker(c, job.plan, ledger, states, account, patience=patience))
            yield _Serving(job, workers, broken, 2 * sending.limits.in_flight)
            tasks.cancel_scope.cancel()


class _Broken:
    """Whether the line to the desk has broken, and the error."""

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._event = anyio.Event()

    async def watch(self, line: Callable[[], Awaitable[None]]) -> None:
        """Run the line; when it ends, wake all that wait for it."""
        try:
            await line()
        except Exception as error:  # noqa: BLE001  # raised by each batch
            self._error = error
            self._event.set()

    async def wait(self) -> None:
        """Wait until the line breaks.

        Raises:
            ConfigurationError: it did.
        """
        await self._event.wait()
        raise ConfigurationError(
            f"the actor that holds the job's budget and limits has died: {self._error}; start the"
            " job again, all answers so far are kept"
        )


class _Serving:
    """An open method that processes batches."""

    def __init__(
        self, job: RayJob, workers: Sequence[Worker], broken: _Broken, at_once: int
    ) -> None:
        self._job, self._workers, self._broken = job, workers, broken
        self._room = anyio.Semaphore(at_once)
        self._begun = 0

    async def table(self, batch: Any) -> Any:
        """Process the rows of a batch."""
        plan = self._job.plan
        check_columns(batch.column_names, plan)
        if not batch.num_rows:
            return table_of(batch, [], plan)
        rows = list(rows_of(batch.to_pylist(), plan))
        states = await self._states([row for row in rows if isinstance(row, BatchRow)])
        made: list[Made] = []

        async def one(at: int, row: BatchRow | Refused) -> None:
            made.append(await self._made(at, row, states.get(row.id or "")))

        try:
            async with anyio.create_task_group() as watching:
                watching.start_soon(self._broken.wait)
                async with anyio.create_task_group() as tasks:
                    for at, row in enumerate(rows):
                        tasks.start_soon(one, at, row)
                watching.cancel_scope.cancel()
        except BaseExceptionGroup as several:
            raise first_of(several) from None
        return table_of(batch, sorted(made, key=lambda each: each.at), plan)

    def _worker(self, id: str) -> Worker:
        return self._workers[partition_of(id, len(self._workers))]

    async def _states(self, rows: Sequence[BatchRow]) -> dict[str, RowState]:
        found: dict[str, RowState] = {}
        for worker in self._workers:
            ids = [row.id for row in rows if self._worker(row.id) is worker]
            found |= await worker.states.of(ids)
        return found

    async def _made(self, at: int, row: BatchRow | Refused, before: RowState | None) -> Made:
        if isinstance(row, Refused):
            # Its place is relative to this batch, so it means nothing to the user.
            return Made(at, row.id, "refused", row.cause.removeprefix(f"{row.place}: "))
        worker = self._worker(row.id)
        if before is not None and before.digest != row.digest:
            how = differences(row, before.marks)
            return Made(at, row.id, "refused", EDITED.format(how=how))
        if before is not None and (before.outcome == "ok" or not self._job.retry_failed):
            return _made(at, row, before, await worker.states.products_of([row.id]))
        async with self._room:
            if worker.stopped:
                return Made(at, row.id, "waiting", WAITING)
            self._begun += 1
            with in_order(self._begun):
                state, records = await worker.work_on(row, before)
        if state is None:
            return Made(at, row.id, "waiting", WAITING)
        return _made(at, row, state, records)


EDITED = (
    "another row was worked on under this id before ({how}); give each row an id of its own, or"
    " write to another folder"
)
WAITING = "a budget is used up; the next run goes on with this row"


def _made(at: int, row: BatchRow, state: RowState, records: Sequence[dict[str, Any]]) -> Made:
    failure = None if state.failure is None else str(state.failure)
    return Made(at, row.id, state.outcome, failure, records)
