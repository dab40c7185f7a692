"""Library: the runs below a folder, rescanned regularly, and the index over them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

from catsdk.core.errors import InvalidInputError
from catsdk.view.entry import Entry
from catsdk.view.finding import Finder
from catsdk.view.index import Index
from catsdk.view.labels import Label, add_label, labels_in
from catsdk.view.queries import row_of
from catsdk.view.runs.run import About, Marks, News, Run

__all__ = ["Held", "Library"]

# The most seconds that the scan waits for requests, which go first but must not starve it.
_WAIT = 0.5


@dataclass
class Held:
    """A run and what is known about it.

    Args:
        run: Its reader.
        about: Facts about the run as a whole.
        marks: The marks of its files at the last scan; `None` before the first scan has ended.
        expected: How many items it has in all; `None` if unknown.
        indexed: Whether everything found by the last scan is in the index.
        changed: When it last changed, in seconds since the epoch.
        doubted: Whether people called one of its references wrong.
    """

    run: Run
    about: About
    marks: Marks | None = None
    expected: int | None = None
    indexed: bool = False
    changed: float = 0.0
    doubted: bool = False
    _sums: tuple[int, dict[str, Any]] | None = None

    def sums(self, index: Index, name: str) -> dict[str, Any]:
        """Totals over its indexed items, computed once per change.

        Args:
            index: The index.
            name: The run's name in the index.
        """
        version = index.versions[name]
        if self._sums is None or self._sums[0] != version:
            (sums,) = index.ask(_SUMS, [name])
            self._sums = version, sums
        return self._sums[1]


_SUMS = (
    "SELECT count(*) AS items, sum(failure IS NOT NULL) AS failed,"
    " sum(failed_rollouts) AS failed_rollouts, sum(rollouts) AS rollouts,"
    " avg(agreement) AS agreement, avg(reward) AS reward, sum(unrewarded) AS unrewarded,"
    " sum(tokens) AS tokens, total(cost) AS cost, sum(cost IS NULL) AS unpriced"
    " FROM item WHERE run = ?"
)


class Library:
    """All runs below a folder.

    Args:
        root: The folder, or one file that is a run.
        index: The database behind the lists.

    Raises:
        InvalidInputError: there is no such folder.
    """

    def __init__(self, root: Path, index: Index) -> None:
        """Raise for a folder that does not exist."""
        if not root.exists():
            raise InvalidInputError(f"{root} does not exist; give a folder that catsdk wrote")
        self.root, self.index = root, index
        self.runs: dict[str, Held] = {}
        """The runs by name."""
        self.looked = False
        """Whether the first scan of all runs has ended."""
        self._finder = Finder(root)
        self._asking, self._lock = 0, Lock()
        self._idle = Event()
        self._idle.set()

    def refresh(self, stop: Event | None = None) -> None:
        """Find new runs, and index what is new in known ones.

        Args:
            stop: Set to abandon the rest.
        """
        found = self._finder.runs()
        for name, held in list(self.runs.items()):
            if found.get(name) is not held.run:
                self.index.forget(name)
                del self.runs[name]
        for name, run in found.items():
            if name not in self.runs:
                self.runs[name] = Held(run, run.about(), changed=_changed(run.marks()))
        for name in found:
            if stop is not None and stop.is_set():
                return
            self._look(name, stop)
        self.looked = True

    @contextmanager
    def asking(self) -> Generator[None]:
        """Make the scan wait while a request is answered."""
        with self._lock:
            self._asking += 1
            self._idle.clear()
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                if not self._asking:
                    self._idle.set()

    def entry(self, run: str, id: str) -> Entry | None:
        """The entry of an item; `None` if it does not exist.

        Args:
            run: The run's name.
            id: The item's id.
        """
        row = row_of(self.index, run, id) if run in self.runs else None
        entry = None if row is None else self.runs[run].run.entry(row["place"])
        return None if entry is None else entry.model_copy(update={"id": id})

    def label(self, run: str, label: Label) -> None:
        """Save a person's label of a reference or verdict, beside the run.

        Args:
            run: The run's name.
            label: The label.

        Raises:
            LookupError: there is no such run, item, reference or verdict.
            ConfigurationError: the file of labels cannot be written.
        """
        entry = self.entry(run, label.item)
        if entry is None:
            raise LookupError(f"there is no item {label.item!r:.80} in {run!r:.80}")
        if not _is_there(entry, label):
            raise LookupError(f"there is no such reference or verdict of {label.item!r:.80}")
        add_label(self.runs[run].run.path, label)

    def _look(self, name: str, stop: Event | None) -> None:
        held = self.runs[name]
        # Taken before reading: what is written meanwhile changes them, and is read next time.
        marks = held.run.marks()
        if marks == held.marks:
            return
        try:
            held.expected = held.run.count()
            self.index.add(name, self._paced(stop, held.run.news()))
            if gone := held.run.gone():
                self.index.remove(name, gone)
            self._label(name, held)
        except Exception as error:  # noqa: BLE001  # one broken file must not hide other runs
            problem = f"not all of it can be read: {type(error).__name__}: {error}"
            about = held.run.about()
            held.about = about.model_copy(update={"problems": (*about.problems, problem[:500])})
        else:
            if stop is not None and stop.is_set():
                return
            held.about = held.run.about()
        held.marks, held.indexed, held.changed = marks, True, _changed(marks)

    def _label(self, name: str, held: Held) -> None:
        wrong = [
            (label.item, label.contender)
            for label in labels_in(held.run.path)
            if label.contender and label.says is False
        ]
        if wrong or held.doubted:
            self.index.label(name, wrong)
        held.doubted = bool(wrong)

    def _paced(self, stop: Event | None, news: News) -> News:
        for each in news:
            if not self._idle.is_set():
                self._idle.wait(_WAIT)
            if stop is not None and stop.is_set():
                return
            yield each


def _changed(marks: Marks) -> float:
    return max((changed for changed, _ in marks.values()), default=0) / 1e9


def _is_there(entry: Entry, label: Label) -> bool:
    if not label.criterion:
        return label.rollout is None and label.contender in {m.contender for m in entry.made}
    return not label.contender and any(
        verdict.criterion_id == label.criterion
        for score in entry.all_scores
        if score.index == label.rollout
        for verdict in score.verdicts
    )
