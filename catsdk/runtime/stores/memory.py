"""A store in memory that drops the least recently used answers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from catsdk.core.concurrency.flights import Flights
from catsdk.core.types import Completion

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps up to `max_bytes` of answers, each for `seconds`; shared by tasks and threads."""

    def __init__(
        self,
        max_bytes: int,
        seconds: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty."""
        self.flights: Flights[str, Completion] = Flights()
        self.max_bytes, self.seconds = max_bytes, seconds
        self.bytes = 0
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of `keys` that it has and that are not too old."""
        with self._lock:
            bodies = ((key, self._fresh(key)) for key in keys)
            return {key: body for key, body in bodies if body is not None}

    async def put(self, entries: dict[str, bytes]) -> None:
        """Keep `entries`; what is too much goes, the least recently used first."""
        with self._lock:
            for key, body in entries.items():
                self._forget(key)
                self._kept[key] = (self._clock(), body)
                self.bytes += len(key) + len(body)
            while self.bytes > self.max_bytes:
                self._forget(next(iter(self._kept)))

    async def drop(self, keys: Sequence[str]) -> None:
        """Forget `keys`."""
        with self._lock:
            for key in keys:
                self._forget(key)

    def _fresh(self, key: str) -> bytes | None:
        if key not in self._kept:
            return None
        since, body = self._kept[key]
        if self.seconds is not None and self._clock() - since >= self.seconds:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return body

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= len(key) + len(kept[1])
