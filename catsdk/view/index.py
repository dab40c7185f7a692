"""Index: the outlines of all runs in a SQLite file, which is filled while others read it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from catsdk.view.filters import item_flags, made_flags, mask_of
from catsdk.view.outline import MadeOutline, Outline

__all__ = ["Index"]

# How many items to add in one transaction: few at first, so that there is soon a page to show.
_AT_FIRST: Final = 100
_AT_ONCE: Final = 500
# Indexed characters per text; a search does not find what comes after them.
_SEARCHED: Final = 4000

# Numbers come first, so that sorting and summing need not read past the texts.
_SCHEMA: Final = """
CREATE TABLE item (
    row INTEGER PRIMARY KEY, run TEXT NOT NULL, step INTEGER, agreement REAL,
    rollouts INTEGER NOT NULL, pass_rate REAL, reward REAL, spread REAL, tokens INTEGER NOT NULL,
    cost REAL, failed_rollouts INTEGER NOT NULL, unanswered INTEGER NOT NULL,
    unrewarded INTEGER NOT NULL, flat INTEGER NOT NULL, partial INTEGER NOT NULL,
    dull INTEGER NOT NULL, words INTEGER NOT NULL, failure TEXT, id TEXT NOT NULL,
    place TEXT NOT NULL, majority TEXT, question TEXT NOT NULL, gold TEXT NOT NULL,
    answers TEXT NOT NULL, UNIQUE (run, id));
CREATE INDEX item_step ON item (run, step) WHERE step IS NOT NULL;
CREATE INDEX item_words ON item (words);
CREATE TABLE list (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, contender TEXT NOT NULL, UNIQUE (run, contender));
CREATE TABLE made (
    list INTEGER NOT NULL, item INTEGER NOT NULL, flags INTEGER NOT NULL,
    there INTEGER NOT NULL DEFAULT 0, score REAL, departs INTEGER, tied INTEGER, is_right INTEGER,
    majority_right INTEGER, rescued INTEGER, answer TEXT, failure TEXT,
    PRIMARY KEY (list, item)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'unicode61');
"""
_ITEM: Final = (
    "run", "step", "agreement", "rollouts", "pass_rate", "reward", "spread", "tokens", "cost",
    "failed_rollouts", "unanswered", "unrewarded", "flat", "partial", "dull", "words", "failure",
    "id", "place", "majority", "question", "gold", "answers",
)  # fmt: skip
_INSERT: Final = (
    f"INSERT INTO item ({', '.join(_ITEM)}) VALUES ({', '.join('?' * len(_ITEM))})"
    " ON CONFLICT (run, id) DO UPDATE SET"
    f" {', '.join(f'{name} = excluded.{name}' for name in _ITEM)} RETURNING row"
)
_INSERT_MADE: Final = f"INSERT OR REPLACE INTO made VALUES ({', '.join('?' * 12)})"


class Index:
    """The database behind lists and filters; it can be rebuilt from the runs at any time.

    A run has a list for each of its estimators, and one with the empty name; each list has every
    item, with that estimator's reference. One thread writes, others read.

    Args:
        path: The file; an existing file is replaced.
    """

    def __init__(self, path: Path) -> None:
        """Make the file."""
        self.path = path
        self.versions: Counter[str] = Counter()
        """How often each run has changed; query results are valid until the number changes."""
        path.unlink(missing_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.executescript(_SCHEMA)
        self._lists: dict[str, dict[str, int]] = {}
        self._words = 0

    def close(self) -> None:
        """Close the file, for readers too."""
        self._file.close()

    def add(self, run: str, news: Iterable[tuple[str, Outline]]) -> None:
        """Add outlines; one with an existing id replaces it and keeps its position.

        Args:
            run: The name of their run.
            news: Outlines, each with the place of its entry.
        """
        iterator = iter(news)
        many = _AT_FIRST
        while some := list(islice(iterator, many)):
            with self._changing():
                for place, outline in some:
                    self._put(run, place, outline)
            self.versions[run] += 1
            many = _AT_ONCE

    def forget(self, run: str) -> None:
        """Remove a run that is gone.

        Args:
            run: Its name.
        """
        lists = tuple(self._lists.pop(run, {}).values())
        with self._changing():
            self._file.executemany("DELETE FROM made WHERE list = ?", [(each,) for each in lists])
            self._file.execute("DELETE FROM list WHERE run = ?", (run,))
            self._file.execute("DELETE FROM item WHERE run = ?", (run,))
        self.versions[run] += 1

    def remove(self, run: str, ids: Iterable[str]) -> None:
        """Remove items that are gone.

        Args:
            run: The name of their run.
            ids: Their ids.
        """
        row = "(SELECT row FROM item WHERE run = ? AND id = ?)"
        with self._changing():
            for id in ids:
                for at in self._lists.get(run, {}).values():
                    self._file.execute(
                        f"DELETE FROM made WHERE list = ? AND item = {row}", (at, run, id)
                    )
                self._file.execute("DELETE FROM item WHERE run = ? AND id = ?", (run, id))
        self.versions[run] += 1

    def label(self, run: str, wrong: Iterable[tuple[str, str]]) -> None:
        """Mark exactly those references of a run that people called wrong.

        Args:
            run: Its name.
            wrong: The ids of items, each with the estimator and size.
        """
        bit = mask_of(["doubted"])
        with self._changing():
            for name, at in self._lists.get(run, {}).items():
                items = [item for item, contender in wrong if contender == name]
                self._file.execute(
                    "UPDATE made SET flags = flags & ~? WHERE list = ? AND flags & ?",
                    (bit, at, bit),
                )
                self._file.executemany(
                    "UPDATE made SET flags = flags | ? WHERE list = ? AND item ="
                    " (SELECT row FROM item WHERE run = ? AND id = ?)",
                    [(bit, at, run, item) for item in items],
                )

    def ask(self, query: str, values: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """Query rows, each as a mapping of its columns; safe from any thread.

        Args:
            query: SQL that only reads.
            values: Its parameters.
        """
        with self._reading() as file:
            file.row_factory = sqlite3.Row
            return [dict(row) for row in file.execute(query, tuple(values))]

    def column(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        """Query a single column; safe from any thread.

        Args:
            query: SQL that only reads.
            values: Its parameters.
        """
        with self._reading() as file:
            return [value for (value,) in file.execute(query, tuple(values))]

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as file:
            yield file

    def _put(self, run: str, place: str, outline: Outline) -> None:
        # Nothing can be deleted from the index of words, so the old words stay there; no item
        # refers to them any longer.
        self._words += 1
        self._file.execute(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            (self._words, "\n".join(_words(outline))),
        )
        (row,) = self._file.execute(_INSERT, _columns(run, place, self._words, outline)).fetchone()
        made = {each.contender: each for each in outline.made}
        lists = self._lists_of(run, made)
        flags = item_flags(outline)
        self._file.executemany(
            _INSERT_MADE,
            [(at, row, *_made(flags, made.get(name))) for name, at in lists.items()],
        )

    def _lists_of(self, run: str, contenders: Iterable[str]) -> dict[str, int]:
        """The lists of a run; a list for a new estimator starts with all existing items."""
        lists = self._lists.setdefault(run, {})
        for name in ("", *contenders):
            if name not in lists:
                made = self._file.execute(
                    "INSERT INTO list (run, contender) VALUES (?, ?)", (run, name)
                ).lastrowid
                assert made is not None
                self._file.execute(
                    "INSERT INTO made (list, item, flags) SELECT ?, item, flags FROM made"
                    " WHERE list = ?",
                    (made, lists.get("")),
                )
                lists[name] = made
        return lists

    @contextmanager
    def _changing(self) -> Generator[None]:
        self._file.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")


def _columns(run: str, place: str, words: int, outline: Outline) -> tuple[Any, ...]:
    grades = [grade for grade in outline.grades if grade is not None]
    rewards = [reward for reward in outline.rewards if reward is not None]
    spread = rewards or grades
    answers = [answer for answer in outline.answers if answer is not None]
    return (
        run,
        outline.step,
        outline.agreement,
        len(outline.answers),
        sum(grades) / len(grades) if grades else None,
        sum(rewards) / len(rewards) if rewards else None,
        max(spread) - min(spread) if spread else None,
        outline.tokens,
        outline.cost,
        outline.failed_rollouts,
        outline.unanswered,
        outline.unrewarded,
        outline.flat,
        outline.partial,
        outline.dull_criteria,
        words,
        outline.failure,
        outline.id,
        place,
        outline.majority,
        outline.question[:_SEARCHED],
        json.dumps(outline.gold),
        json.dumps(list(dict.fromkeys(answers))[:8]),
    )


def _made(flags: int, made: MadeOutline | None) -> tuple[Any, ...]:
    if made is None:
        return (flags, False, *[None] * 8)
    return (
        flags | made_flags(made),
        True,
        made.score,
        made.departs,
        made.tied,
        made.right,
        made.majority_right,
        made.rescued,
        made.answer,
        made.failure,
    )


def _words(outline: Outline) -> Iterator[str]:
    """The texts that a search covers, each cut to a maximum length."""
    yield outline.id
    yield outline.question[:_SEARCHED]
    yield from outline.gold
    for text in outline.texts:
        yield text[:_SEARCHED]
    yield from (answer for answer in outline.answers if answer is not None)
    for made in outline.made:
        yield made.text[:_SEARCHED]
        yield made.answer or ""
    yield outline.failure or ""
