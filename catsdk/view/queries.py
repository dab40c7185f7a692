"""What lists ask of the index: pages of items by filters, search and order, and counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from catsdk.core.errors import InvalidInputError
from catsdk.view.index import Index

__all__ = [
    "FILTERS",
    "ORDERS",
    "PAGE",
    "Asked",
    "contenders",
    "counts",
    "neighbours",
    "page",
    "row_of",
]

PAGE: Final = 100

FILTERS: Final = {
    "departs": ("reference ≠ majority", "made.departs = 1"),
    "gained": (
        "reference right, majority wrong",
        "made.is_right = 1 AND made.majority_right = 0",
    ),
    "lost": ("reference wrong, majority right", "made.is_right = 0 AND made.majority_right = 1"),
    "rescued": ("right although every rollout is wrong", "made.rescued = 1"),
    "wrong": ("reference wrong", "made.is_right = 0"),
    "tied": ("tie", "(item.tied = 1 OR made.tied = 1)"),
    "failed": (
        "failed",
        "(item.failure IS NOT NULL OR made.failure IS NOT NULL OR item.failed_rollouts > 0)",
    ),
    "unanswered": ("no answer found", "item.unanswered > 0"),
    "unrewarded": ("a reward is None", "item.unrewarded > 0"),
    "flat": ("no reward spread", "item.flat = 1"),
    "flips": ("estimators flip", "item.flips = 1"),
    "dull": ("a criterion tells nothing apart", "item.dull > 0"),
    "partial": ("cut short", "item.partial = 1"),
}
"""The filters by name: their words, and when an item passes."""

ORDERS: Final = {
    "order": "item.at",
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
"""What items can be sorted by."""

_FROM = (
    " FROM item LEFT JOIN made ON made.item = item.row AND made.contender = ? WHERE item.run = ?"
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which items of a run are listed, and how.

    Args:
        run: The run's name.
        contender: The estimator and size by which references are shown, as `NAME/SIZE`.
        filters: Names of `FILTERS`, all of which an item must pass.
        search: Words, all of which must be somewhere in the item.
        order: One of `ORDERS`.
        descending: Whether the largest come first.
        step: The step of a training; `None` takes all.
        offset: How many items come before the page.
        limit: The most items of the page.

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
        """Refuse names that are not there."""
        unknown = [name for name in self.filters if name not in FILTERS]
        if unknown:
            raise InvalidInputError(
                f"there is no filter {unknown[0]!r:.40}; give one of {', '.join(FILTERS)}"
            )
        if self.order not in ORDERS:
            raise InvalidInputError(
                f"items cannot be sorted by {self.order!r:.40}; give one of {', '.join(ORDERS)}"
            )

    @property
    def where(self) -> tuple[str, list[Any]]:
        """From which rows, with the values."""
        parts, values = [_FROM], [self.contender, self.run]
        parts += [f" AND {FILTERS[name][1]}" for name in self.filters]
        return _narrowed(self, parts, values)


def _narrowed(asked: Asked, parts: list[str], values: list[Any]) -> tuple[str, list[Any]]:
    if asked.step is not None:
        parts.append(" AND item.step = ?")
        values.append(asked.step)
    words = _WORD.findall(asked.search)
    if words:
        parts.append(" AND item.row IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" ".join(f'"{word}"*' for word in words))
    return "".join(parts), values


def page(index: Index, asked: Asked) -> tuple[list[dict[str, Any]], int]:
    """One page of items, and how many there are in all.

    Args:
        index: The index.
        asked: Which.
    """
    where, values = asked.where
    columns = (
        "item.*, made.answer, made.score, made.departs, made.is_right, made.majority_right,"
        " made.rescued, made.tied AS made_tied, made.failure AS made_failure"
    )
    order = _order(asked)
    rows = index.ask(
        f"SELECT {columns}{where} ORDER BY {order} LIMIT ? OFFSET ?",
        [*values, asked.limit, asked.offset],
    )
    (total,) = index.ask(f"SELECT count(*) AS count{where}", values)
    return rows, total["count"]


def _order(asked: Asked) -> str:
    column = ORDERS[asked.order]
    way = "DESC" if asked.descending else "ASC"
    # What is unknown comes last in both directions.
    return (
        f"{column} IS NULL, {column} {way}, item.at" if asked.order != "order" else f"item.at {way}"
    )


def counts(index: Index, asked: Asked) -> dict[str, int]:
    """How many items pass each filter, by its name, among those that the search finds.

    Args:
        index: The index.
        asked: Which run, search and step; filters do not count.
    """
    where, values = _narrowed(asked, [_FROM], [asked.contender, asked.run])
    sums = ", ".join(f"sum({when}) AS {name}" for name, (_, when) in FILTERS.items())
    (row,) = index.ask(f"SELECT {sums}{where}", values)
    return {name: count or 0 for name, count in row.items()}


def contenders(index: Index, run: str) -> list[str]:
    """The estimators and sizes of a run, as `NAME/SIZE`, the largest size first.

    Args:
        index: The index.
        run: The run's name.
    """
    rows = index.ask(
        "SELECT DISTINCT contender FROM made WHERE item IN"
        " (SELECT row FROM item WHERE run = ? ORDER BY at LIMIT 500)",
        [run],
    )
    return sorted((row["contender"] for row in rows), key=_by_size)


def _by_size(contender: str) -> tuple[int, bool, str]:
    name, _, size = contender.rpartition("/")
    # Synthesis is what one came to look at; a majority is compared with anyway.
    return -int(size), name != "synthesis", name if name != "majority" else "\uffff"


def row_of(index: Index, run: str, id: str) -> dict[str, Any] | None:
    """The row of one item; `None` where it is not there.

    Args:
        index: The index.
        run: The run's name.
        id: The item's.
    """
    found = index.ask("SELECT * FROM item WHERE run = ? AND id = ?", [run, id])
    return found[0] if found else None


def neighbours(index: Index, asked: Asked, id: str) -> dict[str, Any]:
    """The ids before and after an item in a list, and its place there; nothing if it is not in it.

    Args:
        index: The index.
        asked: Which list.
        id: The item.
    """
    where, values = asked.where
    rows = index.ask(f"SELECT item.id{where} ORDER BY {_order(asked)}", values)
    ids: Sequence[str] = [row["id"] for row in rows]
    if id not in ids:
        return {}
    at = ids.index(id)
    return {
        "before": ids[at - 1] if at else None,
        "after": ids[at + 1] if at + 1 < len(ids) else None,
        "at": at,
        "of": len(ids),
    }
