"""RunStore: the entries of a run in one SQLite file, written by one process, safe when it is killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
from anyio import CapacityLimiter, to_thread

from catsdk.core.errors import ConfigurationError

__all__ = ["SCHEMA_VERSION", "RunStore"]

SCHEMA_VERSION: Final = 2
APPLICATION_ID: Final = 0x0CA75D4B

_SCHEMA = """
CREATE TABLE entries (
  kind TEXT NOT NULL,      -- answer, rollout, reference, verdict
  key TEXT NOT NULL,       -- unique within its kind
  value TEXT NOT NULL,     -- JSON
  PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class RunStore:
    """Entries `(kind, key) -> JSON text`, each in the file before `put` returns.

    The file is a SQLite database in WAL mode, so that others may read while it is written. One
    process writes at a time: it holds a lock that the system takes back when it dies. An entry
    outlives the process whenever it is killed; a power cut may cost the last ones, but never
    leaves a broken file. Use it as `async with RunStore(path) as store`. Work is done in a thread,
    one call at a time; `put` is not cut short by cancellation, for what it writes was paid for.
    """

    def __init__(self, path: str | Path) -> None:
        """Choose the file, `path`; it is made when the store is entered."""
        self.path = Path(path)
        self._one = CapacityLimiter(1)
        self._lock: sqlite3.Connection | None = None
        self._entries: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        """Open or make the file, and become its writer.

        Raises:
            ConfigurationError: another process writes it, it is not a run or of a newer version, it
                is damaged, or its folder cannot be made.
        """
        await to_thread.run_sync(self._open, limiter=self._one)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file and let others write it."""
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._close, limiter=self._one)

    async def get(self, kind: str, key: str) -> str | None:
        """The entry of that kind and key, or `None`.

        Raises:
            ConfigurationError: the file is damaged, or the store is not open.
        """
        query = "SELECT value FROM entries WHERE kind = ? AND key = ?"
        rows = await to_thread.run_sync(self._query, query, (kind, key), limiter=self._one)
        return rows[0][0] if rows else None

    async def put(self, kind: str, key: str, value: str) -> None:
        """Keep an entry; one that is there already is replaced.

        Raises:
            ConfigurationError: the disk is full or fails, or the store is not open.
        """
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._write, (kind, key, value), limiter=self._one)

    async def all(self, kind: str) -> dict[str, str]:
        """Every entry of that kind, by its key.

        Raises:
            ConfigurationError: the file is damaged, or the store is not open.
        """
        query = "SELECT key, value FROM entries WHERE kind = ? ORDER BY key"
        rows = await to_thread.run_sync(self._query, query, (kind,), limiter=self._one)
        return {row[0]: row[1] for row in rows}

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
            self._entries = _entries(self.path)
        except sqlite3.DatabaseError as error:
            self._close()
            raise _failed(self.path, error) from error
        except OSError as error:
            self._close()
            raise ConfigurationError(f"{self.path} cannot be written: {error}") from error
        except ConfigurationError:
            self._close()
            raise

    def _close(self) -> None:
        for connection in (self._entries, self._lock):
            if connection is not None:
                connection.close()
        self._entries = self._lock = None

    def _query(self, query: str, values: tuple[str, ...]) -> list[tuple[str, ...]]:
        connection = self._connection()
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error

    def _write(self, entry: tuple[str, str, str]) -> None:
        connection = self._connection()
        try:
            connection.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", entry)
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error

    def _connection(self) -> sqlite3.Connection:
        if self._entries is None:
            raise ConfigurationError(
                "the run store is closed; use it as `async with RunStore(...)`"
            )
        return self._entries


def _failed(path: Path, error: sqlite3.Error) -> ConfigurationError:
    """What SQLite's error means for a run, and what to do about it."""
    # The name of an error may have an extension, such as SQLITE_CORRUPT_INDEX.
    name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    why, fix = {
        "SQLITE_NOTADB": ("is no run of catsdk", "choose another file"),
        "SQLITE_CORRUPT": (
            "is damaged",
            "choose another file, or save what can be read with `sqlite3 FILE .recover`",
        ),
        "SQLITE_FULL": (
            "cannot be written: its disk is full",
            "free some space and start again; what was kept stays",
        ),
        "SQLITE_BUSY": ("is in use", "wait until the other process has ended"),
    }.get(
        name,
        (
            "cannot be read or written",
            "see to its disk and its permissions, or choose another file",
        ),
    )
    return ConfigurationError(f"{path} {why} ({error}); {fix}")


def _locked(path: Path) -> sqlite3.Connection:
    """Hold an exclusive transaction on a file beside the run: gone with the process, on any system."""
    connection = sqlite3.connect(
        f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise ConfigurationError(
                f"another process is writing {path}; wait until it has ended, or choose another"
                " file"
            ) from error
        raise _failed(Path(f"{path}.lock"), error) from error
    return connection


def _entries(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _check_owner(connection, path)
        # Only now: it changes the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _check_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or tables):
        raise ConfigurationError(f"{path} is a database of another program; choose another file")


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        # One transaction: a process that is killed here leaves an empty file, not half a run.
        connection.executescript(
            f"BEGIN; {_SCHEMA}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
        return
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written with schema {version}; this catsdk reads {SCHEMA_VERSION}."
            " Choose another file, or the catsdk that wrote it"
        )
