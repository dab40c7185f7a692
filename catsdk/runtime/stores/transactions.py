"""Work on a SQLite file, done in a thread; what is asked for meanwhile shares one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import anyio
from anyio import to_thread

__all__ = ["Transactions"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


@dataclass(eq=False)
class _Trip:
    """What is done in one transaction, and what comes back to those who wait for it."""

    work: list[Work] = field(default_factory=list[Work])
    results: list[Any] = field(default_factory=list[Any])
    error: Exception | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


class Transactions:
    """Does work on a connection so that whatever was done is in the file when `do` returns.

    Nothing is cut short by cancellation: what is written was paid for.

    Args:
        connection: Used by one thread at a time; without transactions of its own.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Begin with nothing to do."""
        self._connection = connection
        self._turn = anyio.Lock()
        self._next: _Trip | None = None

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction, perhaps with that of others.

        Args:
            work: Reads and writes by the connection. Where it raises, all of the transaction is
                undone, and all who wait for it see the error.

        Returns:
            What it returns.
        """
        waiting = self._next
        trip = waiting or _Trip()
        place = len(trip.work)
        trip.work.append(work)
        with anyio.CancelScope(shield=True):
            if waiting is None:
                await self._go(trip)
            else:
                await trip.over.wait()
        if trip.error is not None:
            raise trip.error
        return cast("T", trip.results[place])

    async def _go(self, trip: _Trip) -> None:
        self._next = trip
        async with self._turn:
            # Who comes from now on waits for the next one.
            self._next = None
            try:
                trip.results = await to_thread.run_sync(self._run, trip.work)
            except Exception as error:  # noqa: BLE001  # raised by all who wait
                trip.error = error
            trip.over.set()

    def _run(self, work: list[Work]) -> list[Any]:
        with self._connection as connection:
            connection.execute("BEGIN")
            return [each(connection) for each in work]

    async def close(self) -> None:
        """Close the connection, after what is being done."""
        with anyio.CancelScope(shield=True):
            async with self._turn:
                await to_thread.run_sync(self._connection.close)
