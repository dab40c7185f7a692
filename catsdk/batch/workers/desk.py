"""Desk: the budgets and limits of a whole job, for the workers that report to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import inf

import anyio

from catsdk.batch.workers.messages import Funds, Orders, Report
from catsdk.batch.workers.pool import Pool
from catsdk.batch.workers.throttle import Throttle
from catsdk.core.sending import Budget

__all__ = ["LEASE", "Desk"]

LEASE = 10.0
"""Seconds without a word after which a worker is taken for dead."""


class Desk:
    """Lends the budgets and shares out the limits of a job.

    A worker exchanges reports for orders, and asks for news: what has changed for it since. What it
    was lent is its own until it gives it back, so that it asks some times a second at most, however
    many calls it sends. It runs in one event loop, in a process that outlives the workers.

    Args:
        budgets: The caps of the whole job, each with what earlier runs spent of it.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        budgets: Sequence[tuple[Budget, Funds]] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without workers."""
        self.pools = [Pool(budget, spent, clock=clock) for budget, spent in budgets]
        self.throttles: dict[str, Throttle] = {}
        self._clock = clock
        self._heard: dict[str, float] = {}
        self._knows: dict[str, set[str]] = {}
        self._waiting: dict[str, anyio.Event] = {}
        self._alarm = inf

    async def exchange(self, worker: str, report: Report | None, seconds: float = 0.0) -> Orders:
        """Take in a report, and give the worker its orders.

        Args:
            worker: Names the worker, and no other one of the job.
            report: What it tells; `None` asks for news alone.
            seconds: How long to wait for something that is new to the worker.
        """
        self._heard[worker] = self._clock()
        if report is not None:
            self._take_in(worker, report)
        self._settle()
        deadline = self._clock() + seconds
        while not self._has_news(worker) and (rest := deadline - self._clock()) > 0:
            event = self._waiting.setdefault(worker, anyio.Event())
            with anyio.move_on_after(min(rest, self._alarm)):
                await event.wait()
            self._settle()
        return self._orders(worker)

    def _take_in(self, worker: str, report: Report) -> None:
        for pool, account in zip(self.pools, report.accounts, strict=True):
            pool.heard(worker, account)
        for endpoint, told in report.gates.items():
            throttle = self.throttles.get(endpoint)
            if throttle is None:
                throttle = Throttle(told.limits, told.max_retry_after, clock=self._clock)
                self.throttles[endpoint] = throttle
            throttle.heard(worker, told)
            self._knows.setdefault(worker, set()).add(endpoint)

    def _settle(self) -> None:
        now = self._clock()
        for worker in [each for each, at in self._heard.items() if now - at > LEASE]:
            self._forget(worker)
        for pool in self.pools:
            pool.settle()
        alarms = [throttle.settle() for throttle in self.throttles.values()]
        self._alarm = min(alarms, default=inf)
        for worker in [each for each in self._waiting if self._has_news(each)]:
            self._waiting.pop(worker).set()

    def _forget(self, worker: str) -> None:
        del self._heard[worker]
        self._knows.pop(worker, None)
        for pool in self.pools:
            pool.gone(worker)
        for throttle in self.throttles.values():
            throttle.gone(worker)

    def _has_news(self, worker: str) -> bool:
        return any(worker in pool.news for pool in self.pools) or any(
            worker in throttle.news for throttle in self.throttles.values()
        )

    def _orders(self, worker: str) -> Orders:
        known = sorted(self._knows.get(worker, ()))
        return Orders(
            {endpoint: self.throttles[endpoint].order(worker) for endpoint in known},
            tuple(pool.order(worker) for pool in self.pools),
        )
