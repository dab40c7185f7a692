"""The gate of one endpoint and model: decides which call may be sent, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from threading import Lock

import anyio

from catsdk.core.concurrency.bell import Bell
from catsdk.core.errors import RateLimitedError
from catsdk.core.sending import Limits, Retry
from catsdk.runtime.limits.bucket import Bucket
from catsdk.runtime.limits.concurrency import AdaptiveLimit
from catsdk.runtime.limits.fair_queue import Turns
from catsdk.runtime.limits.latency import Latencies

__all__ = ["Gate", "Pass"]


@dataclass(slots=True)
class Pass:
    """One call that was let in: to be handed back exactly once."""

    stage: str
    tokens: float
    epoch: int
    since: float


@dataclass(slots=True, eq=False)
class _Waiter:
    stage: str
    rank: int
    tokens: float
    bell: Bell = field(default_factory=Bell)
    granted: Pass | None = None
    refused: RateLimitedError | None = None


class Gate:
    """Lets calls in: so many at once, so many a minute, none while a Retry-After is in force.

    It is shared by tasks, event loops and threads. One of those who wait for a time, not for a
    call to end, wakes for all (`_keeper`); the others wait to be woken.
    """

    def __init__(
        self,
        name: str,
        limits: Limits = Limits(),
        *,
        max_retry_after: float = Retry().max_retry_after,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` stands in errors."""
        self.name = name
        self.max_retry_after = max_retry_after
        self.latencies = Latencies()
        self.refusals = 0
        self._clock = clock
        self._lock = Lock()
        self._turns: Turns[_Waiter] = Turns()
        self._keeper: _Waiter | None = None
        self._alarm = inf
        self._in_flight = 0
        # Counted since the last cut for slowness, because an idle service is not slow from load.
        self._was_full = False
        # Stages whose latest window was slow; while there are any, the limit does not grow.
        self._slow: set[str] = set()
        self._paused_until = self._closed_until = -inf
        self._asked = 0.0
        self._limits = limits
        self._adaptive = AdaptiveLimit(limits.in_flight, limits.adaptive)
        self._requests = _bucket(limits.requests_per_minute)
        self._tokens = _bucket(limits.tokens_per_minute)

    @property
    def limits(self) -> Limits:
        """What it holds to."""
        return self._limits

    @property
    def in_flight(self) -> int:
        """Calls that were let in and are not back."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        return len(self._turns)

    @property
    def allowed(self) -> int:
        """Calls that may be in flight at present."""
        return self._adaptive.allowed

    @property
    def paused_for(self) -> float:
        """Seconds for which the service's Retry-After is still in force."""
        return max(0.0, self._paused_until - self._clock())

    def configure(self, limits: Limits) -> None:
        """Hold to `limits` from now on; what adapted and what is in flight stays."""
        with self._lock:
            if limits == self._limits:
                return
            old, self._limits = self._limits, limits
            self._adaptive.capped(limits.in_flight, adapts=limits.adaptive)
            if limits.requests_per_minute != old.requests_per_minute:
                self._requests = _bucket(limits.requests_per_minute)
            if limits.tokens_per_minute != old.tokens_per_minute:
                self._tokens = _bucket(limits.tokens_per_minute)
            self._let_in()

    async def enter(self, stage: str, rank: int = 0, tokens: float = 0.0) -> Pass:
        """Wait for a place; `tokens` is what the call may use.

        Raises:
            RateLimitedError: the service asked for a longer wait than `max_retry_after`.
        """
        with self._lock:
            self._raise_if_closed()
            if not self._turns and not self._is_full and self._wait(tokens) == 0.0:
                return self._admit(stage, tokens)
            waiter = _Waiter(stage, rank, tokens)
            self._turns.add(waiter)
            self._let_in()
        try:
            return await self._wait_for_turn(waiter)
        except BaseException:
            with self._lock:
                if waiter.granted is not None:
                    self._cancel(waiter.granted)
                self._turns.remove(waiter)
                self._let_in()
            raise

    def leave(
        self, admitted: Pass, *, answered: bool = False, used: int | None = None, answers: int = 1
    ) -> None:
        """Give the place back; `used` are the tokens of all `answers`, where the service told."""
        now = self._clock()
        with self._lock:
            full = self._is_full
            self._back(admitted)
            if self._tokens is not None and used is not None:
                self._tokens.give_back(admitted.tokens - used, now)
            if answered:
                tokens = (used or 0) // answers
                self._pace(admitted, now - admitted.since, tokens)
                self._adaptive.succeeded(full=full and not self._slow)
            self._let_in()

    def refused(self, admitted: Pass, retry_after: float | None) -> None:
        """Give the place back: the service is overloaded, and may have said for how long."""
        now = self._clock()
        with self._lock:
            self.refusals += 1
            self._back(admitted)
            if self._tokens is not None:
                self._tokens.give_back(admitted.tokens, now)
            self._adaptive.overloaded(admitted.epoch)
            if retry_after is not None:
                self._pause(retry_after, now)
            self._let_in()

    def _pace(self, admitted: Pass, seconds: float, tokens: int) -> None:
        """Shrink the limit if a window of answers was much slower than the best one, under load."""
        slower = self.latencies.answered(
            admitted.stage, seconds, tokens=tokens, window=self._adaptive.allowed
        )
        if slower is None:
            return
        self._slow.discard(admitted.stage)
        if slower and self._was_full:
            self._was_full = False
            self._slow.add(admitted.stage)
            self._adaptive.slowed(admitted.epoch)

    def _pause(self, seconds: float, now: float) -> None:
        bound = self.max_retry_after
        if seconds <= bound:
            self._paused_until = max(self._paused_until, now + seconds)
            return
        # The wait is too long: calls fail without being sent, and after the bound one may try.
        self._asked, self._closed_until = seconds, now + bound
        for waiter in self._turns.all():
            waiter.refused = self._closed()
            self._turns.remove(waiter)
            waiter.bell.ring()

    def _raise_if_closed(self) -> None:
        if self._clock() < self._closed_until:
            raise self._closed()

    def _closed(self) -> RateLimitedError:
        return RateLimitedError(
            f"{self.name} asked for a wait of {self._asked:.0f} s, over the"
            f" {self.max_retry_after:g} s allowed (max_retry_after); not sent",
            model=self.name,
            retry_after=self._asked,
        )

    async def _wait_for_turn(self, waiter: _Waiter) -> Pass:
        while True:
            patience = self._patience(waiter)
            if patience == inf:
                await waiter.bell.wait()
            else:
                with anyio.move_on_after(patience):
                    await waiter.bell.wait()
            if waiter.refused is not None:
                raise waiter.refused
            if waiter.granted is not None:
                return waiter.granted
            with self._lock:
                self._let_in()

    def _patience(self, waiter: _Waiter) -> float:
        with self._lock:
            if waiter is not self._keeper or waiter.granted is not None:
                return inf
            return max(0.0, self._alarm - self._clock())

    def _let_in(self) -> None:
        """Admit the calls that may go now, and schedule the next admission."""
        # Skip the choice of the next call while none may go.
        while self._turns and not self._is_full:
            waiter = self._turns.next()
            if self._wait(waiter.tokens) > 0.0:
                break
            self._turns.remove(waiter)
            waiter.granted = self._admit(waiter.stage, waiter.tokens)
            if not waiter.bell.ring():
                self._cancel(waiter.granted)
        self._appoint_keeper()

    def _appoint_keeper(self) -> None:
        if self._is_full or not self._turns:
            # No timer is needed: nobody waits, or the end of a call admits the next.
            self._keeper = None
            return
        head = self._turns.next()
        alarm = self._clock() + self._wait(head.tokens)
        if head is not self._keeper or alarm < self._alarm:
            head.bell.ring()
        self._keeper, self._alarm = head, alarm

    @property
    def _is_full(self) -> bool:
        return self._in_flight >= self._adaptive.allowed

    def _wait(self, tokens: float) -> float:
        """The seconds until a call with this many tokens may go, given a free slot."""
        now = self._clock()
        wait = max(0.0, self._paused_until - now)
        if self._requests is not None:
            wait = max(wait, self._requests.wait(1.0, now))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(tokens, now))
        return wait

    def _admit(self, stage: str, tokens: float) -> Pass:
        now = self._clock()
        if self._requests is not None:
            self._requests.take(1.0, now)
        if self._tokens is not None:
            self._tokens.take(tokens, now)
        self._in_flight += 1
        self._was_full = self._was_full or self._is_full
        self._turns.running[stage] += 1
        return Pass(stage, tokens, self._adaptive.epoch, now)

    def _cancel(self, admitted: Pass) -> None:
        """Undo an admission whose call was not sent."""
        now = self._clock()
        self._back(admitted)
        if self._requests is not None:
            self._requests.give_back(1.0, now)
        if self._tokens is not None:
            self._tokens.give_back(admitted.tokens, now)

    def _back(self, admitted: Pass) -> None:
        self._in_flight -= 1
        self._turns.running[admitted.stage] -= 1


def _bucket(per_minute: float | None) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute)
