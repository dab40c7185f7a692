"""Run: the interface of readers, which read a recorded run repeatedly while it grows."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from catsdk.core.types import Usage
from catsdk.core.value import Value
from catsdk.view.entry import Entry
from catsdk.view.labels import LABELS
from catsdk.view.outline import Outline

__all__ = ["About", "Marks", "News", "Run", "marks_of"]

News = Iterator[tuple[str, Outline]]
"""New or changed outlines, each with the place at which its entry is found."""

Marks = dict[str, tuple[int, int]]
"""Modification times of files, in nanoseconds since the epoch, and their sizes, by path."""


class About(Value):
    """Facts about a run as a whole.

    Args:
        kind: What wrote it: `eval`, `batch`, `rubric`, `train` or `results`.
        title: Its heading.
        data: The data it works on.
        running: Whether it is unfinished, that is, still running or interrupted.
        usage: The usage of all calls, each counted once; `None` if it is not recorded.
        models: The models by role.
        settings: Its settings.
        report: The report of an evaluation, as JSON.
        history: The rows that a training logged.
        alarms: The warnings of a training's early stop.
        estimate: The estimated usage of a batch, if it was estimated.
        problems: What could not be read, with the fix.
    """

    kind: str
    title: str
    data: str = ""
    running: bool = False
    usage: Usage | None = None
    models: dict[str, Any] = Field(default_factory=dict[str, Any])
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    report: dict[str, Any] | None = None
    history: tuple[dict[str, Any], ...] = ()
    alarms: tuple[str, ...] = ()
    estimate: dict[str, Any] | None = None
    problems: tuple[str, ...] = ()


class Run(ABC):
    """Reads one run, and never writes; used by one thread at a time.

    Args:
        path: Its folder or file.
    """

    def __init__(self, path: Path) -> None:
        """Choose the run; nothing is read."""
        self.path = path

    @abstractmethod
    def news(self) -> News:
        """What is new or has changed since the last call; the first call gives the whole run."""

    @abstractmethod
    def entry(self, place: str) -> Entry | None:
        """The entry at a place given by `news`; `None` if it is gone.

        Args:
            place: The place.
        """

    @abstractmethod
    def about(self) -> About:
        """The current facts about the run as a whole."""

    def gone(self) -> list[str]:
        """The ids of items from `news` that no longer exist; each is reported once."""
        return []

    def count(self) -> int | None:
        """How many items it has in all, read or not; `None` if that takes reading them all."""
        return None

    def marks(self) -> Marks:
        """Marks that change whenever the run does; while they are the same, there is no news."""
        return marks_of(self.path)


def marks_of(*paths: Path) -> Marks:
    """The marks of files, and of the files directly in folders.

    Args:
        paths: Files and folders; missing ones have no marks.
    """
    marks: Marks = {}
    for path in paths:
        try:
            if path.is_dir():
                with os.scandir(path) as entries:
                    files = [(entry.path, entry.stat()) for entry in entries if entry.is_file()]
            else:
                beside = [path.with_name(f"{path.name}{end}") for end in ("", "-wal", f".{LABELS}")]
                files = [(str(each), each.stat()) for each in beside if each.exists()]
        except OSError:
            # It has been deleted meanwhile, which is a change too.
            continue
        for name, state in files:
            # Reading a database changes the files that SQLite keeps beside it.
            if not name.endswith("-shm") and (state.st_size or not name.endswith("-wal")):
                marks[name] = (state.st_mtime_ns, state.st_size)
    return marks
