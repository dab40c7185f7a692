"""The completions that TRL logs (`log_completions`), for trainings that kept no groups."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, Final, cast

from catsdk.answers.answers import Answers
from catsdk.core.types import (
    Completion,
    Failure,
    Group,
    Provenance,
    Reference,
    Rollout,
    Score,
)
from catsdk.view.entry import Entry, Made, prompt_of

__all__ = ["COMPLETIONS", "advantages_in", "entries_in"]

COMPLETIONS: Final = "completions"
_OWN: Final = {
    "step", "prompt", "completion", "advantage", "reference", "reference_answer", "agreement",
    "no_reward_because",
}  # fmt: skip


def entries_in(path: Path, answers: Answers) -> Iterator[Entry]:
    """The groups of one step.

    Args:
        path: A file that TRL wrote.
        answers: Finds the final answers of rollouts.
    """
    rows = import_module("pyarrow.parquet").read_table(path).to_pylist()
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row["prompt"], default=str), []).append(row)
    for at, group in enumerate(groups.values()):
        yield _entry(group, at, answers)


def advantages_in(path: Path) -> dict[str, list[float]]:
    """The advantages of one step by the text of the completion, in the order of the rows.

    Args:
        path: A file that TRL wrote; may be missing.
    """
    if not path.is_file():
        return {}
    table = import_module("pyarrow.parquet").read_table(path, columns=["completion", "advantage"])
    found: dict[str, list[float]] = {}
    for row in table.to_pylist():
        if isinstance(row["advantage"], int | float):
            found.setdefault(_text(row["completion"]), []).append(row["advantage"])
    return found


def _entry(rows: Sequence[dict[str, Any]], at: int, answers: Answers) -> Entry:
    first = rows[0]
    rollouts = [_rollout(row, index, answers) for index, row in enumerate(rows)]
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


def _rollout(row: dict[str, Any], index: int, answers: Answers) -> Rollout:
    text = _text(row["completion"])
    found = answers.extract(text)
    return Rollout(
        index=index,
        completion=Completion(text=text),
        answer=found.answer,
        answer_rule=found.rule,
    )


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
