"""Seen: the ids of the rows read so far, on disk instead of in memory."""

from __future__ import annotations

import sqlite3
from typing import Self

__all__ = ["Seen"]


class Seen:
    """Where each id was met first; use it as `with Seen() as seen`.

    The file is a temporary one that the system removes, whenever the process ends.
    """

    def __init__(self) -> None:
        """Start without ids."""
        # Rows are read in several threads, though never at the same time.
        self._ids = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._ids.execute("PRAGMA journal_mode = OFF")
        self._ids.execute("PRAGMA cache_size = -16384")
        self._ids.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID")
        self._ids.execute("BEGIN")

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._ids.close()

    def first(self, id: str, place: str) -> str | None:
        """Where this id was met before; `None`, and kept as met at `place`, where it was not.

        Args:
            id: Names a row.
            place: Where the row stands.
        """
        kept = self._ids.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, place))
        if kept.rowcount:
            return None
        [(there,)] = self._ids.execute("SELECT place FROM seen WHERE id = ?", (id,))
        return str(there)
