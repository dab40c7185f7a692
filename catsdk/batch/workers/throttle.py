"""Throttle: divides the limits of one endpoint and model among the workers of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from catsdk.batch.workers.messages import GateOrder, GateReport
from catsdk.core.sending import Limits
from catsdk.runtime.limits.bucket import WINDOW, Bucket
from catsdk.runtime.limits.concurrency import AdaptiveLimit

__all__ = ["Throttle"]

ROTATION = 2.0
"""Seconds after which other workers have their turn, where there are fewer slots than workers."""


@dataclass(slots=True)
class _Share:
    """The slots and permits of one worker.

    `held` is the number of slots that it may be using: revoked ones count until it reports them
    free.
    """

    slots: int = 0
    held: int = 0
    wanted: int = 0
    version: int = 0
    lowered: int = 0
    requests: float = 0.0
    tokens: float = 0.0
    requests_short: int = 0
    tokens_short: float = 0.0


class Throttle:
    """Slots and permits: how many calls are in flight, and how many are sent in a minute.

    A worker keeps its slots from call to call; where another one is short, fair parts are made by
    what each wants. Permits are handed out when calls wait for them, a second's worth at most, so
    that the bound of a minute holds for all workers together. The number of slots adapts as that of
    one process does, by what all workers meet; a Retry-After holds for all of them.

    Args:
        limits: What all workers together hold to.
        max_retry_after: The longest wait that the service may ask for, in seconds.
        clock: Seconds, rising.
    """

    def __init__(
        self, limits: Limits, max_retry_after: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin without a worker."""
        self.limits = limits
        self.news: set[str] = set()
        """The workers whose order has changed."""
        self._max_retry_after = max_retry_after
        self._clock = clock
        self._adaptive = AdaptiveLimit(limits.in_flight, limits.adaptive)
        self._requests = _bucket(limits.requests_per_minute)
        self._tokens = _bucket(limits.tokens_per_minute)
        self._shares: dict[str, _Share] = {}
        self._paused_until = -inf
        self._asked = 0.0
        self._pauses = 0

    @property
    def allowed(self) -> int:
        """Calls that all workers together may have in flight at present."""
        return self._adaptive.allowed

    @property
    def held(self) -> int:
        """Slots that workers may be using."""
        return sum(share.held for share in self._shares.values())

    def heard(self, worker: str, report: GateReport) -> None:
        """Take in what a worker told."""
        now = self._clock()
        share = self._shares.get(worker)
        if share is None:
            # A worker that was presumed dead resumes with its old count.
            share = _Share(version=report.seen, held=report.in_flight)
            self._shares[worker] = share
            self.news.add(worker)
        if report.seen >= share.lowered:
            share.held = max(share.slots, report.in_flight)
        share.wanted = report.in_flight + report.waiting
        share.requests_short, share.tokens_short = report.requests_short, report.tokens_short
        for _ in range(report.full):
            self._adaptive.succeeded(full=True)
        for why, epoch in report.cuts:
            (self._adaptive.overloaded if why == "overloaded" else self._adaptive.slowed)(epoch)
        if report.pause is not None:
            self._pause(report.pause, now)
        if self._requests is not None and report.requests_back:
            self._requests.give_back(report.requests_back, now)
        if self._tokens is not None and report.tokens_back:
            self._tokens.give_back(report.tokens_back, now)

    def gone(self, worker: str) -> None:
        """A worker died, and its connections with it: others may have its slots."""
        self._shares.pop(worker, None)
        self.news.discard(worker)

    def settle(self) -> float:
        """Share out what there is.

        Returns:
            Seconds after which there is more to share, though nobody tells anything.
        """
        return min(self._share_slots(), self._share_permits())

    def order(self, worker: str) -> GateOrder:
        """What that worker is to know; each permit is handed out once."""
        self.news.discard(worker)
        share = self._shares[worker]
        requests, tokens, share.requests, share.tokens = share.requests, share.tokens, 0.0, 0.0
        pause = self._paused_until - self._clock()
        return GateOrder(
            version=share.version,
            slots=share.slots,
            epoch=self._adaptive.epoch,
            # A pause that is longer than allowed closes the gate of each worker.
            pause=self._asked if self._asked > self._max_retry_after else max(0.0, pause),
            pauses=self._pauses,
            requests=requests,
            tokens=tokens,
        )

    def _pause(self, seconds: float, now: float) -> None:
        self._paused_until = max(self._paused_until, now + min(seconds, self._max_retry_after))
        self._asked = seconds
        self._pauses += 1
        self.news.update(self._shares)

    # --- slots ----------------------------------------------------------------------------

    def _share_slots(self) -> float:
        total, shares = self.allowed, self._shares
        if not shares:
            return inf
        turns = [*shares]
        scarce = sum(share.wanted > 0 for share in shares.values()) > total
        if scarce:
            first = int(self._clock() / ROTATION) % len(turns)
            turns = turns[first:] + turns[:first]
        parts = fair_parts(total, {worker: shares[worker].wanted for worker in turns})
        lacking = any(parts[worker] > share.slots for worker, share in shares.items())
        if lacking or sum(share.slots for share in shares.values()) > total:
            self._lower(parts)
        self._raise(parts, total - self.held)
        return ROTATION if scarce else inf

    def _lower(self, parts: Mapping[str, int]) -> None:
        for worker, share in self._shares.items():
            if share.slots > parts[worker]:
                share.slots = parts[worker]
                share.version += 1
                share.lowered = share.version
                self.news.add(worker)

    def _raise(self, parts: Mapping[str, int], free: int) -> None:
        for worker, part in parts.items():
            share = self._shares[worker]
            # Slots that were revoked but are still held may be granted again.
            more = min(part - share.slots, free + share.held - share.slots)
            if more > 0:
                share.slots += more
                free -= max(0, share.slots - share.held)
                share.held = max(share.held, share.slots)
                share.version += 1
                self.news.add(worker)

    # --- permits --------------------------------------------------------------------------

    def _share_permits(self) -> float:
        now, alarm = self._clock(), inf
        if self._paused_until > now:
            return self._paused_until - now
        for worker in list(self._shares):
            share, served = self._shares[worker], False
            if self._requests is not None and share.requests_short:
                most = max(1.0, self._requests.burst // len(self._shares))
                sizes = (max(most, min(share.requests_short, self._requests.burst // 1)), 1.0)
                taken, wait = _taken(self._requests, sizes, now)
                share.requests += taken
                share.requests_short = max(0, share.requests_short - int(taken))
                served, alarm = served or taken > 0, min(alarm, wait)
            if self._tokens is not None and share.tokens_short:
                most = self._tokens.burst / len(self._shares)
                sizes = (max(most, share.tokens_short), share.tokens_short)
                taken, wait = _taken(self._tokens, sizes, now)
                share.tokens += taken
                share.tokens_short = max(0.0, share.tokens_short - taken)
                served, alarm = served or taken > 0, min(alarm, wait)
            if served:
                self.news.add(worker)
                # Rotate, so that the others come first next time.
                self._shares[worker] = self._shares.pop(worker)
        return alarm


def fair_parts(total: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Part `total` so that nobody has more than it wants while another has less than an equal part.

    Args:
        total: What there is.
        wanted: What each wants; where it cannot be parted evenly, the first have one more.
    """
    parts: dict[str, int] = dict.fromkeys(wanted, 0)
    lacking: list[str] = [who for who, many in wanted.items() if many > 0]
    while total > 0 and lacking:
        each, rest = divmod(total, len(lacking))
        for at, who in enumerate(lacking):
            more = min(wanted[who] - parts[who], each + (at < rest))
            parts[who] += more
            total -= more
        lacking = [who for who in lacking if parts[who] < wanted[who]]
    return parts


def _taken(bucket: Bucket, sizes: Iterable[float], now: float) -> tuple[float, float]:
    """Take the first of the sizes that is available; return it, or else the wait for the last."""
    wait = inf
    for size in sizes:
        wait = bucket.wait(size, now)
        if wait == 0.0:
            bucket.take(size, now)
            return size, inf
    return 0.0, wait


def _bucket(per_minute: float | None) -> Bucket | None:
    # Workers hold at most one second's worth, which may be used in the following minute.
    return None if per_minute is None else Bucket(per_minute * WINDOW / (WINDOW + 1.0))
