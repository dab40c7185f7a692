"""StoreFile: read the entries of a run store while another process writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from catsdk.core.types import Usage
from catsdk.runs.ledger import add_spent, consumed_in
from catsdk.runs.store import APPLICATION_ID, KINDS, PAID

__all__ = ["StoreFile"]

_PAGE = 2000


class StoreFile:
    """Reads a run store without locking it; every read is a short transaction of its own.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Choose the file; nothing is opened."""
        self.path = path
        self._spent: tuple[list[int], Usage] | None = None

    @property
    def there(self) -> bool:
        """Whether it is a readable run store."""
        if not self.path.is_file():
            return False
        try:
            with closing(self._opened()) as file:
                (application,) = file.execute("PRAGMA application_id").fetchone()
                return bool(application == APPLICATION_ID)
        except sqlite3.Error:
            return False

    def kinds(self) -> set[str]:
        """The kinds that have an entry."""
        with closing(self._opened()) as file:
            return {
                kind
                for kind in KINDS
                if file.execute(f"SELECT 1 FROM {kind} LIMIT 1").fetchone() is not None
            }

    def count(self, kind: str) -> int:
        """How many entries of a kind there are.

        Args:
            kind: One of `KINDS`.
        """
        with closing(self._opened()) as file:
            return int(file.execute(f"SELECT count(*) FROM {kind}").fetchone()[0])

    def after(self, kind: str, at: int) -> Iterator[tuple[int, str, str]]:
        """The entries of a kind that were first written after a place, as place, key and value.

        Args:
            kind: One of `KINDS`.
            at: The place of the last known entry; 0 for all.
        """
        return self._pages(f"at, key, value FROM {kind}", at)

    def keys_after(self, kind: str, at: int) -> Iterator[tuple[int, str]]:
        """As `after`, without the values.

        Args:
            kind: One of `KINDS`.
            at: The place of the last known entry.
        """
        return self._pages(f"at, key FROM {kind}", at)

    def _pages(self, what: str, at: int) -> Iterator[Any]:
        query = f"SELECT {what} WHERE at > ? ORDER BY at LIMIT {_PAGE}"
        while True:
            with closing(self._opened()) as file:
                rows = file.execute(query, (at,)).fetchall()
            if not rows:
                return
            yield from rows
            at = rows[-1][0]

    def get(self, kind: str, key: str) -> str | None:
        """The value of one entry; `None` if there is none.

        Args:
            kind: One of `KINDS`.
            key: Its key.
        """
        with closing(self._opened()) as file:
            row = file.execute(f"SELECT value FROM {kind} WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def below(self, kind: str, prefix: str) -> list[tuple[str, str]]:
        """The keys and values of the entries whose key begins with `prefix` and a slash.

        Args:
            kind: One of `KINDS`.
            prefix: Without the slash.
        """
        # The character after the slash ends the range, so that the index of keys is used.
        query = f"SELECT key, value FROM {kind} WHERE key >= ? AND key < ? ORDER BY at"
        with closing(self._opened()) as file:
            return file.execute(query, (f"{prefix}/", f"{prefix}0")).fetchall()

    def usage(self) -> Usage:
        """The recorded usage of all calls of the run, each counted once."""
        log = self.path.with_name(f"{self.path.name}-wal")
        marks = [path.stat().st_mtime_ns for path in (self.path, log) if path.exists()]
        if self._spent is None or self._spent[0] != marks:
            self._spent = (marks, self._added_up())
        return self._spent[1]

    def _added_up(self) -> Usage:
        totals: dict[str, Any] = {}
        with closing(self._opened()) as file:
            for kind in PAID:
                found = file.execute(f"SELECT spent FROM {kind} INDEXED BY {kind}_spent")
                while page := found.fetchmany(_PAGE):
                    add_spent(totals, (spent for (spent,) in page if spent))
        return consumed_in(totals).usage

    def _opened(self) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri()
        try:
            file = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=5)
            file.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            # In a read-only folder, SQLite cannot create the index of the write-ahead log.
            file = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True)
        return file
