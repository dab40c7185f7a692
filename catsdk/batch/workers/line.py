"""Line: a worker's connection to the desk of its job, with its accounts and gates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from catsdk.batch.workers.account import LentAccount
from catsdk.batch.workers.desk import LEASE
from catsdk.batch.workers.gate import SharedGates
from catsdk.batch.workers.messages import Orders, Report
from catsdk.core.concurrency.bell import Bell
from catsdk.core.sending import Budget

__all__ = ["Exchange", "Line"]

Exchange = Callable[[str, Report | None, float], Awaitable[Orders]]
"""`Desk.exchange`, wherever the desk is."""

HEARTBEAT = 0.25
"""Seconds after which the desk is told how things stand, though nothing has changed."""
GAP = 0.01
"""Seconds between two reports: what happens meanwhile is told together."""
NEWS = 2.0
"""Seconds for which the desk is asked for news."""


class Line:
    """Tells the desk what its worker needs and has used, and does what the desk says.

    However many calls the worker sends, the desk hears of them some times a second. Where it is not
    heard of, the worker sends nothing new: it may have been taken for dead.

    Args:
        exchange: Reaches the desk.
        worker: Names the worker, and no other one of the job.
        budgets: The caps of the whole job, in the order of the desk's.
    """

    def __init__(self, exchange: Exchange, worker: str, budgets: Sequence[Budget]) -> None:
        """Start with nothing lent, in the running event loop."""
        self.accounts = [LentAccount(budget, self.changed) for budget in budgets]
        self.gates = SharedGates(self.changed)
        self._exchange = exchange
        self._worker = worker
        self._bell = Bell()

    def changed(self) -> None:
        """Have the desk hear of what has changed; from any thread."""
        self._bell.ring()

    async def run(self) -> None:
        """Keep the line up until it is cancelled.

        Raises:
            Exception: the desk is gone.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell)
            tasks.start_soon(self._listen)

    async def _tell(self) -> None:
        while True:
            with anyio.move_on_after(HEARTBEAT) as quiet:
                await self._bell.wait()
            idle = quiet.cancelled_caught
            await self._ask(
                Report(
                    {endpoint: gate.report() for endpoint, gate in self.gates.shared.items()},
                    tuple(account.report(idle=idle) for account in self.accounts),
                )
            )
            await anyio.sleep(GAP)

    async def _listen(self) -> None:
        while True:
            await self._ask(None, NEWS)

    async def _ask(self, report: Report | None, seconds: float = 0.0) -> None:
        with anyio.move_on_after(LEASE / 2) as patience:
            self._obey(await self._exchange(self._worker, report, seconds))
            return
        if patience.cancelled_caught:
            for gate in self.gates.shared.values():
                gate.hold()

    def _obey(self, orders: Orders) -> None:
        answers = [
            self.gates.shared[endpoint].apply(order) for endpoint, order in orders.gates.items()
        ]
        answers += [
            account.apply(order)
            for account, order in zip(self.accounts, orders.accounts, strict=True)
        ]
        if any(answers):
            self.changed()
