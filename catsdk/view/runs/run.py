"""Run: one thing that ran and was written down, read again and again while it grows."""

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
"""Outlines that are new or have changed, each with the place under which its entry is found."""

Marks = dict[str, tuple[int, int]]
"""When files were changed last, in nanoseconds since the epoch, and how long they are, by path."""


class About(Value):
    """What is known of a run as a whole.

    Args:
        kind: What wrote it: `eval`, `batch`, `rubric`, `train` or `results`.
        title: Its heading.
        data: What was asked.
        running: Whether it is not finished: it is being written, or was stopped.
        usage: What all calls consumed, each once; `None` if that is not written down.
        models: The models by their role.
        settings: How it was done.
        report: The report of an evaluation, as its JSON.
        history: The rows that a training logged.
        alarms: What the early stop of a training saw.
        estimate: What a batch was estimated to use, where it was.
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
    """Reads one run; nothing is written. Used by one thread at a time.

    Args:
        path: Its folder or file.
    """

    def __init__(self, path: Path) -> None:
        """Choose the run; nothing is read."""
        self.path = path

    @abstractmethod
    def news(self) -> News:
        """What is new or has changed since the last time; the whole run at first."""

    @abstractmethod
    def entry(self, place: str) -> Entry | None:
        """The entry at a place that `news` named; `None` if it is gone.

        Args:
            place: Where it stands.
        """

    @abstractmethod
    def about(self) -> About:
        """What is known of the run as a whole, now."""

    def gone(self) -> list[str]:
        """The ids of items that `news` gave and that are no longer there; each is told once."""
        return []

    def count(self) -> int | None:
        """How many items it has in all, read or not; `None` if only reading them tells."""
        return None

    def marks(self) -> Marks:
        """What changes whenever something of the run does: while it is the same, nothing is new."""
        return marks_of(self.path)


def marks_of(*paths: Path) -> Marks:
    """The marks of files, and of those directly in folders.

    Args:
        paths: Files and folders; those that are not there have none.
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
            # It went away meanwhile, which is a change, too.
            continue
        for name, state in files:
            # What SQLite keeps beside a file changes by being read.
            if not name.endswith("-shm") and (state.st_size or not name.endswith("-wal")):
                marks[name] = (state.st_mtime_ns, state.st_size)
    return marks
