"""RunStore: a run's entries in one SQLite file, written by one process, safe if it is killed."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Self

import anyio
from anyio import to_thread

from catsdk.core.concurrency.group_commit import GroupCommit
from catsdk.core.concurrency.pipeline import background_tasks
from catsdk.core.errors import ConfigurationError
from catsdk.runs.tables import KINDS, PAGE, PAID, SCHEMA, Find, Page, Put, Rows, Step, Tables

__all__ = [
    "KINDS",
    "PAGE",
    "PAID",
    "SCHEMA_VERSION",
    "InUseError",
    "Rows",
    "RunStore",
    "Step",
    "nothing",
]

SCHEMA_VERSION: Final = 5
WITHIN: Final = 0.05
"""Seconds between two transactions where nobody waits for them."""
APPLICATION_ID: Final = 0x0CA75D4B
_PAGE_SIZE: Final = 16_384
_MEBIBYTES: Final = 32
"""What SQLite may keep of the file in memory."""


def nothing() -> None:
    """What is called where nobody wants to hear."""


class InUseError(ConfigurationError):
    """Another process writes the file."""


class RunStore:
    """Entries `(kind, key) -> JSON text`, each in the file before `put` returns.

    The file is a SQLite database in WAL mode, so that others may read while it is written. One
    process writes at a time: it holds a lock that the system takes back when it dies. An entry
    outlives the process whenever it is killed; a power cut may cost the last ones, but never
    leaves a broken file. Use it as `async with RunStore(path) as store`. Whatever is asked of it
    while the file is busy is done in one transaction afterwards, in a thread; nothing is cut short
    by cancellation, for what is written was paid for.

    Args:
        path: The file; it is made when the store is entered.
    """

    def __init__(self, path: str | Path) -> None:
        """Choose the file."""
        self.path = Path(path)
        self._commits = GroupCommit[Step, Rows](self.carry)
        self._is_behind = False
        self._lock: sqlite3.Connection | None = None
        self._entries: sqlite3.Connection | None = None
        self._tables: Tables | None = None

    async def __aenter__(self) -> Self:
        """Open or make the file, and become its writer.

        Raises:
            ConfigurationError: another process writes it, it is not a run or of another version, it
                is damaged, or its folder cannot be made.
        """
        async with self._commits.turn:
            await to_thread.run_sync(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the file and let others write it."""
        with anyio.CancelScope(shield=True):
            async with self._commits.turn:
                await to_thread.run_sync(self._close)

    async def get(self, kind: str, key: str) -> str | None:
        """The entry of that kind and key, or `None`.

        Args:
            kind: One of `KINDS`.
            key: Unique within its kind.

        Raises:
            ConfigurationError: the file is damaged, or the store is not open.
        """
        [value] = await self.get_all(kind, [key])
        return value

    async def get_all(self, kind: str, keys: Iterable[str]) -> list[str | None]:
        """The entries of that kind with those keys, or `None` for each that is not there.

        Args:
            kind: One of `KINDS`.
            keys: Unique within their kind.

        Raises:
            ConfigurationError: as `get`.
        """
        asked = list(keys)
        pages = [tuple(asked[at : at + PAGE]) for at in range(0, len(asked), PAGE)]
        found = await self._do([Find(kind, page) for page in pages])
        values: dict[str, str] = dict(row for rows in found for row in rows)
        return [values.get(key) for key in asked]

    async def put(
        self,
        kind: str,
        key: str,
        value: str,
        spent: str = "",
        *,
        over: Callable[[], None] = nothing,
    ) -> None:
        """Keep an entry; one that is there already is replaced.

        Args:
            kind: One of `KINDS`.
            key: Unique within its kind.
            value: A JSON text.
            spent: What was consumed for it, as a JSON text; for the kinds of `PAID`.
            over: Called when it is in the file, or cannot be written; inside `behind` that is
                later than this returns.

        Raises:
            ConfigurationError: the disk is full or fails, or the store is not open.
        """
        await self._put([Put(kind, key, value, spent)], over)

    async def put_all(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """Keep entries, all of them or none.

        Args:
            entries: Kind, key and value of each.

        Raises:
            ConfigurationError: as `put`.
        """
        await self._put([Put(*entry) for entry in entries])

    @asynccontextmanager
    async def behind(self, within: float = WITHIN) -> AsyncGenerator[None]:
        """Let `put` and `put_all` return at once inside the block, and write many entries together.

        What they were given is found by whoever asks for it, and is in the file at most `within`
        seconds later, which is all that is lost when the process is killed. Where it cannot be
        written, what is put from then on and the end of the block raise the error. The file has
        everything when the block ends.

        Args:
            within: Seconds between two transactions; `hurry` makes the next one come sooner.

        Raises:
            ConfigurationError: the disk is full or fails.
        """
        async with background_tasks() as tasks:
            tasks.start_soon(self._commits.flush_every, within)
            self._is_behind = True
            try:
                yield
            except BaseException:
                # The error that ended the block matters more than a failure to write the rest.
                with suppress(ConfigurationError):
                    await self._catch_up()
                raise
            await self._catch_up()

    def hurry(self) -> None:
        """Write now what `behind` holds back."""
        self._commits.hurry()

    async def each(self, kind: str) -> AsyncGenerator[tuple[str, str]]:
        """Go over the keys and values of that kind, in the order in which they were first written.

        Entries that are written meanwhile may be among them.

        Args:
            kind: One of `KINDS`.

        Raises:
            ConfigurationError: as `get`.
        """
        async for page in self.pages(kind):
            for entry in page:
                yield entry

    async def pages(self, kind: str) -> AsyncGenerator[list[tuple[str, str]]]:
        """As `each`, but many at a time.

        Args:
            kind: One of `KINDS`.

        Raises:
            ConfigurationError: as `get`.
        """
        async for page in self._pages(kind, "key, value"):
            yield [(key, value) for _, key, value in page]

    async def is_empty(self, kind: str) -> bool:
        """Whether there is no entry of that kind.

        Args:
            kind: One of `KINDS`.

        Raises:
            ConfigurationError: as `get`.
        """
        async with aclosing(self._pages(kind, "spent" if kind in PAID else "key")) as pages:
            async for _ in pages:
                return False
        return True

    async def spent(self) -> AsyncGenerator[list[str]]:
        """Go over what was consumed for the entries of the kinds of `PAID`, many at a time.

        Raises:
            ConfigurationError: as `get`.
        """
        for kind in PAID:
            async for page in self._pages(kind, "spent"):
                yield [spent for _, spent in page if spent]

    async def _pages(self, kind: str, columns: str) -> AsyncGenerator[Rows]:
        last = 0
        while True:
            [rows] = await self._do([Page(kind, columns, last)])
            if not rows:
                return
            yield rows
            last = rows[-1][0]

    async def _do(self, steps: Sequence[Step]) -> list[Rows]:
        """Run the steps in one transaction, possibly together with those of other callers."""
        try:
            return await self._commits.do(steps)
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error

    async def _put(self, puts: list[Step], over: Callable[[], None] = nothing) -> None:
        if not self._is_behind:
            try:
                await self._do(puts)
            finally:
                over()
            return
        try:
            self._commits.add(puts, over)
        except Exception as error:
            over()
            if isinstance(error, sqlite3.Error):
                raise _failed(self.path, error) from error
            raise

    async def _catch_up(self) -> None:
        """End writing behind, with everything in the file."""
        self._is_behind = False
        try:
            with anyio.CancelScope(shield=True):
                await self._commits.flush()
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error

    async def carry(self, steps: list[Step]) -> list[Rows]:
        """Do the steps in one transaction, all or none; one at a time.

        A store whose file another process writes has it do them there.

        Args:
            steps: What to put, to find and to read.
        """
        return await to_thread.run_sync(self._run, steps)

    def _run(self, steps: list[Step]) -> list[Rows]:
        if self._tables is None:
            raise ConfigurationError(
                "the run store is closed; use it as `async with RunStore(...)`"
            )
        return self._tables.do(steps)

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
            self._entries = _entries(self.path)
            self._tables = Tables(self._entries)
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
        self._entries = self._lock = self._tables = None


def _failed(path: Path, error: sqlite3.Error) -> ConfigurationError:
    """Translate an error of SQLite, with what to do about it."""
    # The name of an error may have an extension, such as SQLITE_CORRUPT_INDEX.
    name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    why, fix = {
        "SQLITE_NOTADB": ("is not a run of catsdk", "choose another file"),
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
    """Lock a file next to the run by a transaction, which any system ends with the process."""
    connection = sqlite3.connect(
        f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise InUseError(
                f"another process is writing {path}; wait until it has ended, or choose another"
                " file"
            ) from error
        raise _failed(Path(f"{path}.lock"), error) from error
    return connection


def _entries(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _check_owner(connection, path)
        # Only now: it changes the file. An answer of several rollouts has a few kilobytes.
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = {-1024 * _MEBIBYTES}")
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
        # In one transaction, so that a process killed here leaves an empty file, not half a run.
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
        return
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} was written with schema {version}; this catsdk reads {SCHEMA_VERSION}."
            " Choose another file, or the catsdk that wrote it"
        )
