"""LentAccount: a worker's part of the budget of its job, lent to it by the desk."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from catsdk.batch.workers.messages import AccountOrder, AccountReport, Funds
from catsdk.core.display.counting import counted
from catsdk.core.errors import BudgetExceededError
from catsdk.core.sending import Budget
from catsdk.runtime.spending.account import Account, Amount

__all__ = ["LentAccount"]


class LentAccount(Account):
    """An account that pays from what the worker was lent of a budget, and asks for more.

    A call that needs more than that waits (`Pending`); one that needs more than the whole job has
    left is refused.

    Args:
        budget: The caps of the whole job.
        changed: Called where the desk should hear of it.
    """

    requests: int

    def __init__(self, budget: Budget, changed: Callable[[], None]) -> None:
        """Start with nothing lent."""
        super().__init__(budget)
        self._changed = changed
        self._lent = Funds()
        self._left = Funds(inf, inf, inf)
        self._told = Funds()
        self._recalled = False

    def reserve(self, amount: Amount = Amount()) -> None:
        """Take one request and `amount` out of what was lent.

        Raises:
            BudgetExceededError: the job has not so much left; nothing was taken.
            Pending: the worker was not lent so much; nothing was taken.
        """
        if self.seconds_left() <= 0:
            raise self.out_of_time()
        with self._lock:
            self._take(amount)

    def reserve_request(self) -> None:
        """Take one request more for a call that has reserved its amount.

        Raises:
            BudgetExceededError: none is left of what was lent; nothing was taken.
        """
        with self._lock:
            if self.budget.requests is not None and self.requests + 1 > self._lent.requests:
                raise BudgetExceededError(
                    f"the budget of {counted(self.budget.requests, 'request')} is"
                    " reached, or this worker"
                    " has used up its current share of it; raise Budget(requests=...)"
                )
            self.requests += 1

    def settle(self, reserved: Amount, used: Amount) -> None:
        """Replace what a call had reserved by what it used."""
        super().settle(reserved, used)
        if self._recalled:
            self._changed()

    async def wait(self, amount: Amount) -> None:
        """Wait until `amount` may fit, or will never; then `reserve` says which."""
        self._changed()
        await super().wait(amount)

    def report(self, *, idle: bool) -> AccountReport:
        """What the desk is to know since the last report; `idle` gives back what nobody needs."""
        with self._lock:
            waiter = self._waiters[0] if self._waiters else None
            need = None if waiter is None else _funds(waiter.amount)
            taken, unused = self._taken, self._unused
            held = Funds(self._holders, self._held.tokens, self._held.usd)
            missing = Funds() if need is None else (need - unused).most(Funds())
            returned = Funds()
            if unused and (missing or need is None) and (self._recalled or idle):
                returned, self._lent = unused, self._lent - unused
                missing = need or Funds()
            spent, self._told = taken - held - self._told, taken - held
        return AccountReport(spent, returned, need, missing)

    def apply(self, order: AccountOrder) -> bool:
        """Obey the desk.

        Returns:
            Whether it should hear back.
        """
        with self._lock:
            self._lent += order.granted
            self._left, self._recalled = order.left, order.recall
            if order.seconds < inf:
                self._until = self._clock() + order.seconds
            self._wake()
            return order.recall and bool(self._unused)

    @property
    def _taken(self) -> Funds:
        return Funds(self.requests, self.tokens, self.usd)

    @property
    def _unused(self) -> Funds:
        return (self._lent - self._taken).most(Funds())

    def _refuse_hopeless(self, amount: Amount) -> None:
        cap, need = Funds.cap(self.budget), _funds(amount)
        wanted = cap - self._left + need
        if not need.fits(self._left):
            self._refuse("requests", wanted.requests, self.budget.requests)
            self._refuse("tokens", wanted.tokens, self.budget.tokens)
            self._refuse("usd", wanted.usd, self.budget.usd)

    def _hopeless(self, amount: Amount) -> bool:
        return not _funds(amount).fits(self._left)

    def _fits(self, amount: Amount) -> bool:
        lent, budget = self._lent, self.budget
        unused = Funds(
            inf if budget.requests is None else lent.requests - self.requests,
            inf if budget.tokens is None else lent.tokens - self.tokens,
            inf if budget.usd is None else lent.usd - self.usd,
        )
        return _funds(amount).fits(unused)


def _funds(amount: Amount) -> Funds:
    return Funds(1, amount.tokens, amount.usd)
