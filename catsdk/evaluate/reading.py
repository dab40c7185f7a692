"""Reads a data set as items: prompts with known answers or criteria to grade by."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import cast

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Kind
from catsdk.data.columns import CRITERIA, GOLDS, Columns, gold_in, ids_of, prompt_in
from catsdk.data.rows import Row
from catsdk.data.sources import Source, named, read_rows
from catsdk.evaluate.items import Item, item_of

__all__ = ["SPLITS", "check_graded", "items_of", "read_items"]

SPLITS = ("test", "validation")
"""Where a data set has several splits and its name says none: what is evaluated on."""


def read_items(
    source: Source, *, columns: Columns = Columns(), limit: int | None = None
) -> list[Item]:
    r"""Return the items of a data set, in their order.

    A known answer is a text or a number, or a list of accepted ones; a whole solution (`\boxed{}`,
    `#### x`) is read when it is compared, as a rollout is. Criteria are a list of texts, or of
    objects with a `criterion` or `text` and, where they differ in weight, `points` or `weight`,
    negative for a pitfall.

    Args:
        source: What `catsdk.data.read_rows` takes; of several splits the `test` one.
        columns: The names of the columns, where they are not the usual ones.
        limit: The most items.

    Raises:
        InvalidInputError: there is no such data set, a column is missing, or a row is wrong; the
            message names file and line.
        MissingExtraError: a folder, Parquet or the hub without the extra `data`.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.evaluate import read_items
        >>> written = Path("sums.jsonl").write_text('{"prompt": "6*7?", "answer": "42"}\n')
        >>> read_items("sums.jsonl")[0].gold
        '42'
    """
    rows = read_rows(source, splits=SPLITS, text=columns.text, limit=limit)
    return items_of(rows, columns, named(source))


def items_of(rows: Sequence[Row], columns: Columns, source: str) -> list[Item]:
    """Make the items of rows that were read.

    Args:
        rows: The rows.
        columns: The names of their columns.
        source: What they are rows of, for errors.

    Raises:
        InvalidInputError: as `read_items`.
    """
    found = columns.found_in(rows, source)
    ids = ids_of(rows, found.id)
    return [_item(row, found, id) for row, id in zip(rows, ids, strict=True)]


def check_graded(items: Sequence[Item], source: Source) -> None:
    """Raise where no item has a known answer or criteria: a column may have another name.

    Args:
        items: The items of `source`.
        source: Where they come from.

    Raises:
        InvalidInputError: no item can be graded; the message names the columns.
    """
    if any(item.accepted or item.criteria for item in items):
        return
    columns = read_rows(source, splits=SPLITS, limit=1)[0].values
    raise InvalidInputError(
        f"no row of {named(source)} has a known answer ({', '.join(GOLDS)}) or criteria"
        f" ({', '.join(CRITERIA)}); it has the columns {', '.join(columns)}. Name the right one"
        " (--gold-column, --criteria-column), or give --ungraded to report cost and disagreement"
        " alone"
    )


def _item(row: Row, columns: Columns, id: str) -> Item:
    prompt = prompt_in(row, columns.text)
    gold = gold_in(row, columns.gold)
    try:
        criteria = _criteria(row.values.get(columns.criteria) if columns.criteria else None)
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}, column {columns.criteria!r}: {error}") from error
    return item_of(prompt, gold, id=id, criteria=criteria)


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
