"""The port of a store: keeps bytes by key, and shares equal work in flight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from catsdk.core.concurrency.flights import Flights
from catsdk.core.types import Completion

__all__ = ["Store"]


class Store(Protocol):
    """Keeps bytes by key; it may forget them at any time, and never fails a call."""

    flights: Flights[str, Completion]

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of `keys` that it has."""
        ...

    async def put(self, entries: dict[str, bytes]) -> None:
        """Keep `entries`."""
        ...

    async def drop(self, keys: Sequence[str]) -> None:
        """Forget `keys`."""
        ...
