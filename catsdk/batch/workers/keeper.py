"""Keeps the answers of a job in partitions: one file, written by one process, for each."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Self

import anyio

from catsdk.core.errors import CatError, ConfigurationError
from catsdk.runs.ledger import paid
from catsdk.runs.store import InUseError, Rows, RunStore, Step

__all__ = ["Keeper", "RemoteStore", "partition_files", "partition_of"]

_NAME = re.compile(r"partition-\d+-of-(\d+)\.sqlite")

PATIENCE, AGAIN = 15.0, 0.25
"""For how long a new keeper waits until another process leaves its file, and how often it asks."""

Steps = list[Step]
Carried = tuple[list[Rows], str | None]
"""What came of some steps, and why there is nothing: errors of ours do not survive every wire."""


def partition_files(folder: Path, partitions: int) -> list[Path]:
    """The files of the partitions; where there are some already, those, whatever was asked for.

    Args:
        folder: The output folder.
        partitions: How many files a new folder gets.
    """
    found = [_NAME.fullmatch(path.name) for path in folder.glob("partition-*.sqlite")]
    known = [int(match[1]) for match in found if match]
    many = known[0] if known else partitions
    return [folder / f"partition-{at:02}-of-{many}.sqlite" for at in range(many)]


def partition_of(id: str, partitions: int) -> int:
    """The number of the partition that has the row: the same in each run, and for each worker."""
    digest = sha256(id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % partitions


class Keeper:
    """Writes the file of one partition for workers in other processes.

    Args:
        path: The file; it is opened by the first who asks.
    """

    def __init__(self, path: str) -> None:
        """Choose the file."""
        self._store = RunStore(path)
        self._exits = AsyncExitStack()
        self._turn: anyio.Lock | None = None
        self._is_open = False
        self._patience = monotonic() + PATIENCE

    async def carry(self, steps: Steps) -> Carried:
        """Do the steps in one transaction, and only then say so; twice is as good as once."""
        try:
            async with self._opened() as store:
                return await store.carry(steps), None
        except (CatError, sqlite3.Error) as error:
            return [], f"{self._store.path}: {error}"

    async def paid(self) -> tuple[str, str | None]:
        """What all runs consumed for this partition, as JSON, or why it cannot be said."""
        try:
            async with self._opened() as store:
                return (await paid(store)).model_dump_json(exclude_defaults=True), None
        except CatError as error:
            return "", str(error)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[RunStore]:
        """Open the store, for one caller at a time."""
        self._turn = self._turn or anyio.Lock()
        async with self._turn:
            while not self._is_open:
                try:
                    await self._exits.enter_async_context(self._store)
                    self._is_open = True
                except InUseError:
                    if monotonic() > self._patience:
                        raise
                    # The keeper of an earlier job may not have ended yet.
                    await anyio.sleep(AGAIN)
            yield self._store


class RemoteStore(RunStore):
    """A run store whose file another process writes: what is asked meanwhile goes there together.

    Args:
        path: The file, for errors.
        carry: `Keeper.carry`, wherever the keeper is.
    """

    def __init__(self, path: str | Path, carry: Callable[[Steps], Awaitable[Carried]]) -> None:
        """Write through these keepers."""
        super().__init__(path)
        self._keeper = carry

    async def __aenter__(self) -> Self:
        """Do nothing: the keepers are open."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing: the job closes the keepers."""

    async def carry(self, steps: Steps) -> list[Rows]:
        """Have the keeper do the steps."""
        rows, failure = await self._keeper(steps)
        if failure is not None:
            raise ConfigurationError(failure)
        return rows
