"""Does equal work once, even while it is in flight, and remembers a bounded number of results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from catsdk.core.concurrency.flights import Flights
from catsdk.core.errors import InvalidInputError

__all__ = ["Once"]

V = TypeVar("V")


class Once(Generic[V]):
    """Remembers the results of at most `size` keys, the least recently used one leaves first.

    It may be used by several event loops; work in flight is shared within each. When the task
    that does the work is cancelled or fails, one of those that wait for it does it anew.
    """

    def __init__(self, size: int = 100_000) -> None:
        """Start empty.

        Raises:
            InvalidInputError: `size` is negative.
        """
        if size < 0:
            raise InvalidInputError(f"size is {size}; give 0 (share only work in flight) or more")
        self._size = size
        self._kept: OrderedDict[Hashable, V] = OrderedDict()
        self._flights: Flights[Hashable, V] = Flights()

    async def get(
        self, key: Hashable, make: Callable[[], Awaitable[V]], *, keep: Callable[[V], bool]
    ) -> tuple[V, bool]:
        """The result for `key`, and whether it was made by another request for it.

        `make` makes it where it is not there; it is remembered if `keep` says so, but whoever
        waits for it meanwhile shares it in any case.
        """
        kept = self.peek(key)
        if kept is not None:
            return kept, True

        async def made() -> V:
            value = await make()
            if keep(value):
                self.put(key, value)
            return value

        return await self._flights.once(key, made)

    def peek(self, key: Hashable) -> V | None:
        """The remembered result for `key`, if there is one."""
        kept = self._kept.get(key)
        if kept is not None:
            with suppress(KeyError):  # Another thread may have dropped it meanwhile.
                self._kept.move_to_end(key)
        return kept

    def put(self, key: Hashable, value: V) -> None:
        """Remember `value` for `key`."""
        self._kept[key] = value
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
