"""Journal: requests that wait for a batch, the batches, and their results, in one file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Final, Literal, Self
from uuid import uuid4

from anyio import to_thread

from catsdk.core.errors import ConfigurationError
from catsdk.runtime.stores.transactions import Transactions

__all__ = ["Journal", "Kept", "Pending", "ShardRow", "ShardState"]

APPLICATION_ID: Final = 0x0CA75D4C
SCHEMA_VERSION: Final = 1
MEMORY: Final = ":memory:"

ShardState = Literal["packed", "creating", "submitted", "ambiguous"]
"""`packed`: nothing is bought yet. `creating`: it may be bought. `submitted`: it is, by its id.
`ambiguous`: the service's list does not show whether it is."""

# A call is `waiting` for a batch, `out` in one, `answered`, `failed`, or `withdrawn` to be sent
# directly. Ids are never reused, so that results of an old batch cannot match a new request.
_SCHEMA = f"""
BEGIN;
CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, key TEXT NOT NULL,
    place TEXT NOT NULL, request TEXT NOT NULL, asked REAL NOT NULL, wanted TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0, shard INTEGER,
    answer TEXT, given INTEGER NOT NULL DEFAULT 0, UNIQUE (queue, key)
);
CREATE INDEX calls_in_order ON calls (queue, state, id);
CREATE INDEX calls_of_shards ON calls (shard) WHERE shard IS NOT NULL;
CREATE INDEX calls_of_places ON calls (place, state);
CREATE TABLE shards (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, uploaded TEXT NOT NULL DEFAULT '', batch TEXT, created REAL NOT NULL,
    size INTEGER NOT NULL, tokens INTEGER NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO facts VALUES ('run', '{{run}}');
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits for a batch, or is in one."""

    id: int
    request: str
    tries: int
    asked: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a call: its state, and its answer or failure as JSON."""

    id: int
    state: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A batch, or one that is to be bought."""

    id: int
    digest: str
    state: ShardState
    uploaded: str
    batch: str | None
    created: float
    size: int
    tokens: int


class Journal:
    """Everything about batches that must outlive the process; use `Journal.open`.

    One process uses a file at a time. A call is found again by the queue of its model and its key.
    """

    def __init__(
        self, connection: sqlite3.Connection, lock: sqlite3.Connection | None, run: str
    ) -> None:
        """Use open connections, for the run of this name."""
        self.run = run
        self.session = uuid4().hex
        self._do = Transactions(connection)
        self._lock = lock

    @classmethod
    async def open(cls, path: str | None) -> Self:
        """Open a file, or make it; without a path all is in memory.

        Args:
            path: The file.

        Raises:
            ConfigurationError: another process uses it, it is something else, or it cannot be
                written.
        """
        connection, lock = await to_thread.run_sync(_opened, path)
        query = "SELECT value FROM facts WHERE name = 'run'"
        (run,) = await to_thread.run_sync(lambda: connection.execute(query).fetchone())
        return cls(connection, lock, run)

    @property
    def lasts(self) -> bool:
        """Whether it outlives the process."""
        return self._lock is not None

    async def close(self) -> None:
        """Forget what was given to who asked for it, and close the file."""
        await self._do.do(
            lambda db: db.execute("DELETE FROM calls WHERE given = 1 OR state = 'withdrawn'")
        )
        await self._do.close()
        if self._lock is not None:
            await to_thread.run_sync(self._lock.close)

    # --- calls ----------------------------------------------------------------------------

    async def ask(self, queue: str, key: str, place: str, request: str, payer: int) -> Kept:
        """Give what is known of a call; one that is not known waits from now on.

        `payer` tells who pays for it in this process.
        """

        def work(db: sqlite3.Connection) -> Kept:
            db.execute(
                "INSERT INTO calls (queue, key, place, request, asked, wanted)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (queue, key) DO UPDATE SET wanted = excluded.wanted",
                (queue, key, place, request, time(), self._wanted(payer)),
            )
            row = db.execute(
                "SELECT id, state, answer FROM calls WHERE queue = ? AND key = ?", (queue, key)
            ).fetchone()
            return Kept(*row)

        return await self._do.do(work)

    async def look(self, id: int) -> Kept | None:
        """Give what is known of a call by now; `None` if it was forgotten."""
        query = "SELECT id, state, answer FROM calls WHERE id = ?"
        row = await self._do.do(lambda db: db.execute(query, (id,)).fetchone())
        return None if row is None else Kept(*row)

    async def given(self, id: int) -> None:
        """Note that whoever asked has the answer."""
        await self._do.do(lambda db: db.execute("UPDATE calls SET given = 1 WHERE id = ?", (id,)))

    async def forget(self, ids: Iterable[int]) -> None:
        """Forget calls: who asks again is a new one."""
        each = [(id,) for id in ids]
        await self._do.do(lambda db: db.executemany("DELETE FROM calls WHERE id = ?", each))

    async def forget_waiting(self, id: int) -> None:
        """Forget a call that is in no batch yet."""
        query = "DELETE FROM calls WHERE id = ? AND state = 'waiting'"
        await self._do.do(lambda db: db.execute(query, (id,)))

    def _wanted(self, payer: int) -> str:
        # Requests that only an earlier process asked for are not paid for.
        return f"{self.session}-{payer}"

    async def waiting(self, queue: str, payer: int) -> tuple[int, float | None]:
        """How many calls wait that this payer pays, and since when the oldest does."""
        query = (
            "SELECT count(*), min(asked) FROM calls"
            " WHERE queue = ? AND state = 'waiting' AND wanted = ?"
        )
        values = (queue, self._wanted(payer))
        row: tuple[int, float | None] = await self._do.do(
            lambda db: db.execute(query, values).fetchone()
        )
        return row

    async def page(self, queue: str, payer: int, after: int, most: int) -> list[Pending]:
        """The next calls that wait and that this payer pays, in the order of their ids."""
        query = (
            "SELECT id, request, tries, asked FROM calls"
            " WHERE queue = ? AND state = 'waiting' AND wanted = ? AND id > ? ORDER BY id LIMIT ?"
        )
        values = (queue, self._wanted(payer), after, most)
        rows = await self._do.do(lambda db: db.execute(query, values).fetchall())
        return [Pending(*row) for row in rows]

    async def of(self, ids: Sequence[int], shard: int | None = None) -> dict[int, Pending]:
        """The calls with these ids, by their id; of one shard where it is given."""
        marks = ", ".join("?" * len(ids))
        query = f"SELECT id, request, tries, asked FROM calls WHERE id IN ({marks})"
        if shard is not None:
            query += f" AND state = 'out' AND shard = {shard:d}"
        rows = await self._do.do(lambda db: db.execute(query, tuple(ids)).fetchall())
        return {row[0]: Pending(*row) for row in rows}

    async def withdraw_waiting(self, queue: str, before: float) -> list[int]:
        """Let calls that were asked before a time and wait be sent as ever; gives their ids."""

        def work(db: sqlite3.Connection) -> list[int]:
            rows = db.execute(
                "UPDATE calls SET state = 'withdrawn'"
                " WHERE queue = ? AND state = 'waiting' AND asked <= ? RETURNING id",
                (queue, before),
            ).fetchall()
            return [id for (id,) in rows]

        return await self._do.do(work)

    async def ready(self, places: Sequence[str]) -> set[str]:
        """Those of the places whose calls have all come back, or failed, or were withdrawn."""
        marks = ", ".join("?" * len(places))
        query = (
            f"SELECT place FROM calls WHERE place IN ({marks}) GROUP BY place"
            " HAVING sum(state IN ('waiting', 'out')) = 0"
        )
        rows = await self._do.do(lambda db: db.execute(query, tuple(places)).fetchall())
        there = {place for (place,) in rows}
        known = f"SELECT DISTINCT place FROM calls WHERE place IN ({marks})"
        rows = await self._do.do(lambda db: db.execute(known, tuple(places)).fetchall())
        # A call that is not in the journal has failed, or was never requested.
        return there | (set(places) - {place for (place,) in rows})

    async def unclaimed(self, queue: str) -> list[str]:
        """The answers that an earlier process paid for and nobody has had yet."""
        query = "SELECT answer FROM calls WHERE queue = ? AND state = 'answered' AND given = 0"
        rows = await self._do.do(lambda db: db.execute(query, (queue,)).fetchall())
        return [answer for (answer,) in rows]

    # --- shards ---------------------------------------------------------------------------

    async def pack(self, queue: str, digest: str, ids: Sequence[int], tokens: int) -> ShardRow:
        """Make a shard of calls that wait."""

        def work(db: sqlite3.Connection) -> ShardRow:
            shard = db.execute(
                "INSERT INTO shards (queue, digest, state, created, size, tokens)"
                " VALUES (?, ?, 'packed', ?, ?, ?) RETURNING *",
                (queue, digest, time(), len(ids), tokens),
            ).fetchone()
            db.executemany(
                "UPDATE calls SET state = 'out', shard = ? WHERE id = ?",
                [(shard[0], id) for id in ids],
            )
            return _shard(shard)

        return await self._do.do(work)

    async def shards(self, queue: str | None = None) -> list[ShardRow]:
        """All shards that have not ended, oldest first."""
        where, values = ("", ()) if queue is None else ("WHERE queue = ?", (queue,))
        query = f"SELECT * FROM shards {where} ORDER BY id"
        rows = await self._do.do(lambda db: db.execute(query, values).fetchall())
        return [_shard(row) for row in rows]

    async def mark(self, shard: int, **facts: str | float) -> None:
        """Change what is known of a shard: `state`, `uploaded`, `batch`, `created`."""
        names = ", ".join(f"{name} = ?" for name in facts)
        query = f"UPDATE shards SET {names} WHERE id = ?"
        await self._do.do(lambda db: db.execute(query, (*facts.values(), shard)))

    async def ids_of(self, shard: int) -> list[int]:
        """The ids of the calls that are out in a shard, in their order."""
        query = "SELECT id FROM calls WHERE shard = ? AND state = 'out' ORDER BY id"
        rows = await self._do.do(lambda db: db.execute(query, (shard,)).fetchall())
        return [id for (id,) in rows]

    async def keep(self, answers: Sequence[tuple[int, str, str]]) -> None:
        """Keep what calls brought: the id, `answered` or `failed`, and the answer as JSON."""
        values = [(state, answer, id) for id, state, answer in answers]
        query = "UPDATE calls SET state = ?, answer = ?, shard = NULL WHERE id = ?"
        await self._do.do(lambda db: db.executemany(query, values))

    async def put_back(self, ids: Sequence[int], *, tries: int) -> None:
        """Let calls wait for another batch, and count `tries` more."""
        values = [(tries, id) for id in ids]
        query = "UPDATE calls SET state = 'waiting', shard = NULL, tries = tries + ? WHERE id = ?"
        await self._do.do(lambda db: db.executemany(query, values))

    async def withdraw(self, ids: Sequence[int]) -> None:
        """Let calls be sent as ever."""
        query = "UPDATE calls SET state = 'withdrawn', shard = NULL WHERE id = ?"
        values = [(id,) for id in ids]
        await self._do.do(lambda db: db.executemany(query, values))

    async def end(self, shard: int) -> None:
        """Forget a shard all of whose calls are accounted for."""
        await self._do.do(lambda db: db.execute("DELETE FROM shards WHERE id = ?", (shard,)))


def _shard(row: tuple[Any, ...]) -> ShardRow:
    id, _, digest, state, uploaded, batch, created, size, tokens = row
    return ShardRow(id, digest, state, uploaded, batch, created, size, tokens)


def _opened(path: str | None) -> tuple[sqlite3.Connection, sqlite3.Connection | None]:
    if path is None:
        connection = sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False)
        _make(connection)
        return connection, None
    file = Path(path).expanduser()
    lock = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(file)
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        _check(connection, file)
    except (sqlite3.Error, OSError) as error:
        if lock is not None:
            lock.close()
        raise ConfigurationError(
            f"{file} cannot be used for batches ({error}); free some space, or name another file:"
            " Batching(path=...)"
        ) from error
    return connection, lock


def _locked(file: Path) -> sqlite3.Connection:
    """Lock a file next to the journal by a transaction, which any system ends with the process."""
    lock = sqlite3.connect(f"{file}.lock", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise ConfigurationError(
                f"another process uses {file} for its batches; wait until it has ended, or name"
                " another file: Batching(path=...)"
            ) from error
        raise
    return lock


def _check(connection: sqlite3.Connection, file: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if (tables or application) and application != APPLICATION_ID:
        raise ConfigurationError(f"{file} is a database of another program; name another file")
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL, so that a batch that was paid for is known even after a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    if not tables:
        _make(connection)
    elif version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{file} was written with schema {version}; this catsdk reads {SCHEMA_VERSION}. Name"
            " another file, or use the catsdk that wrote it"
        )


def _make(connection: sqlite3.Connection) -> None:
    # In one transaction, so that a process killed here leaves an empty file, not half a journal.
    connection.executescript(_SCHEMA.format(run=uuid4().hex[:10]))
