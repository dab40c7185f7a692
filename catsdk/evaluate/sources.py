"""Reads a data set as items: which column is the prompt, which the gold answer or the rubric."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from catsdk.answers.extract.golds import gold_cells
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Kind
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.rows import Row, read_rows

__all__ = ["Columns", "check_graded", "items_of", "read_items"]

PROMPTS = ("prompt", "messages", "problem", "question", "input", "instruction")
GOLDS = ("gold", "answer", "target", "label", "solution", "reference")
CRITERIA = ("criteria", "rubric", "rubrics")
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
    `limit` says otherwise; `box:heldout@3` draws others). A known answer is a text or a number, or
    a list of accepted ones; a whole solution (`\boxed{}`, `#### x`) is read when it is compared, as
    a rollout is. Criteria are a list of texts, or of objects with a `criterion` or `text` and,
    where they differ in weight, `points` or `weight`, negative for a pitfall.

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
    found = _columns(rows, columns, source)
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


def _columns(rows: Sequence[Row], wanted: Columns, source: str) -> Columns:
    # A column may be missing in the first row, where that has nothing to say there.
    there = list(dict.fromkeys(name for row in rows for name in row.values))

    def find(name: str | None, usual: tuple[str, ...], what: str) -> str | None:
        if name is not None and name not in there:
            raise InvalidInputError(
                f"data set {source!r} has no {what} column {name!r}; it has {', '.join(there)}"
            )
        return name or next((each for each in usual if each in there), None)

    prompt = find(wanted.prompt, PROMPTS, "prompt")
    if prompt is None:
        raise InvalidInputError(
            f"data set {source!r} has none of the columns {', '.join(PROMPTS)}; it has"
            f" {', '.join(there)}: name the prompt's column (--prompt-column)"
        )
    return Columns(
        prompt,
        find(wanted.gold, GOLDS, "gold"),
        find(wanted.criteria, CRITERIA, "criteria"),
        find(wanted.id, IDS, "id"),
    )


def check_graded(items: Sequence[Item], source: str, split: str | None = None) -> None:
    """Raise where no item has a known answer or criteria: a column may have another name.

    Args:
        items: The items of `source`.
        source: Where they come from.
        split: The split of a Hugging Face data set.

    Raises:
        InvalidInputError: no item can be graded; the message names the columns.
    """
    if any(item.accepted or item.criteria for item in items):
        return
    columns = read_rows(source, split, 1)[0].values
    raise InvalidInputError(
        f"no row of {source!r} has a known answer ({', '.join(GOLDS)}) or criteria"
        f" ({', '.join(CRITERIA)}); it has the columns {', '.join(columns)}. Name the right one"
        " (--gold-column, --criteria-column), or give --ungraded to report cost and disagreement"
        " alone"
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


def _gold(value: object) -> str | tuple[str, ...] | None:
    try:
        cells = [str(cell).strip() for cell in gold_cells(value)]
    except TypeError as error:
        raise InvalidInputError(
            f"the gold answer is {value!r:.80}; give a text or a number, or a list of those that"
            " are accepted, or name another column"
        ) from error
    return tuple(cells) if len(cells) > 1 else next(iter(cells), None)


def _criteria(value: object) -> tuple[Criterion, ...]:
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
    return tuple(_criterion(at, each) for at, each in enumerate(cast("list[object]", given), 1))


def _criterion(at: int, value: object) -> Criterion:
    text, points = value, None
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        text = named.get("criterion", named.get("text"))
        points = named.get("points", named.get("weight"))
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(f"a criterion is {value!r:.80}; give a text")
    if points is None:
        return Criterion(id=f"r{at}", text=text)
    if isinstance(points, bool) or not isinstance(points, int | float) or not math.isfinite(points):
        raise InvalidInputError(f"a criterion is worth {points!r:.80}; give a finite number")
    pitfall: Kind | None = "pitfall" if points < 0 else None
    return Criterion(id=f"r{at}", text=text, kind=pitfall, weight=float(points))
