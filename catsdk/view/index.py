"""Index: the outlines of all runs in a SQLite file of this process, filled while it is read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from catsdk.view.outline import MadeOutline, Outline

__all__ = ["Index"]

_AT_ONCE: Final = 500
# Of each text; the rest of a longer one is not found by a search.
_SEARCHED: Final = 4000

_SCHEMA: Final = """
CREATE TABLE item (
    row INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, id TEXT NOT NULL,
    place TEXT NOT NULL, at INTEGER NOT NULL, question TEXT NOT NULL, gold TEXT NOT NULL,
    answers TEXT NOT NULL, majority TEXT, agreement REAL, rollouts INTEGER NOT NULL,
    pass_rate REAL, reward REAL, spread REAL, tokens INTEGER NOT NULL, cost REAL, step INTEGER,
    failure TEXT, failed_rollouts INTEGER NOT NULL, unanswered INTEGER NOT NULL,
    unrewarded INTEGER NOT NULL, tied INTEGER NOT NULL, flat INTEGER NOT NULL,
    flips INTEGER NOT NULL, partial INTEGER NOT NULL, dull INTEGER NOT NULL, UNIQUE (run, id));
CREATE INDEX item_at ON item (run, at);
CREATE INDEX item_step ON item (run, step);
CREATE TABLE made (
    item INTEGER NOT NULL, contender TEXT NOT NULL, answer TEXT, score REAL, departs INTEGER,
    tied INTEGER, is_right INTEGER, majority_right INTEGER, rescued INTEGER, failure TEXT,
    PRIMARY KEY (item, contender)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'unicode61');
"""
_ITEM: Final = (
    "run", "id", "place", "at", "question", "gold", "answers", "majority", "agreement", "rollouts",
    "pass_rate", "reward", "spread", "tokens", "cost", "step", "failure", "failed_rollouts",
    "unanswered", "unrewarded", "tied", "flat", "flips", "partial", "dull",
)  # fmt: skip


class Index:
    """What lists and filters ask; it can be made again from the runs at any time.

    One thread adds, others read.

    Args:
        path: The file; what is there is replaced.
    """

    def __init__(self, path: Path) -> None:
        """Make the file."""
        self.path = path
        path.unlink(missing_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; reading from it ends."""
        self._file.close()

    def add(self, run: str, news: Iterable[tuple[str, Outline]]) -> int:
        """Take in outlines; one of an id that is there replaces it. Returns how many there were.

        Args:
            run: The name of their run.
            news: Each with the place of its entry.
        """
        count = 0
        iterator = iter(news)
        while some := list(islice(iterator, _AT_ONCE)):
            count += len(some)
            with self._changing():
                for place, outline in some:
                    self._put(run, place, outline)
        return count

    def forget(self, run: str) -> None:
        """Take out a run that is gone.

        Args:
            run: Its name.
        """
        with self._changing():
            self._file.execute(
                "DELETE FROM made WHERE item IN (SELECT row FROM item WHERE run = ?)", (run,)
            )
            self._file.execute("DELETE FROM item WHERE run = ?", (run,))

    def ask(self, query: str, values: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """Ask for rows, each as a mapping of its columns. Any thread may.

        Args:
            query: SQL that changes nothing.
            values: Its values.
        """
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as file:
            file.row_factory = sqlite3.Row
            return [dict(row) for row in file.execute(query, tuple(values))]

    def _put(self, run: str, place: str, outline: Outline) -> None:
        known = self._file.execute(
            "SELECT row, at FROM item WHERE run = ? AND id = ?", (run, outline.id)
        ).fetchone()
        at = None
        if known is not None:
            # A new row, since the words of the old one cannot be taken out of the index of words.
            at = known[1]
            self._file.execute("DELETE FROM made WHERE item = ?", (known[0],))
            self._file.execute("DELETE FROM item WHERE row = ?", (known[0],))
        marks = ", ".join("?" * len(_ITEM))
        query = f"INSERT INTO item ({', '.join(_ITEM)}) VALUES ({marks})"
        row = self._file.execute(query, _columns(run, place, at or 0, outline)).lastrowid
        if at is None:
            self._file.execute("UPDATE item SET at = row WHERE row = ?", (row,))
        self._file.executemany(
            f"INSERT OR REPLACE INTO made VALUES ({', '.join('?' * 10)})",
            [(row, *_made(each)) for each in outline.made],
        )
        self._file.execute(
            "INSERT INTO words (rowid, text) VALUES (?, ?)", (row, "\n".join(_words(outline)))
        )

    @contextmanager
    def _changing(self) -> Generator[None]:
        self._file.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")


def _columns(run: str, place: str, at: int, outline: Outline) -> tuple[Any, ...]:
    grades = [grade for grade in outline.grades if grade is not None]
    rewards = [reward for reward in outline.rewards if reward is not None]
    spread = rewards or grades
    answers = [answer for answer in outline.answers if answer is not None]
    return (
        run,
        outline.id,
        place,
        at,
        outline.question[:_SEARCHED],
        json.dumps(outline.gold),
        json.dumps(list(dict.fromkeys(answers))[:8]),
        outline.majority,
        outline.agreement,
        len(outline.answers),
        sum(grades) / len(grades) if grades else None,
        sum(rewards) / len(rewards) if rewards else None,
        max(spread) - min(spread) if spread else None,
        outline.tokens,
        outline.cost,
        outline.step,
        outline.failure,
        outline.failed_rollouts,
        outline.unanswered,
        outline.unrewarded,
        outline.tied,
        outline.flat,
        outline.flips,
        outline.partial,
        outline.dull_criteria,
    )


def _made(made: MadeOutline) -> tuple[Any, ...]:
    rescued = (
        None if made.all_wrong is None or made.right is None else made.all_wrong and made.right
    )
    return (
        f"{made.estimator}/{made.size}",
        made.answer,
        made.score,
        made.departs,
        made.tied,
        made.right,
        made.majority_right,
        rescued,
        made.failure,
    )


def _words(outline: Outline) -> Iterator[str]:
    """What a search looks through: all texts, bounded one by one."""
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
