"""Account: what is spent and reserved of a budget; reserved before a call, settled after it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from threading import Lock

from catsdk.core.concurrency.bell import Bell
from catsdk.core.display.counting import counted
from catsdk.core.errors import BudgetExceededError
from catsdk.core.sending import Budget

__all__ = ["Account", "Amount", "Pending", "accounts_of"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and dollars."""

    tokens: int = 0
    usd: float = 0.0


class Pending(Exception):
    """Too much is reserved for the moment; what calls in flight do not use may be enough.

    `account` is the one that is short, and `amount` what the call wanted of it.
    """

    def __init__(self, account: Account, amount: Amount) -> None:
        """Keep both."""
        super().__init__(amount)
        self.account, self.amount = account, amount


@dataclass(slots=True)
class _Waiter:
    amount: Amount
    bell: Bell = field(default_factory=Bell)


class Account:
    """One budget, shared by tasks, loops and threads.

    `requests`, `tokens` and `usd` are what is spent or reserved; they never pass the budget,
    unless a service uses more than the request allowed it. What a call used that broke off or
    did not tell is counted as the most that it could have used. `refused` is true once a call was
    refused.
    """

    def __init__(self, budget: Budget, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing spent."""
        self.budget = budget
        self.requests = 0
        self.tokens = 0
        self.usd = 0.0
        self.refused = False
        self._clock = clock
        self._lock = Lock()
        self._held = Amount()
        self._holders = 0
        self._until: float | None = None
        self._waiters: deque[_Waiter] = deque()

    def __repr__(self) -> str:
        """What is spent or reserved, beside the budget."""
        spent = f"requests={self.requests}, tokens={self.tokens}, usd={self.usd:.6f}"
        return f"Account({self.budget!r}, {spent})"

    @property
    def reserved(self) -> Amount:
        """What is held for calls in flight, as a part of `tokens` and `usd`."""
        return self._held

    def charge(self, requests: int, amount: Amount) -> None:
        """Count what was spent before, such as by an earlier start of the same run."""
        with self._lock:
            self.requests += requests
            self._add(amount)

    def seconds_left(self) -> float:
        """Seconds until the time of the budget is over; the first call starts the clock."""
        if self.budget.seconds is None:
            return inf
        with self._lock:
            if self._until is None:
                self._until = self._clock() + self.budget.seconds
            return self._until - self._clock()

    def reserve(self, amount: Amount = Amount()) -> None:
        """Take one request and `amount` out of the budget.

        Raises:
            BudgetExceededError: not so much is left; nothing was taken.
            Pending: as much may be left once calls in flight are settled; nothing was taken.
        """
        if self.seconds_left() <= 0:
            raise self.out_of_time()
        with self._lock:
            self._refuse("requests", self.requests + 1, self.budget.requests)
            self._take(amount)

    def _take(self, amount: Amount) -> None:
        """Take one request and `amount`, with the lock held, or raise as `reserve`."""
        self._refuse_hopeless(amount)
        if not self._fits(amount):
            raise Pending(self, amount)
        self.requests += 1
        self._add(amount)
        self._hold(amount, 1)

    def hold(self, amount: Amount) -> None:
        """Reserve for a call that an earlier start has sent, whatever is left."""
        with self._lock:
            self.requests += 1
            self._add(amount)
            self._hold(amount, 1)

    def reserve_request(self) -> None:
        """Take one request more for a call that has reserved its amount.

        Raises:
            BudgetExceededError: no request is left; nothing was taken.
        """
        with self._lock:
            self._refuse("requests", self.requests + 1, self.budget.requests)
            self.requests += 1

    def cancel_request(self) -> None:
        """Put back a request that was not sent."""
        with self._lock:
            self.requests -= 1

    def settle(self, reserved: Amount, used: Amount) -> None:
        """Replace what a call had reserved by what it used."""
        with self._lock:
            self._hold(reserved, -1)
            self._add(Amount(used.tokens - reserved.tokens, used.usd - reserved.usd))
            self._wake()

    def cancel(self, reserved: Amount) -> None:
        """Put back a reservation whose call was not sent, the request too."""
        self.cancel_request()
        self.settle(reserved, Amount())

    async def wait(self, amount: Amount) -> None:
        """Wait until `amount` may fit, or will never; then `reserve` says which."""
        with self._lock:
            if self._fits(amount) or self._hopeless(amount):
                return
            waiter = _Waiter(amount)
            self._waiters.append(waiter)
        try:
            await waiter.bell.wait()
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    def pass_on(self) -> None:
        """Wake those that may go on now: one that was woken may not have taken its share."""
        with self._lock:
            self._wake()

    def out_of_time(self) -> BudgetExceededError:
        """Refuse a call because the time is over: make the error for it."""
        self.refused = True
        return BudgetExceededError(
            f"the budget of {self.budget.seconds:g} seconds is used up; raise Budget(seconds=...)"
        )

    def _refuse_hopeless(self, amount: Amount) -> None:
        spent = self._spent()
        self._refuse("tokens", spent.tokens + amount.tokens, self.budget.tokens)
        self._refuse("usd", spent.usd + amount.usd, self.budget.usd)

    def _refuse(self, what: str, wanted: float, cap: float | None) -> None:
        if cap is not None and _over(wanted, cap):
            self.refused = True
            raise BudgetExceededError(
                f"the budget of {counted(cap, what.removesuffix('s'), what)} is"
                " reached: this call could bring it to"
                f" {wanted:,.12g}; raise Budget({what}=...) or ask for less (n, max_tokens)"
            )

    def _spent(self) -> Amount:
        return Amount(self.tokens - self._held.tokens, self.usd - self._held.usd)

    def _hopeless(self, amount: Amount) -> bool:
        spent = self._spent()
        return _over(spent.tokens + amount.tokens, self.budget.tokens) or _over(
            spent.usd + amount.usd, self.budget.usd
        )

    def _fits(self, amount: Amount) -> bool:
        return not (
            _over(self.tokens + amount.tokens, self.budget.tokens)
            or _over(self.usd + amount.usd, self.budget.usd)
        )

    def _add(self, amount: Amount) -> None:
        self.tokens += amount.tokens
        self.usd += amount.usd

    def _hold(self, amount: Amount, sign: int) -> None:
        self._holders += sign
        held = self._held
        # With no reservation left, the sum is exactly zero, whatever rounding left in it.
        self._held = (
            Amount(held.tokens + sign * amount.tokens, held.usd + sign * amount.usd)
            if self._holders
            else Amount()
        )

    def _wake(self) -> None:
        promised = Amount()
        while self._waiters:
            amount = self._waiters[0].amount
            both = Amount(promised.tokens + amount.tokens, promised.usd + amount.usd)
            fits = self._fits(both)
            if not fits and not self._hopeless(amount):
                return
            if self._waiters.popleft().bell.ring() and fits:
                promised = both


def accounts_of(budget: Budget | Account | None) -> tuple[Account, ...]:
    """The account that pays for a run: the one that is given, or a new one of the budget."""
    if budget is None:
        return ()
    return (budget if isinstance(budget, Account) else Account(budget),)


def _over(wanted: float, cap: float | None) -> bool:
    # Smaller than any price; without it, rounding would make three times 0.1 exceed 0.3.
    return cap is not None and wanted > cap + 1e-9
