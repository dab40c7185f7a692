"""Compare two estimators, from one run or two, on the items that both have."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from catsdk.evaluate.statistics import holm, mcnemar
from catsdk.view.index import Index
from catsdk.view.queries import PAGE, contenders

__all__ = ["Side", "compared"]

_LIST = "(SELECT id FROM list WHERE run = ? AND contender = ?)"
_JOINED = (
    " FROM item a JOIN item b ON b.run = ? AND b.id = a.id"
    f" JOIN made x ON x.item = a.row AND x.list = {_LIST} AND x.there"
    f" JOIN made y ON y.item = b.row AND y.list = {_LIST} AND y.there"
    " WHERE a.run = ?"
)
_SHOWN = {
    "flips": " AND x.is_right IS NOT NULL AND y.is_right IS NOT NULL AND x.is_right != y.is_right",
    "gained": " AND x.is_right = 0 AND y.is_right = 1",
    "lost": " AND x.is_right = 1 AND y.is_right = 0",
    "all": "",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Args:
        run: The run's name.
        contender: The estimator and size, as `NAME/SIZE`.
    """

    run: str
    contender: str


def compared(
    index: Index, left: Side, right: Side, *, show: str = "flips", offset: int = 0
) -> dict[str, Any]:
    """Join two sides by the ids of their items.

    Args:
        index: The index.
        left: The left side.
        right: The right side.
        show: Which items: `flips`, right on only one side; `gained` and `lost`, seen from the
            right side; or `all`, flips first.
        offset: How many items come before the page.

    Returns:
        A page of items, and the paired test: how many items only one side gets right, McNemar's
        exact p-value, and the same with Holm's correction for all comparisons that could have been
        chosen.
    """
    counted = _counted(index, left, right)
    p = mcnemar(counted["only_left"], counted["only_right"]) if counted["graded"] else None
    family = _family(index, left, right)
    others = [_counted(index, one, two) for one, two in family]
    values = [mcnemar(each["only_left"], each["only_right"]) for each in others]
    adjusted = None
    if p is not None and family:
        at = family.index((left, right)) if (left, right) in family else None
        adjusted = holm(values)[at] if at is not None else None
    where = _JOINED + _SHOWN.get(show, "")
    keys = _keys(left, right)
    rows = index.ask(
        "SELECT a.id, a.question, a.gold, a.majority, x.answer AS left_answer,"
        " x.is_right AS left_right, y.answer AS right_answer, y.is_right AS right_right,"
        f" x.score AS left_score, y.score AS right_score{where}"
        " ORDER BY x.is_right IS NOT y.is_right DESC, a.row LIMIT ? OFFSET ?",
        [*keys, PAGE, offset],
    )
    (total,) = index.ask(f"SELECT count(*) AS count{where}", keys)
    return {
        **counted,
        "p_value": p,
        "p_holm": adjusted,
        "comparisons": len(family),
        "rows": rows,
        "total": total["count"],
        "page": PAGE,
    }


def _keys(left: Side, right: Side) -> list[str]:
    return [
        right.run, left.run, left.contender, right.run, right.contender, left.run,
    ]  # fmt: skip


def _counted(index: Index, left: Side, right: Side) -> dict[str, Any]:
    (row,) = index.ask(
        "SELECT count(*) AS items,"
        " sum(x.is_right IS NOT NULL AND y.is_right IS NOT NULL) AS graded,"
        " sum(x.is_right = 1 AND y.is_right = 0) AS only_left,"
        " sum(x.is_right = 0 AND y.is_right = 1) AS only_right,"
        " sum(x.is_right = 1 AND y.is_right = 1) AS both,"
        " avg(CASE WHEN y.score IS NOT NULL THEN x.score END) AS left_mean,"
        f" avg(CASE WHEN x.score IS NOT NULL THEN y.score END) AS right_mean{_JOINED}",
        _keys(left, right),
    )
    means = {"left_mean": row.pop("left_mean"), "right_mean": row.pop("right_mean")}
    return {**{name: value or 0 for name, value in row.items()}, **means}


def _family(index: Index, left: Side, right: Side) -> list[tuple[Side, Side]]:
    """All comparisons that could have been chosen, since with many some will look significant."""
    if left.run != right.run:
        common = [c for c in contenders(index, left.run) if c in contenders(index, right.run)]
        if left.contender == right.contender:
            return [(Side(left.run, each), Side(right.run, each)) for each in common]
        return [(left, right)]
    size = left.contender.rpartition("/")[2]
    if size != right.contender.rpartition("/")[2]:
        return [(left, right)]
    same = [c for c in contenders(index, left.run) if c.rpartition("/")[2] == size]
    pairs = [(Side(left.run, one), Side(left.run, two)) for one, two in combinations(same, 2)]
    # The requested pair keeps its order.
    return [(left, right) if {one, two} == {left, right} else (one, two) for one, two in pairs]
