"""Reader for trainings: the logged rows and, if they were kept, the groups of each step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

from catsdk import train
from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.core.installing import install_command
from catsdk.core.yaml_text import data_of
from catsdk.data.results import read_results
from catsdk.view.entry import Entry, entry_of
from catsdk.view.outline import voted
from catsdk.view.runs.completions import COMPLETIONS, advantages_in, entries_in
from catsdk.view.runs.run import About, Marks, News, Run, marks_of

__all__ = ["CONFIG", "TrainRun", "is_training"]

CONFIG, STATE = "catsdk.yaml", "trainer_state.json"
GROUPS = "groups"


def is_training(path: Path) -> bool:
    """Tell whether a folder is a training's.

    Args:
        path: The folder.
    """
    return (path / CONFIG).is_file() or any(path.glob(f"checkpoint-*/{STATE}"))


class TrainRun(Run):
    """A training: its log from the newest checkpoint, and the groups beside it."""

    def __init__(self, path: Path) -> None:
        """Choose the folder."""
        super().__init__(path)
        self._known: dict[str, int] = {}
        self._read: dict[str, dict[str, None]] = {}
        self._answers = Answers()
        self._seen, self._alarms = 0, tuple[str, ...]()

    def marks(self) -> Marks:
        """The marks of its folder, its checkpoints and its groups."""
        folders = [*self.path.glob("checkpoint-*"), self.path / GROUPS, self.path / COMPLETIONS]
        return marks_of(self.path, *folders)

    def news(self) -> News:
        """The groups of the steps that were written since the last call."""
        if find_spec("pyarrow") is None:
            return
        for path in self._files():
            mark = path.stat().st_mtime_ns
            if self._known.get(path.name) == mark:
                continue
            ids = self._read.setdefault(path.name, {})
            for at, entry in enumerate(self._entries(path)):
                ids[entry.id] = None
                yield f"{path.name}\0{at}", voted(entry.outline)
            self._known[path.name] = mark

    def gone(self) -> list[str]:
        """The groups of steps that were removed to make room for later ones."""
        there = {path.name for path in self._files()}
        removed = [name for name in self._read if name not in there]
        for name in removed:
            self._known.pop(name, None)
        return [id for name in removed for id in self._read.pop(name)]

    def entry(self, place: str) -> Entry | None:
        """One group of a step."""
        name, _, at = place.partition("\0")
        folder = GROUPS if name.startswith("step-") else COMPLETIONS
        path = self.path / folder / name
        if not path.is_file():
            return None
        return next(islice(self._entries(path, only=int(at)), 1), None)

    def _files(self) -> list[Path]:
        """The files with groups: those that catsdk kept or, without any, those that TRL logged."""
        kept = sorted((self.path / GROUPS).glob("step-*.parquet"))
        return kept or sorted((self.path / COMPLETIONS).glob("completions_*.parquet"))

    def _entries(self, path: Path, only: int | None = None) -> Iterator[Entry]:
        if path.parent.name == COMPLETIONS:
            yield from islice(entries_in(path, self._answers), only, None)
            return
        rank = int(path.stem.rpartition("-")[2])
        advantages: dict[str, list[float]] | None = None
        for kept in read_results(path, only=only):
            if advantages is None:
                logged = self.path / COMPLETIONS / f"completions_{kept.step:05}.parquet"
                advantages = advantages_in(logged)
            whose = f"rank {rank}, " if rank else ""
            entry = entry_of(kept.result, f"step {kept.step}, {whose}group {kept.at + 1}")
            yield entry.model_copy(
                update={"step": kept.step, "advantages": _advantages(entry, advantages)}
            )

    def about(self) -> About:
        """The configuration, and what was logged up to the newest checkpoint."""
        problems: list[str] = []
        settings: dict[str, Any] = {}
        if (self.path / CONFIG).is_file():
            try:
                read = data_of((self.path / CONFIG).read_text("utf-8"), CONFIG)
                settings = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
            except (OSError, ValueError) as error:
                problems.append(f"{CONFIG} cannot be read: {error}")
        state = _newest_state(self.path)
        if self._files() and find_spec("pyarrow") is None:
            problems.append(f"groups are Parquet files: {install_command('evaluate')}")
        logged: list[dict[str, Any]] = state.get("log_history") or []
        history = tuple(logged)
        if len(history) != self._seen:
            self._seen, self._alarms = len(history), _alarms(history, settings.get("stop"))
        steps, most = state.get("global_step", 0), state.get("max_steps", 0)
        return About(
            kind="train",
            title=self.path.name,
            data=f"step {steps} of {most}" if state else "no checkpoint yet",
            running=not state or steps < most,
            models={"policy": str(settings.get("model", ""))},
            settings=settings,
            history=history,
            alarms=self._alarms,
            problems=tuple(problems),
        )


def _newest_state(path: Path) -> dict[str, Any]:
    found: dict[int, Path] = {}
    for state in path.glob(f"checkpoint-*/{STATE}"):
        step = state.parent.name.partition("-")[2]
        if step.isdecimal():
            found[int(step)] = state
    for at in sorted(found, reverse=True):
        try:
            return cast("dict[str, Any]", json.loads(found[at].read_text("utf-8")))
        except (OSError, ValueError):
            # It is still being written, so use the one before it.
            continue
    return {}


def _alarms(history: Sequence[dict[str, Any]], stop: object) -> tuple[str, ...]:
    """The early stop's reasons after each evaluation and at the end, each only once."""
    settings = cast("dict[str, Any]", stop) if isinstance(stop, dict) else {}
    try:
        watched = train.Stop(**settings)
    except InvalidInputError:
        watched = train.Stop()
    found: dict[str, str] = {}
    for at, row in enumerate(history, 1):
        if at == len(history) or any(name.startswith("eval_") for name in row):
            reason = train.reason_to_stop(history[:at], watched)
            if reason is not None:
                found.setdefault(reason, f"step {row.get('step', '?')}: {reason}")
    return tuple(found.values())


def _advantages(entry: Entry, logged: dict[str, list[float]]) -> dict[int, float]:
    """The advantages of a group's rollouts; rollouts with equal texts take them in order."""
    found: dict[int, float] = {}
    for rollout in entry.group.rollouts if entry.group else ():
        values = logged.get(rollout.text)
        if values:
            found[rollout.index] = values.pop(0)
    return found
