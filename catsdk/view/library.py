"""Library: the runs below a folder, looked through again and again, with the index over them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from catsdk.core.errors import InvalidInputError
from catsdk.view.entry import Entry
from catsdk.view.index import Index
from catsdk.view.queries import row_of
from catsdk.view.runs.batches import MANIFEST, BatchRun
from catsdk.view.runs.evaluations import REPORT, STORE, EvalRun
from catsdk.view.runs.judged import JudgedRun, is_judged
from catsdk.view.runs.results import KeptRun, LinesRun, is_results
from catsdk.view.runs.run import About, News, Run
from catsdk.view.runs.store_file import StoreFile
from catsdk.view.runs.trainings import TrainRun, is_training

__all__ = ["Held", "Library"]

_DEEP: Final = 5
_FOLDERS: Final = 5000
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages"})


@dataclass
class Held:
    """A run with what is known of it.

    Args:
        run: Its reader.
        about: What is known of it as a whole.
        items: How many items are in the index.
        indexed: Whether all that was there at the last look is in the index.
        changed: When its folder was changed last, in seconds since the epoch.
    """

    run: Run
    about: About
    items: int = 0
    indexed: bool = False
    changed: float = 0.0


@dataclass
class Library:
    """All runs below a folder.

    Args:
        root: The folder, or one file that is a run.
        index: What lists ask.
        runs: The runs by their names.
        looked: Whether all runs were looked through once.

    Raises:
        InvalidInputError: there is no such folder.
    """

    root: Path
    index: Index
    runs: dict[str, Held] = field(default_factory=dict[str, Held])
    looked: bool = False

    def __post_init__(self) -> None:
        """Refuse a folder that is not there."""
        if not self.root.exists():
            raise InvalidInputError(f"{self.root} is not there; give a folder that catsdk wrote")

    def refresh(self, stop: Event | None = None) -> None:
        """Find new runs, and take in what is new in those that are known.

        Args:
            stop: Set where the rest is no longer wanted.
        """
        found = dict(_found(self.root))
        for name in [name for name in self.runs if name not in found]:
            self.index.forget(name)
            del self.runs[name]
        for name, run in found.items():
            if name not in self.runs:
                self.runs[name] = Held(run, run.about(), changed=_changed(run.path))
        for name in found:
            if stop is not None and stop.is_set():
                return
            self._look(name, stop)
        self.looked = True

    def entry(self, run: str, id: str) -> Entry | None:
        """The entry of an item; `None` where it is not there.

        Args:
            run: The run's name.
            id: The item's.
        """
        row = row_of(self.index, run, id) if run in self.runs else None
        entry = None if row is None else self.runs[run].run.entry(row["place"])
        return None if entry is None else entry.model_copy(update={"id": id})

    def _look(self, name: str, stop: Event | None) -> None:
        held = self.runs[name]
        try:
            news = held.run.news()
            self.index.add(name, news if stop is None else _until(stop, news))
        except Exception as error:  # noqa: BLE001  # one broken file hides no other run
            problem = f"not all of it can be read: {type(error).__name__}: {error}"
            about = held.run.about()
            held.about = about.model_copy(update={"problems": (*about.problems, problem[:500])})
            held.indexed = True
            return
        (count,) = self.index.ask("SELECT count(*) AS n FROM item WHERE run = ?", [name])
        held.items, held.indexed = count["n"], True
        held.about = held.run.about()
        held.changed = _changed(held.run.path)


def _until(stop: Event, news: News) -> News:
    for each in news:
        if stop.is_set():
            return
        yield each


def _found(root: Path) -> Iterator[tuple[str, Run]]:
    """The runs below a folder by their names, which are paths relative to it."""
    if root.is_file():
        yield from _in_file(root, root.name)
        return
    for count, folder in enumerate(_folders(root)):
        if count >= _FOLDERS:
            return
        name = folder.relative_to(root).as_posix()
        run = _of_folder(folder)
        if run is not None:
            yield (folder.resolve().name if name == "." else name), run
        if not isinstance(run, EvalRun | BatchRun):
            for path in sorted(folder.iterdir()):
                if path.suffix in (".sqlite", ".db", ".jsonl") and path.is_file():
                    yield from _in_file(path, path.relative_to(root).as_posix())


def _folders(root: Path) -> Iterator[Path]:
    for place, names, _ in os.walk(root):
        folder = Path(place)
        deep = len(folder.relative_to(root).parts)
        names[:] = sorted(
            name
            for name in names
            if deep < _DEEP and not name.startswith(".") and name not in _SKIPPED
        )
        yield folder


def _of_folder(folder: Path) -> Run | None:
    if (folder / MANIFEST).is_file():
        return BatchRun(folder)
    if is_training(folder):
        return TrainRun(folder)
    store = StoreFile(folder / STORE)
    stored = store.there
    if stored and "product" in store.kinds():
        return None
    if stored or (folder / REPORT).is_file():
        return EvalRun(folder)
    if any(is_judged(path) for path in sorted(folder.glob("*.json"))[:20]):
        return JudgedRun(folder)
    return None


def _in_file(path: Path, name: str) -> Iterator[tuple[str, Run]]:
    if path.suffix == ".jsonl":
        if is_results(path):
            yield name, LinesRun(path)
        return
    store = StoreFile(path)
    if store.there and "product" in store.kinds():
        yield name, KeptRun(path)


def _changed(path: Path) -> float:
    """When a run was changed last: its folder, or a file directly in it."""
    paths = [path, *(path.iterdir() if path.is_dir() else ())]
    return max((each.stat().st_mtime for each in paths if each.exists()), default=0.0)
