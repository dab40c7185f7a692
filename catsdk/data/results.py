"""Results as Parquet: a row for each group, with readable columns and the whole result as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from catsdk.core.types import Result, Score
from catsdk.data.parquet import pyarrow_or_raise, utf8, write_rows

__all__ = ["Kept", "read_results", "write_results"]


class Kept(NamedTuple):
    """A result in a file.

    Args:
        step: The step of a training that it is of.
        at: Its place among the groups of the step, from 0.
        of: How many groups the step had, those that were not kept too.
        result: The result, without log-probabilities.
    """

    step: int
    at: int
    of: int
    result: Result


def write_results(
    path: Path, results: Sequence[Result], *, step: int, of: int, first: int = 0
) -> None:
    """Write the results of a step to a file, all or none.

    Args:
        path: The file; one that is there is replaced.
        results: The results, in their order.
        step: The step.
        of: How many groups the step had.
        first: The place of the first of them among these.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ConfigurationError: the disk is full or fails.
    """
    rows = [
        {"step": step, "group": at, "groups": of, **_row(result)}
        for at, result in enumerate(results, first)
    ]
    write_rows(path, rows, _schema(), group=16)


def read_results(path: Path, *, only: int | None = None) -> Iterator[Kept]:
    """Read the results in a file.

    Args:
        path: What `write_results` wrote.
        only: The number of the row that is wanted, from 0; `None` reads all.

    Raises:
        MissingExtraError: pyarrow is not installed.
        OSError: it cannot be read.
    """
    _, parquet = pyarrow_or_raise()
    columns = ["step", "group", "groups", "rollouts", "result"]
    with parquet.ParquetFile(path, pre_buffer=False) as file:
        rows = (
            row
            for batch in file.iter_batches(batch_size=16, columns=columns)
            for row in batch.to_pylist()
        )
        last = None if only is None else only + 1
        for row in islice(rows, only, last):
            yield Kept(row["step"], row["group"], row["groups"], _result(row))


def _row(result: Result) -> dict[str, Any]:
    group, reference = result.group, result.reference
    scores = {score.index: score for score in result.scores}
    return {
        "question": utf8(group.question) if group else None,
        "rollouts": [
            {
                "index": each.index,
                "text": utf8(each.text),
                "answer": utf8(each.answer),
                **_reward(scores.get(each.index)),
            }
            for each in (group.rollouts if group else ())
        ],
        "reference": utf8(reference.text) if reference else None,
        "reference_answer": utf8(reference.answer) if reference else None,
        "majority": utf8(reference.majority) if reference else None,
        "agreement": reference.agreement if reference else None,
        "failure": None if result.failure is None else utf8(str(result.failure)),
        "result": _rest(result),
    }


def _reward(score: Score | None) -> dict[str, Any]:
    if score is None:
        return {"reward": None, "parts": [], "why": None}
    why = "; ".join([*score.reasons, *([] if score.failure is None else [str(score.failure)])])
    parts = [{"name": name, "value": part.value} for name, part in score.parts.items()]
    return {"reward": score.value, "parts": parts, "why": utf8(why)}


def _rest(result: Result) -> str:
    """The data that no other column holds, as JSON, without repeating the rollouts' texts."""
    data = result.model_dump(mode="json", exclude_defaults=True)
    for rollout in _rollouts(data):
        rollout["completion"] |= {"text": "", "logprobs": None}
    return json.dumps(data)


def _rollouts(data: dict[str, Any]) -> list[dict[str, Any]]:
    group: dict[str, Any] = data.get("group") or {}
    rollouts: list[dict[str, Any]] = group.get("rollouts") or []
    return rollouts


def _result(row: dict[str, Any]) -> Result:
    data = json.loads(row["result"])
    texts = {each["index"]: each["text"] for each in row["rollouts"]}
    for rollout in _rollouts(data):
        rollout["completion"]["text"] = texts[rollout["index"]]
    return Result.model_validate(data)


def _schema() -> Any:
    pa, _ = pyarrow_or_raise()
    text, whole, number = pa.string(), pa.int64(), pa.float64()
    part = pa.struct([("name", text), ("value", number)])
    rollout = pa.struct(
        [
            ("index", whole), ("text", text), ("answer", text), ("reward", number),
            ("parts", pa.list_(part)), ("why", text),
        ]
    )  # fmt: skip
    return pa.schema(
        [
            ("step", whole), ("group", whole), ("groups", whole), ("question", text),
            ("rollouts", pa.list_(rollout)), ("reference", text), ("reference_answer", text),
            ("majority", text), ("agreement", number), ("failure", text), ("result", text),
        ]
    )  # fmt: skip
