"""What a training wrote: the rows that it logged, and the groups of its steps, if it kept them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any, cast

from catsdk import train
from catsdk.answers.answers import Answers
from catsdk.core.errors import InvalidInputError
from catsdk.core.installing import install_command
from catsdk.core.types import (
    Completion,
    Failure,
    Group,
    Provenance,
    Reference,
    Rollout,
    Score,
)
from catsdk.core.yaml_text import data_of
from catsdk.view.entry import Entry, Made, prompt_of
from catsdk.view.outline import voted
from catsdk.view.runs.run import About, Marks, News, Run, marks_of

__all__ = ["CONFIG", "TrainRun", "is_training"]

CONFIG, STATE = "catsdk.yaml", "trainer_state.json"
_STEPS = "completions/completions_*.parquet"
_OWN = {
    "step", "prompt", "completion", "advantage", "reference", "reference_answer", "agreement",
    "no_reward_because",
}  # fmt: skip


def is_training(path: Path) -> bool:
    """Tell whether a folder is that of a training.

    Args:
        path: The folder.
    """
    return (path / CONFIG).is_file() or any(path.glob(f"checkpoint-*/{STATE}"))


class TrainRun(Run):
    """A training: its log from the newest checkpoint, its groups from TRL's completions."""

    def __init__(self, path: Path) -> None:
        """Choose the folder."""
        super().__init__(path)
        self._known: dict[str, int] = {}
        self._answers = Answers()
        self._seen, self._alarms = 0, tuple[str, ...]()

    def marks(self) -> Marks:
        """Those of its folder, its checkpoints and its groups."""
        return marks_of(self.path, *self.path.glob("checkpoint-*"), self.path / "completions")

    def news(self) -> News:
        """The groups of the steps that were written since the last time."""
        if find_spec("pyarrow") is None:
            return
        for path in sorted(self.path.glob(_STEPS)):
            mark = path.stat().st_mtime_ns
            if self._known.get(path.name) == mark:
                continue
            for at, rows in enumerate(_groups(path)):
                entry = self._entry(rows, at)
                yield f"{path.name}\0{at}", voted(entry.outline)
            self._known[path.name] = mark

    def entry(self, place: str) -> Entry | None:
        """One group of a step."""
        name, _, at = place.partition("\0")
        path = self.path / "completions" / name
        if not path.is_file():
            return None
        groups = _groups(path)
        return self._entry(groups[int(at)], int(at)) if int(at) < len(groups) else None

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
        if any(self.path.glob(_STEPS)) and find_spec("pyarrow") is None:
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

    def _entry(self, rows: Sequence[dict[str, Any]], at: int) -> Entry:
        first = rows[0]
        rollouts = [self._rollout(row, index) for index, row in enumerate(rows)]
        group = Group(prompt=prompt_of(first["prompt"]), rollouts=tuple(rollouts))
        return Entry(
            id=f"step {first['step']}, group {at + 1}",
            prompt=group.prompt,
            group=group,
            made=tuple(_made(first, len(rows))),
            scores=tuple(_score(row, index) for index, row in enumerate(rows)),
            step=int(first["step"]),
            advantages={
                index: row["advantage"]
                for index, row in enumerate(rows)
                if isinstance(row.get("advantage"), int | float)
            },
        )

    def _rollout(self, row: dict[str, Any], index: int) -> Rollout:
        text = _text(row["completion"])
        found = self._answers.extract(text)
        return Rollout(
            index=index,
            completion=Completion(text=text),
            answer=found.answer,
            answer_rule=found.rule,
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
            # It is being written; the one before is whole.
            continue
    return {}


def _alarms(history: Sequence[dict[str, Any]], stop: object) -> tuple[str, ...]:
    """What the early stop says after each evaluation and at the end, each reason once."""
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


def _groups(path: Path) -> list[list[dict[str, Any]]]:
    """The rows of one step by their prompt, in the order of the first of each."""
    rows = import_module("pyarrow.parquet").read_table(path).to_pylist()
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row["prompt"], default=str), []).append(row)
    return list(groups.values())


def _text(value: Any) -> str:
    if isinstance(value, list):
        messages = cast("list[dict[str, Any]]", value)
        return "\n\n".join(str(each.get("content") or "") for each in messages)
    return str(value)


def _score(row: dict[str, Any], index: int) -> Score:
    rewards = {
        name: value
        for name, value in row.items()
        if name not in _OWN and (value is None or isinstance(value, int | float))
    }
    known = [value for value in rewards.values() if value is not None and isfinite(value)]
    told = row.get("no_reward_because") or ""
    parts = {name: Score(index=index, value=value) for name, value in rewards.items()}
    return Score(
        index=index,
        value=sum(known) if known else None,
        parts=parts if len(parts) > 1 else {},
        failure=None if known else Failure(kind="NoReward", message=str(told) or "not told"),
    )


def _made(row: dict[str, Any], size: int) -> list[Made]:
    if not row.get("reference"):
        return []
    reference = Reference(
        text=str(row["reference"]),
        answer=row.get("reference_answer") or None,
        group=Group(prompt=(), rollouts=()),
        agreement=None,
        provenance=Provenance(method="reference"),
    )
    return [Made(estimator="reference", size=size, reference=reference)]
