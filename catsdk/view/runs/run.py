"""Run: one thing that ran and was written down, read again and again while it grows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from catsdk.core.types import Usage
from catsdk.core.value import Value
from catsdk.view.entry import Entry
from catsdk.view.outline import Outline

__all__ = ["About", "News", "Run"]

News = Iterator[tuple[str, Outline]]
"""Outlines that are new or have changed, each with the place under which its entry is found."""


class About(Value):
    """What is known of a run as a whole.

    Args:
        kind: What wrote it: `eval`, `batch`, `rubric`, `train` or `results`.
        title: Its heading.
        data: What was asked.
        running: Whether it is not finished: it is being written, or was stopped.
        usage: What all calls consumed, each once; `None` where that is not written down.
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
        """The entry at a place that `news` named; `None` where it is gone.

        Args:
            place: Where it stands.
        """

    @abstractmethod
    def about(self) -> About:
        """What is known of the run as a whole, now."""
