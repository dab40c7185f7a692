"""Runs work on a SQLite file in a thread; work that arrives meanwhile shares one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar, cast

import anyio
from anyio import to_thread

from catsdk.core.concurrency.group_commit import GroupCommit

__all__ = ["Transactions"]

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


class Transactions:
    """Does work on a connection so that whatever was done is in the file when `do` returns.

    Nothing is cut short by cancellation: what is written was paid for.

    Args:
        connection: Used by one thread at a time; without transactions of its own.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Start without work."""
        self._connection = connection
        self._commits = GroupCommit[Work, Any](self._carry)

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction, perhaps with that of others.

        Args:
            work: Reads and writes by the connection. Where it raises, all of the transaction is
                undone, and all who wait for it see the error.

        Returns:
            What it returns.
        """
        [result] = await self._commits.do([work])
        return cast("T", result)

    async def _carry(self, work: list[Work]) -> list[Any]:
        return await to_thread.run_sync(self._run, work)

    def _run(self, work: list[Work]) -> list[Any]:
        with self._connection as connection:
            connection.execute("BEGIN")
            return [each(connection) for each in work]

    async def close(self) -> None:
        """Close the connection, after what is being done."""
        with anyio.CancelScope(shield=True):
            async with self._commits.turn:
                await to_thread.run_sync(self._connection.close)
