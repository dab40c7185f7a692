"""The messages between the workers of a job and its desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from catsdk.core.sending import Budget, Limits

__all__ = [
    "AccountOrder",
    "AccountReport",
    "Cut",
    "Funds",
    "GateOrder",
    "GateReport",
    "Orders",
    "Report",
]

Cut = tuple[Literal["overloaded", "slowed"], int]
"""That the service refused a call or got slower, and the epoch in which that call began."""

# Smaller than any price, to absorb rounding errors.
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Funds:
    """Requests, tokens and dollars: what a budget counts."""

    requests: float = 0
    tokens: float = 0
    usd: float = 0.0

    @classmethod
    def cap(cls, budget: Budget) -> Funds:
        """The caps of a budget, infinite where it has none."""
        caps = (budget.requests, budget.tokens, budget.usd)
        return cls(*(inf if cap is None else cap for cap in caps))

    def __add__(self, other: Funds) -> Funds:
        """Add two amounts."""
        return Funds(
            self.requests + other.requests, self.tokens + other.tokens, self.usd + other.usd
        )

    def __sub__(self, other: Funds) -> Funds:
        """Subtract an amount; the result may be negative."""
        return Funds(
            self.requests - other.requests, self.tokens - other.tokens, self.usd - other.usd
        )

    def times(self, factor: float) -> Funds:
        """So much of each, requests and tokens in whole numbers."""
        return Funds(
            _whole(self.requests * factor), _whole(self.tokens * factor), self.usd * factor
        )

    def least(self, other: Funds) -> Funds:
        """The smaller of both in each."""
        return Funds(
            min(self.requests, other.requests),
            min(self.tokens, other.tokens),
            min(self.usd, other.usd),
        )

    def most(self, other: Funds) -> Funds:
        """The larger of both in each."""
        return Funds(
            max(self.requests, other.requests),
            max(self.tokens, other.tokens),
            max(self.usd, other.usd),
        )

    def fits(self, room: Funds) -> bool:
        """Whether `room` is enough for it."""
        return (
            self.requests <= room.requests
            and self.tokens <= room.tokens
            and self.usd <= room.usd + _TINY
        )

    def __bool__(self) -> bool:
        """Whether any part is not zero."""
        return bool(self.requests or self.tokens or self.usd)


def _whole(number: float) -> float:
    return number if number == inf else int(number)


@dataclass(frozen=True, slots=True)
class GateReport:
    """How the calls of a worker to one endpoint and model stand.

    Args:
        limits: What all workers together hold to.
        max_retry_after: The longest wait that the service may ask for, in seconds.
        seen: The version of the last order that was obeyed.
        in_flight: Calls that were let in and are not back.
        waiting: Calls that wait.
        full: Answers since the last report that came while all slots were in use.
        cuts: Why the service may be asked less at once.
        pause: The wait that the service asked for since the last report, in seconds.
        requests_back: Permits that were not used.
        tokens_back: Tokens of the minute that were not used; below zero where more were.
        requests_short: Calls that have a slot and lack a permit.
        tokens_short: Tokens that the next call lacks.
    """

    limits: Limits
    max_retry_after: float
    seen: int = 0
    in_flight: int = 0
    waiting: int = 0
    full: int = 0
    cuts: tuple[Cut, ...] = ()
    pause: float | None = None
    requests_back: float = 0.0
    tokens_back: float = 0.0
    requests_short: int = 0
    tokens_short: float = 0.0


@dataclass(frozen=True, slots=True)
class GateOrder:
    """What a worker may send to one endpoint and model.

    Args:
        version: Rises with each change of `slots`.
        slots: Calls that it may have in flight.
        epoch: The number of cuts so far.
        pause: Seconds for which nothing may be sent, as the service asked; `pauses` numbers them.
        pauses: How often the service asked for a wait.
        requests: Permits to add: calls that may be sent within the limit of a minute.
        tokens: Tokens to add that may be used within the limit of a minute.
    """

    version: int
    slots: int
    epoch: int
    pause: float = 0.0
    pauses: int = 0
    requests: float = 0.0
    tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What a worker did with its part of one budget since the last report.

    Args:
        spent: What its calls used.
        returned: What it gives back unused.
        need: What the next call needs at most; `None` if nobody waits.
        missing: What the worker lacks for it.
    """

    spent: Funds = Funds()
    returned: Funds = Funds()
    need: Funds | None = None
    missing: Funds = Funds()

    def __bool__(self) -> bool:
        """Whether the message has any content."""
        return bool(self.spent or self.returned or self.need)


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """A worker's part of one budget.

    Args:
        granted: What it may use on top of what it was granted before.
        left: What the job can still use at most; what needs more will never be allowed.
        recall: Whether others wait for what this worker does not need now.
        seconds: Time that is left; infinite without a cap.
    """

    granted: Funds
    left: Funds
    recall: bool
    seconds: float = inf


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker tells: its gates by endpoint, and its accounts in the order of the budgets."""

    gates: Mapping[str, GateReport] = field(default_factory=dict[str, GateReport])
    accounts: tuple[AccountReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told, in the form of its report."""

    gates: Mapping[str, GateOrder]
    accounts: tuple[AccountOrder, ...]
