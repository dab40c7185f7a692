"""Reads a data set as items: which column is the prompt, which the gold answer or the rubric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from catsdk.core.errors import InvalidInputError
from catsdk.equivalence.extract import gold_answers
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.rows import Row, read_rows

__all__ = ["Columns", "items_of", "read_items"]

PROMPTS = ("prompt", "messages", "problem", "question", "input", "instruction")
GOLDS = ("gold", "answer", "target", "label", "solution", "reference")
CRITERIA = ("criteria", "rubric")
IDS = ("id", "unique_id", "uuid")


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns; `None` takes the first that is there of the usual ones."""

    prompt: str | None = None
    gold: str | None = None
    criteria: str | None = None
    id: str | None = None


def read_items(
    source: str, *, columns: Columns = Columns(), split: str | None = None, limit: int | None = None
) -> list[Item]:
    r"""Read the items of `source`, at most `limit`, in their order.

    `source` is a file (`.jsonl`, `.csv`, also with `.gz`, or `.parquet`), a folder that
    `datasets.save_to_disk` wrote, `hf:OWNER/NAME` or `hf:OWNER/NAME/CONFIG` for one on the hub, or
    `box:SPLIT` for problems of the model in the box (`box:heldout`, `box:dev`, 500 of them unless
    `limit` says otherwise; `box:heldout@3` draws others). A gold answer that
    is a whole solution (`\boxed{}`, `#### x`) is reduced to its final answer; a list of answers
    means that each is accepted. Criteria are a list
    of texts, or of objects with a `criterion` or `text`.

    Raises:
        InvalidInputError: there is no such data set, a column is missing, or a row is wrong; the
            message names file and line.
        MissingExtraError: Parquet or a Hugging Face data set without `catsdk[data]`.
    """
    return items_of(read_rows(source, split, limit), columns, source)


def items_of(rows: Sequence[Row], columns: Columns, source: str) -> list[Item]:
    """Make the items of rows that were read.

    Raises:
        InvalidInputError: as `read_items`.
    """
    found = _columns(rows[0], columns, source)
    places: dict[str, str] = {}
    items: list[Item] = []
    for at, row in enumerate(rows):
        item = _item(row, found, at)
        if item.id in places:
            raise InvalidInputError(
                f"{row.place}: the id {item.id!r:.80} stands at {places[item.id]} already"
            )
        places[item.id] = row.place
        items.append(item)
    return items


def _columns(row: Row, wanted: Columns, source: str) -> Columns:
    def find(name: str | None, usual: tuple[str, ...], what: str) -> str | None:
        if name is not None and name not in row.values:
            raise InvalidInputError(
                f"data set {source!r} has no {what} column {name!r}; it has {', '.join(row.values)}"
            )
        return name or next((each for each in usual if each in row.values), None)

    prompt = find(wanted.prompt, PROMPTS, "prompt")
    if prompt is None:
        raise InvalidInputError(
            f"data set {source!r} has none of the columns {', '.join(PROMPTS)}; it has"
            f" {', '.join(row.values)}: name the prompt's column"
        )
    return Columns(
        prompt,
        find(wanted.gold, GOLDS, "gold"),
        find(wanted.criteria, CRITERIA, "criteria"),
        find(wanted.id, IDS, "id"),
    )


def _item(row: Row, columns: Columns, at: int) -> Item:
    values = row.values
    try:
        return item_of(
            _prompt(values, columns.prompt or ""),
            _gold(values.get(columns.gold) if columns.gold else None),
            id=str(at) if not columns.id else _id(values.get(columns.id)),
            criteria=_criteria(values.get(columns.criteria) if columns.criteria else None),
        )
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}: {error}") from error


def _prompt(values: Any, column: str) -> Any:
    if values.get(column) is None:
        raise InvalidInputError(f"there is nothing in the column {column!r}")
    return values[column]


def _id(value: object) -> str:
    if value is None or value == "" or not isinstance(value, str | int):
        raise InvalidInputError(f"the id is {value!r:.80}; give a text or a whole number")
    return str(value)


def _gold(value: object) -> tuple[str, ...]:
    try:
        return gold_answers(value)
    except TypeError as error:
        raise InvalidInputError(
            f"the gold answer is {value!r:.80}; give a text or a number, or a list of those that"
            " are accepted, or name another column"
        ) from error


def _criteria(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    given: object = value
    if isinstance(value, str):
        try:
            given = json.loads(value)
        except (ValueError, RecursionError):
            given = value
    if not isinstance(given, list):
        raise InvalidInputError(f"criteria are {value!r:.80}; give a list of texts")
    return tuple(_criterion(each) for each in cast("list[object]", given))


def _criterion(value: object) -> str:
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        value = named.get("criterion", named.get("text"))
    if not isinstance(value, str) or not value.strip():
        raise InvalidInputError(f"a criterion is {value!r:.80}; give a text")
    return value
