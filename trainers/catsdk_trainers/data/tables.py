"""Convert rows to the table that a trainer expects: all columns, each with one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from datasets import Dataset

from catsdk.core.errors import InvalidInputError
from catsdk.data.rows import Row

__all__ = ["table_of"]


def table_of(rows: Sequence[Row], answers: Sequence[str]) -> Dataset:
    """Make a table of `rows` with the columns of all of them.

    Known answers are given one type: if one row has a list of accepted answers, every row gets a
    list, and numbers become texts.

    Args:
        rows: The rows.
        answers: The columns with known answers.

    Raises:
        InvalidInputError: a column holds values of several kinds; the message says where.
    """
    whole = _alike(rows, answers)
    names = dict.fromkeys(name for row in whole for name in row)
    columns = {name: [row.get(name) for row in whole] for name in names}
    try:
        return Dataset.from_dict(columns)
    except (ValueError, TypeError, OverflowError) as error:
        raise _refused(rows, columns, error) from error


def _refused(
    rows: Sequence[Row], columns: Mapping[str, list[Any]], error: Exception
) -> InvalidInputError:
    for name, cells in columns.items():
        try:
            Dataset.from_dict({name: cells})
        except (ValueError, TypeError, OverflowError) as why:
            return InvalidInputError(
                f"the column {name!r} cannot be part of a table ({why}){_example(rows, cells)}"
            )
    return InvalidInputError(f"the rows do not make a table: {error}")


def _example(rows: Sequence[Row], cells: Sequence[Any]) -> str:
    there = [(row.place, cell) for row, cell in zip(rows, cells, strict=True) if cell is not None]
    place, first = there[0]
    for other_place, other in there:
        if type(other) is not type(first):
            return (
                f": {place} has {first!r:.60} and {other_place} has {other!r:.60}; give all rows"
                " values of one kind, or leave the column out"
            )
    return f"; the first is {first!r:.60}, at {place}"


def _alike(rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, Any]]:
    changed = [dict(row.values) for row in rows]
    for column in columns:
        lists = any(isinstance(row.get(column), list | tuple) for row in changed)
        for row in changed:
            cell = row.get(column)
            if cell is None:
                continue
            cells = cell if isinstance(cell, list | tuple) else [cell]
            texts = [_text(each) for each in cells]
            row[column] = texts if lists else texts[0]
    return changed


def _text(cell: object) -> object:
    # Tables write an empty numeric cell as NaN.
    if isinstance(cell, float) and isnan(cell):
        return None
    return str(cell) if isinstance(cell, int | float) else cell
