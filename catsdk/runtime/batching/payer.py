"""Payer: the budgets that pay for batched calls, reserved when a batch is created, then settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.errors import BudgetExceededError
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.spending.account import Account, Amount, Pending
from catsdk.runtime.spending.prices import Rates
from catsdk.runtime.wrappers.budget import most

__all__ = ["Payer"]


@dataclass(frozen=True, slots=True)
class Payer:
    """The accounts of a chain of wrappers, and the prices of its model."""

    accounts: tuple[Account, ...] = ()
    rates: Rates | None = None

    def reserve(self, request: Request) -> None:
        """Reserve the most that a call can use, of every account or of none.

        Raises:
            BudgetExceededError: a budget does not allow the call.
            Pending: it may allow it once other calls are settled.
        """
        reserved: list[Account] = []
        try:
            for account in self.accounts:
                account.reserve(self._most(request, account))
                reserved.append(account)
        except (BudgetExceededError, Pending):
            for account in reserved:
                account.cancel(self._most(request, account))
            raise

    def hold(self, request: Request) -> None:
        """Reserve for a call that is in a batch already."""
        for account in self.accounts:
            account.hold(self._most(request, account))

    def refund(self, request: Request) -> None:
        """Put back what was reserved for a call that is not bought after all."""
        for account in self.accounts:
            account.cancel(self._most(request, account))

    def settle(self, request: Request, completions: Sequence[Completion]) -> None:
        """Replace what was reserved for a call by what it used: of a failed one, nothing."""
        usage = Usage.total(completion.usage for completion in completions)
        for account in self.accounts:
            reserved = self._most(request, account)
            account.settle(reserved, self._used(account, reserved, usage))

    def charge(self, completions: Sequence[Completion]) -> None:
        """Count what an earlier process has paid, and nobody has counted yet."""
        usage = Usage.total(completion.usage for completion in completions)
        for account in self.accounts:
            account.charge(max(1, usage.requests), self._used(account, Amount(), usage))

    def _most(self, request: Request, account: Account) -> Amount:
        return most(request, account.budget, self.rates, batched=True)

    def _used(self, account: Account, reserved: Amount, usage: Usage) -> Amount:
        if usage.unreported:
            return reserved
        cost = usage.cost
        if self.rates is not None and usage.tokens:
            cost = self.rates.cost(usage)
        return Amount(
            usage.tokens if account.budget.tokens is not None else 0,
            reserved.usd if cost is None else cost,
        )
