"""Tables: writes, finds and pages through the entries of a run store, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["KINDS", "PAGE", "PAID", "SCHEMA", "Find", "Page", "Put", "Rows", "Step", "Tables"]

KINDS: Final = ("answer", "lost", "rollout", "reference", "verdict", "row", "product")
PAID: Final = ("answer", "lost")
"""The kinds whose entries say what they consumed."""
PAGE: Final = 500

_ANSWER: Final = "answer"
_NEWEST: Final = 16_384
"""Answers whose keys are in memory alone, before the index is given them."""
_MANY: Final = 32
"""Entries in one statement; a thread that runs many waits for the interpreter after each."""

# In the order of writing, so that what is large is read from the disk in one go; a table for each
# kind, so that what is small is read without what is large. What was consumed is read from an index
# that holds it: one that only grows at its end costs less than a second table with a key.
_TABLES: Final = "".join(
    f"CREATE TABLE {kind} (at INTEGER PRIMARY KEY, key TEXT NOT NULL"
    f"{'' if kind == _ANSWER else ' UNIQUE'}, value TEXT NOT NULL,"
    " spent TEXT NOT NULL DEFAULT '');"
    for kind in KINDS
) + "".join(f"CREATE INDEX {kind}_spent ON {kind} (at, spent);" for kind in PAID)
SCHEMA: Final = _TABLES + (
    "CREATE TABLE answer_keys (key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE answer_indexed (at INTEGER NOT NULL); INSERT INTO answer_indexed VALUES (0);"
)

Rows: TypeAlias = list[tuple[Any, ...]]


class Put(NamedTuple):
    """Keep an entry; one that is there already is replaced in its place."""

    kind: str
    key: str
    value: str
    spent: str = ""


class Find(NamedTuple):
    """Give key and value of those of these keys that are there."""

    kind: str
    keys: tuple[str, ...]


class Page(NamedTuple):
    """Give place and columns of the next entries after a place, in the order of writing."""

    kind: str
    columns: str
    after: int


Step: TypeAlias = Put | Find | Page


class Tables:
    """The tables of an open file that this process alone writes.

    Args:
        connection: The file, with the `SCHEMA`; transactions are begun here.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Find out which answers are not in the index of their keys."""
        self._connection = connection
        self._answers = _Answers(connection)

    def do(self, steps: Sequence[Step]) -> list[Rows]:
        """Do all steps in one transaction, or none of them.

        Entries of one kind are put together, before anything is read.

        Args:
            steps: What to do.

        Returns:
            The rows of each step, in their order; none for what is put.
        """
        self._answers.index_keys()
        puts = defaultdict[str, list[Put]](list)
        for step in steps:
            if isinstance(step, Put):
                puts[step.kind].append(step)
        try:
            with self._connection as connection:
                connection.execute("BEGIN")
                for kind, entries in puts.items():
                    if kind == _ANSWER:
                        self._answers.put_all(entries)
                    else:
                        _put_all(connection, kind, entries)
                results = [self._read(step) for step in steps]
        except BaseException:
            self._answers.roll_back()
            raise
        self._answers.commit()
        return results

    def _read(self, step: Step) -> Rows:
        if isinstance(step, Put):
            return []
        if isinstance(step, Page):
            by = f" INDEXED BY {step.kind}_spent" if step.columns == "spent" else ""
            query = f"SELECT at, {step.columns} FROM {step.kind}{by} WHERE at > ?"
            query += f" ORDER BY at LIMIT {PAGE}"
            return self._connection.execute(query, (step.after,)).fetchall()
        if step.kind == _ANSWER:
            return self._answers.found(step.keys)
        # One statement for many rows, since one for each takes three times as long.
        query = f"SELECT key, value FROM {step.kind} WHERE key IN (SELECT value FROM json_each(?))"
        return self._connection.execute(query, (json.dumps(step.keys),)).fetchall()


class _Answers:
    """The table of answers, whose keys come in no order.

    An index of such keys has a page to be written for each entry, four times what the entry has
    itself. So the newest keys are in memory and join the index many at a time, in its order: by
    then several of them belong on each page. After a kill they are read from the table.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        [(indexed,)] = connection.execute("SELECT at FROM answer_indexed")
        newest = "SELECT key, at FROM answer WHERE at > ?"
        self._newest = dict[str, int](connection.execute(newest, (indexed,)).fetchall())
        self._last: int = max(self._newest.values(), default=indexed)
        self._added: dict[str, int] = {}

    def index_keys(self) -> None:
        """Give the index the newest keys, once there are many, in a transaction of its own."""
        if len(self._newest) < _NEWEST:
            return
        with self._connection as connection:
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO answer_keys VALUES (?, ?)", sorted(self._newest.items())
            )
            connection.execute("UPDATE answer_indexed SET at = ?", (self._last,))
        self._newest.clear()

    def put_all(self, entries: Iterable[Put]) -> None:
        puts = {put.key: put for put in entries}
        for key, at in self._places(puts).items():
            _, _, value, spent = puts.pop(key)
            update = "UPDATE answer SET value = ?, spent = ? WHERE at = ?"
            self._connection.execute(update, (value, spent, at))
        self._added |= {key: at for at, key in enumerate(puts, self._last + len(self._added) + 1)}
        rows = [(self._added[key], key, put.value, put.spent) for key, put in puts.items()]
        for some in _grouped(rows):
            _insert(self._connection, "answer (at, key, value, spent)", some)

    def found(self, keys: Sequence[str]) -> Rows:
        key_of = {at: key for key, at in self._places(keys).items()}
        if not key_of:
            return []
        query = "SELECT at, value FROM answer WHERE at IN (SELECT value FROM json_each(?))"
        found = self._connection.execute(query, (json.dumps(list(key_of)),))
        return [(key_of[at], value) for at, value in found]

    def commit(self) -> None:
        self._last += len(self._added)
        self._newest |= self._added
        self._added = {}

    def roll_back(self) -> None:
        self._added = {}

    def _places(self, keys: Iterable[str]) -> dict[str, int]:
        places: dict[str, int] = {}
        others: list[str] = []
        for key in keys:
            at = self._added.get(key) or self._newest.get(key)
            if at is None:
                others.append(key)
            else:
                places[key] = at
        if others and self._last > len(self._newest):
            query = "SELECT key, at FROM answer_keys WHERE key IN (SELECT value FROM json_each(?))"
            places |= self._connection.execute(query, (json.dumps(others),)).fetchall()
        return places


def _put_all(connection: sqlite3.Connection, kind: str, entries: Sequence[Put]) -> None:
    # An entry that is replaced keeps its place.
    conflict = "(key) DO UPDATE SET value = excluded.value, spent = excluded.spent"
    for some in _grouped([entry[1:] for entry in entries]):
        _insert(connection, f"{kind} (key, value, spent)", some, f" ON CONFLICT {conflict}")


def _insert(
    connection: sqlite3.Connection, where: str, rows: Sequence[tuple[Any, ...]], end: str = ""
) -> None:
    places = f"({', '.join('?' * len(rows[0]))})"
    statement = f"INSERT INTO {where} VALUES {', '.join([places] * len(rows))}{end}"
    connection.execute(statement, [cell for row in rows for cell in row])


def _grouped(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """The rows in groups of a few sizes, so that there are few statements to be prepared."""
    at = 0
    while at < len(rows):
        size = min(_MANY, 1 << ((len(rows) - at).bit_length() - 1))
        yield rows[at : at + size]
        at += size
