"""A desk with several workers in this process, each with its own line, as in a job."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from catsdk.batch.workers.desk import Desk
from catsdk.batch.workers.line import Line
from catsdk.batch.workers.messages import Funds, Orders, Report
from catsdk.core.sending import Budget


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Office:
    """A desk, and the lines of its workers."""

    def __init__(self, workers: int, budgets: Sequence[Budget], spent: Funds) -> None:
        self.desk = Desk([(budget, spent) for budget in budgets])
        self.lines = [Line(self.exchange, f"worker {at}", budgets) for at in range(workers)]
        self.exchanges = 0
        self._waiting: list[anyio.Event] = []

    async def exchange(self, worker: str, report: Report | None, seconds: float) -> Orders:
        """`Desk.exchange`, counted."""
        orders = await self.desk.exchange(worker, report, seconds)
        self.exchanges += 1
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.set()
        return orders

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until `true`, which is asked again after each exchange."""
        while not true():
            event = anyio.Event()
            self._waiting.append(event)
            await event.wait()


@asynccontextmanager
async def office(
    workers: int, budgets: Sequence[Budget] = (), spent: Funds = Funds()
) -> AsyncGenerator[Office]:
    """A desk and the lines of so many workers, while the block lasts."""
    made = Office(workers, budgets, spent)
    async with anyio.create_task_group() as tasks:
        for line in made.lines:
            tasks.start_soon(line.run)
        yield made
        tasks.cancel_scope.cancel()
