"""Row: one row of a data set, by its columns, with its place in the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from catsdk.core.inputs import without_nulls

__all__ = ["Row", "Wrong", "numbered", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set.

    Args:
        place: Where it stands, such as `data.jsonl, line 3`.
        values: Its cells by column.

    Example:
        >>> from catsdk.data import read_rows
        >>> read_rows(["2+2?"])
        [Row(place='row 0 (from 0)', values={'prompt': '2+2?'})]
    """

    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is in the place of a row, and is not one.

    Args:
        place: Where it stands.
        cause: What is wrong, with the place and the fix.

    Example:
        >>> from catsdk.data import each_row
        >>> [row.cause for row in each_row([42])]
        ['row 0 (from 0) is 42; give a text, or an object with a column for the prompt']
    """

    place: str
    cause: str


def row_of(place: str, given: object, text: str) -> Row | Wrong:
    """Make a row of what stands at `place`; what is neither a mapping nor a text is wrong.

    A key inside a cell whose value is `None` counts as absent: tables give every object the keys
    of all the others.

    Args:
        place: Where it stands.
        given: A mapping from columns to cells, or a text.
        text: The column of a row that is a text.
    """
    if isinstance(given, str):
        return Row(place, {text: given})
    if not isinstance(given, Mapping):
        return Wrong(
            place,
            f"{place} is {given!r:.80}; give a text, or an object with a column for the prompt",
        )
    cells = cast("Mapping[object, object]", given).items()
    return Row(place, {str(name): without_nulls(cell) for name, cell in cells})


def numbered(name: str, given: Iterable[object], text: str) -> Iterator[Row | Wrong]:
    """The rows of what Python counts from 0: a list, a table.

    Args:
        name: What they are rows of; empty for a list without a name.
        given: The rows.
        text: The column of a row that is a text.
    """
    of = f"{name}, " if name else ""
    return (row_of(f"{of}row {at} (from 0)", row, text) for at, row in enumerate(given))
