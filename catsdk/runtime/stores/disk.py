"""Answers kept in one SQLite file, which several processes may use at the same time."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from catsdk.core.concurrency.flights import Flights
from catsdk.core.types import Completion

__all__ = ["DiskStore"]

T = TypeVar("T")
_log = logging.getLogger("catsdk")

# Triggers maintain the total size, so that the bound holds whichever process writes.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, body BLOB NOT NULL, digest BLOB NOT NULL,
    size INTEGER NOT NULL, stored REAL NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_used ON answers (used);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);
CREATE TRIGGER IF NOT EXISTS answer_kept AFTER INSERT ON answers
    BEGIN UPDATE total SET bytes = bytes + NEW.size; END;
CREATE TRIGGER IF NOT EXISTS answer_gone AFTER DELETE ON answers
    BEGIN UPDATE total SET bytes = bytes - OLD.size; END;
"""
_APPLICATION = 0x0CA7
_BUSY = 10.0
# The last use of an answer is updated at most this often (seconds), so that reads rarely write.
_USED = 600.0


class DiskStore:
    """Keeps up to `max_bytes` of answers in the file `path`, each for `seconds`.

    The work is done in a thread. An entry that is not what was written is forgotten. A cache that
    is damaged is put aside (as `.damaged`) and made anew. A file that is not known to be a cache is
    never moved or written to. There, and where the disk is full or fails, nothing is found and
    nothing kept, with one warning in the log that names the file and the fix. The file holds
    prompts' hashes and answers, never a key, and only its owner may read it.
    """

    def __init__(
        self,
        path: str | Path,
        max_bytes: int,
        seconds: float | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the store; the file is opened when it is first needed."""
        self.flights: Flights[str, Completion] = Flights()
        self.path = Path(path).expanduser()
        self.max_bytes, self.seconds = max_bytes, seconds
        self._clock = clock
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._made: tuple[int, int] | None = None
        self._warned = False
        self._one_at_a_time: RunVar[CapacityLimiter] = RunVar("catsdk-disk")

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of `keys` that are there, whole and not too old."""
        return await self._in_thread(lambda db: self._get(db, keys), {})

    async def put(self, entries: dict[str, bytes]) -> None:
        """Keep `entries`; what is too much goes, the least recently used first."""
        await self._in_thread(lambda db: self._put(db, entries), None)

    async def drop(self, keys: Sequence[str]) -> None:
        """Forget `keys`."""
        await self._in_thread(lambda db: _delete(db, keys), None)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            limiter = self._one_at_a_time.get()
        except LookupError:
            limiter = CapacityLimiter(1)
            self._one_at_a_time.set(limiter)
        return await to_thread.run_sync(lambda: self._safely(work, otherwise), limiter=limiter)

    def _safely(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            try:
                return self._mended(work)
            except (sqlite3.Error, OSError) as error:
                self._close()
                if not self._warned:
                    self._warned = True
                    _log.warning(
                        "the cache %s cannot be used (%s), so answers are not cached: %s",
                        self.path,
                        error,
                        _fix(error),
                    )
                return otherwise

    def _mended(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work`; if the file is damaged, repeat it on a new one."""
        try:
            return work(self._opened())
        except sqlite3.OperationalError:
            # Locked for too long, read-only, or on a full disk: the file itself is intact.
            raise
        except sqlite3.DatabaseError as error:
            self._close()
            if not (self._made == _file_of(self.path) or _is_cache(self.path)):
                raise
            aside = _unused(f"{self.path}.damaged")
            _log.warning(
                "the cache %s is damaged (%s): it was renamed to %s, and a new one is created",
                self.path,
                error,
                aside,
            )
            self.path.replace(aside)
            for end in ("-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)
            return work(self._opened())

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None or self._process != os.getpid():
            # A connection must not be used after a fork.
            self._connection = _open(self.path)
            weakref.finalize(self, self._connection.close)
            self._process = os.getpid()
            self._made = _file_of(self.path)
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            with suppress(sqlite3.Error):
                connection.close()

    def _get(self, db: sqlite3.Connection, keys: Sequence[str]) -> dict[str, bytes]:
        now = self._clock()
        found: dict[str, bytes] = {}
        gone: list[str] = []
        used: list[str] = []
        for key in keys:
            query = "SELECT body, digest, stored, used FROM answers WHERE key = ?"
            row = db.execute(query, (key,)).fetchone()
            if row is None:
                continue
            body, digest, stored, last = row
            too_old = self.seconds is not None and now - stored >= self.seconds
            if too_old or not isinstance(body, bytes) or _digest(key, body) != digest:
                gone.append(key)
                continue
            found[key] = body
            if now - last > _USED:
                used.append(key)
        if gone:
            _delete(db, gone)
        if used:
            with db:
                touched = [(now, key) for key in used]
                db.executemany("UPDATE answers SET used = ? WHERE key = ?", touched)
        return found

    def _put(self, db: sqlite3.Connection, entries: dict[str, bytes]) -> None:
        now = self._clock()
        rows = [
            (key, body, _digest(key, body), len(key) + len(body), now, now)
            for key, body in entries.items()
        ]
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in entries])
            db.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._evict(db)

    def _evict(self, db: sqlite3.Connection) -> None:
        (over,) = db.execute("SELECT bytes - ? FROM total", (self.max_bytes,)).fetchone()
        while over > 0:
            oldest = "SELECT key, size FROM answers ORDER BY used, stored LIMIT 256"
            gone: list[tuple[str]] = []
            for key, size in db.execute(oldest).fetchall():
                if over > 0:
                    gone.append((key,))
                    over -= size
            if not gone:
                return
            db.executemany("DELETE FROM answers WHERE key = ?", gone)


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Created here, because SQLite would make it readable for other users.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, timeout=_BUSY, check_same_thread=False, isolation_level=None)
    try:
        (owner,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if owner != _APPLICATION and (owner or tables):
            raise OSError("the file holds another program's database")
        # Not before the check above, since it changes the file.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        # Written first: a file with tables but without this mark belongs to another program.
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _is_cache(path: Path) -> bool:
    """Whether the header of a file that SQLite cannot read says that it is a cache."""
    with path.open("rb") as file:
        header = file.read(72)
    return header.startswith(b"SQLite format 3") and header[68:72] == _APPLICATION.to_bytes(4)


def _file_of(path: Path) -> tuple[int, int]:
    """An identity of the file, which differs for another file under the same name."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _unused(name: str) -> Path:
    """`name`, or the first of `name.2`, `name.3`, ... that is free."""
    names = chain([name], (f"{name}.{at}" for at in count(2)))
    return next(path for each in names if not (path := Path(each)).exists())


def _fix(error: Exception) -> str:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_FULL":
        return "free some space on its disk"
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another process holds it; wait for that to end, or name another file"
    return "name another file, or remove this one where it is not needed"


def _delete(db: sqlite3.Connection, keys: Sequence[str]) -> None:
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in keys])


def _digest(key: str, body: bytes) -> bytes:
    return blake2b(key.encode() + b"\0" + body, digest_size=16).digest()
