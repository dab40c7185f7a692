"""Pool: one budget of a job, lent to its workers in blocks that together never exceed it."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

from catsdk.batch.workers.messages import AccountOrder, AccountReport, Funds
from catsdk.core.sending import Budget

__all__ = ["Pool"]

CALLS = 32
"""A block is enough for so many calls like the one that asks, where there is plenty."""


class Pool:
    """What is spent and lent of one budget.

    What is lent counts against the cap, so that workers need not ask for each call. A block is a
    share of what is left, and towards the end what one call needs. Who is short waits while others
    hold what they may give back, and is refused once only what is spent stands in its way.

    Args:
        budget: The caps of the whole job.
        spent: What earlier runs used.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        budget: Budget,
        spent: Funds = Funds(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing lent."""
        self.budget, self.spent = budget, spent
        self.news: set[str] = set()
        """The workers whose order has changed."""
        self._cap = Funds.cap(budget)
        self._clock = clock
        self._until: float | None = None
        self._lent: dict[str, Funds] = {}
        self._gone: dict[str, Funds] = {}
        self._short: dict[str, AccountReport] = {}
        self._granted: dict[str, Funds] = {}
        self._told: dict[str, Funds] = {}
        self._recall = False

    @property
    def left(self) -> Funds:
        """What can still be used, by calls in flight too."""
        return self._cap - self.spent - _total(self._gone)

    @property
    def free(self) -> Funds:
        """What is neither spent nor lent."""
        return self.left - _total(self._lent)

    def heard(self, worker: str, report: AccountReport) -> None:
        """Take in what a worker told."""
        if self.budget.seconds is not None and self._until is None:
            self._until = self._clock() + self.budget.seconds
        lent = self._lent.pop(worker, None) or self._gone.pop(worker, Funds())
        self._lent[worker] = lent - report.spent - report.returned
        self.spent += report.spent
        if report.need is None:
            self._short.pop(worker, None)
        else:
            # A worker that asked before keeps its place in the queue.
            self._short[worker] = report

    def gone(self, worker: str) -> None:
        """A worker died: nobody knows how much of its part it used, so all of it counts as used."""
        self._short.pop(worker, None)
        if worker in self._lent:
            self._gone[worker] = self._lent.pop(worker)

    def settle(self) -> None:
        """Lend to those who are short, the first first."""
        starved = False
        for worker, report in list(self._short.items()):
            need = report.need or Funds()
            if not need.fits(self.left):
                # The remaining amount tells the worker that this call will never be allowed.
                if self._told.get(worker) != self.left:
                    self.news.add(worker)
            elif report.missing.fits(self.free) and not starved:
                self._lend(worker, report.missing, need)
            else:
                starved = True
        if starved != self._recall:
            self._recall = starved
            self.news.update(self._lent)

    def order(self, worker: str) -> AccountOrder:
        """What that worker is to know; each block is handed out once."""
        self.news.discard(worker)
        seconds = inf if self._until is None else self._until - self._clock()
        granted, self._told[worker] = self._granted.pop(worker, Funds()), self.left
        return AccountOrder(granted, self.left, self._recall, seconds)

    def _lend(self, worker: str, missing: Funds, need: Funds) -> None:
        share = self.free.times(1 / (2 * len(self._lent)))
        block = missing.most(need.times(CALLS).least(share))
        self._lent[worker] += block
        self._granted[worker] = self._granted.get(worker, Funds()) + block
        del self._short[worker]
        self.news.add(worker)


def _total(parts: dict[str, Funds]) -> Funds:
    return sum(parts.values(), Funds())
