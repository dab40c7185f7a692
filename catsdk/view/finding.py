"""Find the files and folders that are runs, without reading unchanged ones again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catsdk.view.runs.batches import MANIFEST, BatchRun
from catsdk.view.runs.evaluations import REPORT, STORE, EvalRun
from catsdk.view.runs.judged import JudgedRun, is_judged
from catsdk.view.runs.results import KeptRun, LinesRun, is_results
from catsdk.view.runs.run import Marks, Run, marks_of
from catsdk.view.runs.store_file import StoreFile
from catsdk.view.runs.trainings import TrainRun, is_training

__all__ = ["Finder"]

_DEEP: Final = 5
_FOLDERS: Final = 5000
_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages"})
_FILES: Final = (".sqlite", ".db", ".jsonl")
# Files that SQLite creates beside a database, even for readers.
_BESIDE: Final = ("-wal", "-shm", "-journal")
# A folder that changes this soon (in nanoseconds) after a listing may keep its modification time.
_UNSURE: Final = 2_000_000_000


@dataclass
class _Folder:
    """The listing of a folder.

    Args:
        changed: Its modification time when it was listed; 0 forces another listing.
        folders: The folders in it.
        names: The names of everything in it.
        open: The files in it that are not runs yet but may become one, with their marks.
        runs: The runs in it, by name.
    """

    changed: int
    folders: list[Path]
    names: frozenset[str]
    open: Marks
    runs: dict[str, Run]

    @property
    def same(self) -> bool:
        """Whether the files that may become a run are unchanged."""
        return not self.open or marks_of(*map(Path, self.open)) == self.open


class Finder:
    """Finds runs repeatedly.

    A folder is listed again when it has changed. Its files are examined again when there is a new
    one, or when one that may become a run has changed.

    Args:
        root: The folder, or one file that is a run.
    """

    def __init__(self, root: Path) -> None:
        """Choose the folder; nothing is read."""
        self.root = root
        self._folders: dict[Path, _Folder] = {}

    def runs(self) -> dict[str, Run]:
        """The current runs by name; the names are paths relative to the root."""
        if self.root.is_file():
            return dict(_in_file(self.root, self.root.name))
        there: dict[Path, _Folder] = {}
        waiting = [self.root]
        while waiting and len(there) < _FOLDERS:
            path = waiting.pop()
            folder = self._looked_at(path)
            if folder is None:
                continue
            there[path] = folder
            if len(path.relative_to(self.root).parts) < _DEEP:
                waiting += reversed(folder.folders)
        self._folders = there
        return {name: run for folder in there.values() for name, run in folder.runs.items()}

    def _looked_at(self, path: Path) -> _Folder | None:
        known = self._folders.get(path)
        try:
            changed = path.stat().st_mtime_ns
            if known is not None and known.changed == changed and known.same:
                return known
            folders, names = _listed(path)
            settled = changed if time.time_ns() - changed > _UNSURE else 0
            if known is not None and known.names == names and known.same:
                return _Folder(settled, folders, names, known.open, known.runs)
            found, unread = self._found(path, names)
        except OSError:
            # It has been deleted meanwhile, or may not be read.
            return None
        runs = {} if known is None else known.runs
        # A reader remembers what it has read, so it is kept while the run is of the same kind.
        kept = {name: run for name, run in runs.items() if type(run) is type(found.get(name))}
        return _Folder(settled, folders, names, marks_of(*unread), {**found, **kept})

    def _found(self, folder: Path, names: frozenset[str]) -> tuple[dict[str, Run], list[Path]]:
        """The runs in a folder, and the files that may become one."""
        name = folder.relative_to(self.root).as_posix()
        run = _of_folder(folder)
        found = {} if run is None else {folder.resolve().name if name == "." else name: run}
        if isinstance(run, EvalRun | BatchRun):
            # An empty store may still become a run of another kind.
            store = StoreFile(folder / STORE)
            return found, [store.path] if store.there and not store.kinds() else []
        unread = [] if run is not None else [folder / each for each in names if _is_open(each)]
        for each in sorted(each for each in names if each.endswith(_FILES)):
            path = folder / each
            there = dict(_in_file(path, path.relative_to(self.root).as_posix()))
            found |= there
            unread += [] if there else [path]
        return found, unread


def _is_open(name: str) -> bool:
    """Whether a file or folder that is not a run itself may turn its folder into one."""
    return name.endswith(".json") or name.startswith("checkpoint-")


def _listed(path: Path) -> tuple[list[Path], frozenset[str]]:
    """The subfolders to search, and the names of everything in a folder."""
    with os.scandir(path) as entries:
        every = sorted(entries, key=lambda each: each.name)
    folders = [
        path / each.name
        for each in every
        if each.is_dir(follow_symlinks=False)
        and not each.name.startswith(".")
        and each.name not in _SKIPPED
    ]
    return folders, frozenset(each.name for each in every if not each.name.endswith(_BESIDE))


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
