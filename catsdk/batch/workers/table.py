"""Converts Ray's batches to rows, and results to tables with the same types in every batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from catsdk.batch.plan import Plan
from catsdk.batch.products import Record
from catsdk.core.errors import InvalidInputError, MissingExtraError
from catsdk.core.installing import install_command

__all__ = ["ADDED", "Made", "check_columns", "table_of"]

ADDED: Final = ("outcome", "failure")
"""What is added to the columns of every product: how the row ended, and why without a result."""

_NUMBERS: Final = ("agreement", "reward", "chosen_reward", "rejected_reward")
_COUNTS: Final = ("rollout",)
_TRUTHS: Final = ("partial",)
_CHATS: Final = ("chosen", "rejected")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one row.

    Args:
        at: Its place in the batch.
        id: Its id, where it has one.
        outcome: `ok`, `partial`, `failed`, `refused` or `waiting`.
        failure: Why there is no result.
        records: What it became.
    """

    at: int
    id: str | None
    outcome: str
    failure: str | None = None
    records: Sequence[Record] = ()


def check_columns(names: Sequence[str], plan: Plan) -> None:
    """Refuse a data set with columns that the output has for something else.

    Raises:
        InvalidInputError: there is such a column.
    """
    clash = [name for name in names if name in ADDED]
    if clash:
        raise InvalidInputError(
            f"the data set has a column {clash[0]!r}, which is added to the output; rename it, or"
            " leave it out"
        )


def table_of(batch: Any, made: Sequence[Made], plan: Plan) -> Any:
    """The rows of a batch with what they became: each at least once, with its columns as they were.

    Args:
        batch: A table of pyarrow.
        made: What became of its rows.
        plan: Says which columns are added.

    Returns:
        A table with the columns of `batch`, `id` where it has none, those of the product, `outcome`
        and `failure`.
    """
    pa = _pyarrow()
    fields = plan.fields
    pairs = [(each, record) for each in made for record in (each.records or ({},))]
    kept = [name for name in batch.column_names if name not in fields]
    table = batch.select(kept).take(pa.array([each.at for each, _ in pairs], pa.int64()))
    if "id" not in kept:
        table = table.append_column("id", pa.array([each.id for each, _ in pairs], pa.string()))
    for name in fields:
        kind = _kind(name, plan.produces)
        cells = [_cell(record.get(name), kind) for _, record in pairs]
        table = table.append_column(name, pa.array(cells, _types(pa)[kind]))
    texts = {
        "outcome": [each.outcome for each, _ in pairs],
        "failure": [each.failure for each, _ in pairs],
    }
    for name in ADDED:
        table = table.append_column(name, pa.array(texts[name], pa.string()))
    return table


def _kind(name: str, produces: str) -> str:
    if name in _CHATS or (name in ("prompt", "completion") and produces in ("sft", "preferences")):
        return "chat"
    for kind, names in (("number", _NUMBERS), ("count", _COUNTS), ("truth", _TRUTHS)):
        if name in names:
            return kind
    return "text"


def _types(pa: Any) -> dict[str, Any]:
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    return {
        "text": pa.string(),
        "number": pa.float64(),
        "count": pa.int64(),
        "truth": pa.bool_(),
        "chat": pa.list_(message),
    }


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "chat":
        return [_message(each) for each in value]
    if kind == "text" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    # A table can hold only text that UTF-8 can encode.
    return _written(value) if kind == "text" else value


def _message(message: Mapping[str, Any]) -> dict[str, str]:
    """A message as role and content; images, tools and names are JSON in the content."""
    content = message.get("content")
    if not isinstance(content, str) or len(message) > 2:
        rest = {name: value for name, value in message.items() if name != "role"}
        content = json.dumps(rest, ensure_ascii=False, default=str)
    return {"role": str(message["role"]), "content": _written(content)}


def _written(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"tables need pyarrow: {install_command('ray')}") from error
