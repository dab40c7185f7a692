"""Queries to the index: pages of items by filters, search and order, and counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from catsdk.core.errors import InvalidInputError
from catsdk.view.filters import FILTERS, mask_of
from catsdk.view.index import Index

__all__ = ["ORDERS", "PAGE", "Asked", "contenders", "counts", "neighbours", "page", "row_of"]

PAGE: Final = 100

ORDERS: Final = {
    "order": "made.item",
    "id": "item.id",
    "agreement": "item.agreement",
    "pass": "item.pass_rate",
    "reward": "item.reward",
    "spread": "item.spread",
    "score": "made.score",
    "tokens": "item.tokens",
    "cost": "item.cost",
    "step": "item.step",
}
"""The columns by which items can be sorted."""

_WORD = re.compile(r"\w+")
_SHOWN: Final = (
    "item.*, made.flags, made.answer, made.score, made.departs, made.is_right, made.majority_right,"
    " made.rescued, made.tied AS made_tied, made.failure AS made_failure"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which items of a run to list, and how.

    Args:
        run: The run's name.
        contender: The estimator and size whose references are shown, as `NAME/SIZE`.
        filters: Names of `FILTERS`, all of which an item must pass.
        search: Words, all of which must occur in the item.
        order: One of `ORDERS`.
        descending: Whether the largest come first.
        step: A training step; `None` lists all steps.
        offset: How many items come before the page.
        limit: The most items on the page.

    Raises:
        InvalidInputError: there is no such filter or order.
    """

    run: str
    contender: str = ""
    filters: tuple[str, ...] = ()
    search: str = ""
    order: str = "order"
    descending: bool = False
    step: int | None = None
    offset: int = 0
    limit: int = PAGE

    def __post_init__(self) -> None:
        """Raise for unknown names."""
        mask_of(self.filters)
        if self.order not in ORDERS:
            raise InvalidInputError(
                f"items cannot be sorted by {self.order!r:.40}; give one of {', '.join(ORDERS)}"
            )

    def rows(self, select: str, *, filtered: bool = True) -> tuple[str, list[Any]]:
        """Make a query over all matching items, with its parameters.

        Args:
            select: The columns to select.
            filtered: Whether to apply the filters.
        """
        joined = self.step is not None or ORDERS[self.order].startswith("item.")
        query = [f"SELECT {select} FROM made"]
        query += ["JOIN item ON item.row = made.item"] if joined else []
        query += ["WHERE made.list = (SELECT id FROM list WHERE run = ? AND contender = ?)"]
        values: list[Any] = [self.run, self.contender]
        if filtered and self.filters:
            query.append("AND made.flags & ? = ?")
            values += [mask_of(self.filters)] * 2
        if self.step is not None:
            query.append("AND item.step = ?")
            values.append(self.step)
        words = _WORD.findall(self.search)
        if words:
            query.append(
                "AND made.item IN (SELECT row FROM item WHERE words IN"
                " (SELECT rowid FROM words WHERE words MATCH ?))"
            )
            values.append(" ".join(f'"{word}"*' for word in words))
        return " ".join(query), values

    @property
    def sorted_rows(self) -> tuple[str, list[Any]]:
        """Make a query for the rows of all matching items in order, with its parameters."""
        query, values = self.rows("made.item")
        column, way = ORDERS[self.order], "DESC" if self.descending else "ASC"
        # Unknown values come last in both directions.
        order = f"{column} IS NULL, {column} {way}, made.item"
        return f"{query} ORDER BY {f'made.item {way}' if self.order == 'order' else order}", values


def page(index: Index, asked: Asked) -> list[dict[str, Any]]:
    """One page of items.

    Args:
        index: The index.
        asked: Which items.
    """
    query, values = asked.sorted_rows
    # Sort row numbers first, which are small, and read texts only for the items shown.
    rows = index.column(f"{query} LIMIT ? OFFSET ?", [*values, asked.limit, asked.offset])
    found = index.ask(
        f"SELECT {_SHOWN} FROM made JOIN item ON item.row = made.item"
        " WHERE made.list = (SELECT id FROM list WHERE run = ? AND contender = ?)"
        f" AND made.item IN ({', '.join(map(str, rows))})",
        [asked.run, asked.contender],
    )
    shown = {row["row"]: row for row in found}
    return [shown[row] for row in rows if row in shown]


def counts(index: Index, asked: Asked) -> tuple[int, Mapping[str, int]]:
    """How many items there are on all pages, and how many pass each filter.

    Args:
        index: The index.
        asked: Which items.

    Returns:
        The number of items that pass the filters and, by the name of each filter, how many of the
        items that the search finds pass it.
    """
    query, values = asked.rows("made.flags, count(*) AS count", filtered=False)
    rows = index.ask(f"{query} GROUP BY made.flags", values)

    def passing(mask: int) -> int:
        return sum(row["count"] for row in rows if row["flags"] & mask == mask)

    return passing(mask_of(asked.filters)), {name: passing(mask_of([name])) for name in FILTERS}


def contenders(index: Index, run: str) -> list[str]:
    """The estimators and sizes of a run, as `NAME/SIZE`, the largest size first.

    Args:
        index: The index.
        run: The run's name.
    """
    query = "SELECT contender FROM list WHERE run = ? AND contender != ''"
    return sorted(index.column(query, [run]), key=_by_size)


def _by_size(contender: str) -> tuple[int, bool, str]:
    name, _, size = contender.rpartition("/")
    # Users want to see the synthesis first; it is compared with the majority anyway.
    return -int(size), name != "synthesis", name if name != "majority" else "\uffff"


def row_of(index: Index, run: str, id: str) -> dict[str, Any] | None:
    """The row of one item; `None` if it does not exist.

    Args:
        index: The index.
        run: The run's name.
        id: The item's.
    """
    found = index.ask("SELECT * FROM item WHERE run = ? AND id = ?", [run, id])
    return found[0] if found else None


def neighbours(index: Index, asked: Asked, id: str) -> dict[str, Any]:
    """The ids before and after an item in a list, and its position; empty if it is not in the list.

    Args:
        index: The index.
        asked: Which list.
        id: The item.
    """
    found = row_of(index, asked.run, id)
    query, values = asked.sorted_rows
    rows = index.column(query, values)
    if found is None or found["row"] not in rows:
        return {}
    at = rows.index(found["row"])
    around = [rows[at - 1] if at else None, rows[at + 1] if at + 1 < len(rows) else None]
    wanted = ", ".join(str(row) for row in around if row is not None)
    named = index.ask(f"SELECT row, id FROM item WHERE row IN ({wanted})")
    ids = {row["row"]: row["id"] for row in named}
    before, after = (ids.get(row) for row in around)
    return {"before": before, "after": after, "at": at, "of": len(rows)}
