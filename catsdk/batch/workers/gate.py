"""SharedGate: a worker's part of the limits of its job, for one endpoint and model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from catsdk.batch.workers.messages import Cut, GateOrder, GateReport
from catsdk.core.ports import Provider, name_of
from catsdk.core.sending import Limits, Retry
from catsdk.runtime.limits.bucket import Bucket
from catsdk.runtime.limits.concurrency import AdaptiveLimit
from catsdk.runtime.limits.endpoints import Gates, endpoint_of
from catsdk.runtime.limits.gate import Gate

__all__ = ["SharedGate", "SharedGates"]

STALE = 1.0
"""Seconds after which permits that nobody used are given back."""


@dataclass(slots=True)
class _Slots(AdaptiveLimit):
    """The slots that the desk granted; events that may change their number go to the desk."""

    slots: int = field(default=0, init=False)
    full: int = field(default=0, init=False)
    cuts: list[Cut] = field(default_factory=list[Cut], init=False)

    @property
    def allowed(self) -> int:
        """The number of calls that may be in flight now, possibly 0."""
        return self.slots

    def capped(self, most: int, *, adapts: bool) -> None:
        """Do nothing, since the desk decides the number."""

    def succeeded(self, *, full: bool) -> None:
        """Count the answer if all slots were in use."""
        self.full += full

    def overloaded(self, epoch: int) -> None:
        """Note that the service refused a call that began in `epoch`."""
        self.cuts.append(("overloaded", epoch))

    def slowed(self, epoch: int) -> None:
        """Note that the service got slower."""
        self.cuts.append(("slowed", epoch))


@dataclass(slots=True)
class _Permits(Bucket):
    """The permits of a rate limit that the desk granted; they do not refill by themselves."""

    level: float = field(default=0.0, init=False)
    back: float = field(default=0.0, init=False)
    since: float = field(default=-inf, init=False)

    def wait(self, amount: float, now: float) -> float:
        """0 if there are enough permits; otherwise the time until the desk has granted more."""
        return 0.0 if amount <= self.level + 1e-9 else inf

    def take(self, amount: float, now: float) -> None:
        """Take `amount`, which `wait` has allowed."""
        self.level = max(0.0, self.level - amount)

    def give_back(self, amount: float, now: float) -> None:
        """Return permits that were not used; a negative `amount` was used in addition."""
        self.back += amount

    def add(self, amount: float, now: float) -> None:
        """Add permits that the desk granted."""
        self.level, self.since = self.level + amount, now

    def returned(self, now: float) -> float:
        """The permits to return to the desk, including those that were not used for a while."""
        if now - self.since > STALE:
            self.back, self.level = self.back + self.level, 0.0
        back, self.back = self.back, 0.0
        return back


class SharedGate(Gate):
    """A gate that lets in as many calls as the desk of the job says.

    Args:
        name: Stands in errors.
        limits: What all workers together hold to.
        max_retry_after: The longest wait that the service may ask for, in seconds.
        changed: Called where the desk should hear of it.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        changed: Callable[[], None],
        *,
        max_retry_after: float = Retry().max_retry_after,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without slots."""
        super().__init__(name, limits, max_retry_after=max_retry_after, clock=clock)
        self._changed = changed
        self._slots = _Slots(limits.in_flight)
        self._adaptive = self._slots
        self._permits = self._requests = _permits(limits.requests_per_minute)
        self._token_permits = self._tokens = _permits(limits.tokens_per_minute)
        self._seen = -1
        self.pauses = 0
        """How often the service asked a worker of the job for a wait."""
        self._asked_for: float | None = None
        self._told_waiting = False
        self._told_short = False
        # Whether revoked slots are still in use: the desk waits until each is free.
        self._owes = False

    def configure(self, limits: Limits) -> None:
        """Leave the limits of the job as they are: the desk holds them."""

    def report(self) -> GateReport:
        """What the desk is to know since the last report."""
        now = self._clock()
        with self._lock:
            slots, waiting = self._slots, len(self._turns)
            short, tokens_short = self._short()
            cuts, slots.cuts = tuple(slots.cuts), []
            full, slots.full = slots.full, 0
            pause, self._asked_for = self._asked_for, None
            self._told_waiting, self._told_short = waiting > 0, bool(short or tokens_short)
            self._owes = self._in_flight > slots.slots
            return GateReport(
                limits=self.limits,
                max_retry_after=self.max_retry_after,
                seen=max(0, self._seen),
                in_flight=self._in_flight,
                waiting=waiting,
                full=full,
                cuts=cuts,
                pause=pause,
                requests_back=0.0 if self._permits is None else self._permits.returned(now),
                tokens_back=(
                    0.0 if self._token_permits is None else self._token_permits.returned(now)
                ),
                requests_short=short,
                tokens_short=tokens_short,
            )

    def apply(self, order: GateOrder) -> bool:
        """Obey the desk.

        Returns:
            Whether it should hear back: it took slots away, and may give them to others at once.
        """
        now = self._clock()
        with self._lock:
            lowered = order.version > self._seen and order.slots < self._slots.slots
            if order.version >= self._seen:
                self._slots.slots, self._seen = order.slots, order.version
            self._owes = self._in_flight > self._slots.slots
            self._slots.epoch = max(self._slots.epoch, order.epoch)
            if self._permits is not None and order.requests:
                self._permits.add(order.requests, now)
                self._told_short = False
            if self._token_permits is not None and order.tokens:
                self._token_permits.add(order.tokens, now)
                self._told_short = False
            if order.pauses > self.pauses:
                self.pauses = order.pauses
                super()._pause(order.pause, now)
            self._let_in()
        return lowered

    def hold(self) -> None:
        """Let nobody in until the desk is heard of again."""
        with self._lock:
            self._slots.slots = 0

    def _pause(self, seconds: float, now: float) -> None:
        super()._pause(seconds, now)
        self._asked_for = max(seconds, self._asked_for or 0.0)
        self._changed()

    def _let_in(self) -> None:
        super()._let_in()
        waiting = bool(self._turns)
        short = waiting and not self._told_short and any(self._short())
        if waiting != self._told_waiting or short or self._owes or self._slots.cuts:
            self._changed()

    def _short(self) -> tuple[int, float]:
        """The number of calls with a slot but no permit, and the tokens that the next one lacks."""
        able = min(len(self._turns), self._slots.slots - self._in_flight)
        if able <= 0:
            return 0, 0.0
        requests = 0 if self._permits is None else max(0, able - int(self._permits.level))
        if self._token_permits is None:
            return requests, 0.0
        return requests, max(0.0, self._turns.next().tokens - self._token_permits.level)


class SharedGates(Gates):
    """The gates of a worker: those of services are shared with the other workers of the job.

    A model that names no endpoint, such as an engine in this process, is the worker's own, and has
    the limits for itself.

    Args:
        changed: Called where the desk should hear of something.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Start without gates."""
        super().__init__()
        self.shared: dict[str, SharedGate] = {}
        self._changed = changed

    def of(self, provider: Provider, limits: Limits, retry: Retry) -> Gate:
        """The gate of `provider`'s endpoint and model."""
        endpoint = endpoint_of(provider)
        if endpoint is None:
            return super().of(provider, limits, retry)
        gate = self.shared.get(endpoint)
        if gate is None:
            gate = SharedGate(
                name_of(provider), limits, self._changed, max_retry_after=retry.max_retry_after
            )
            self.shared[endpoint] = gate
            self._changed()
        return gate


def _permits(per_minute: float | None) -> _Permits | None:
    return None if per_minute is None else _Permits(per_minute)
