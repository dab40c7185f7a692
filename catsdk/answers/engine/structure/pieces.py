"""Sets of real numbers between their ends: unions, intersections, differences, exactly compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from typing import Protocol

from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.evaluate import rational_of
from catsdk.answers.engine.numeric.values import value_of
from catsdk.answers.engine.structure.expressions import infinity_of
from catsdk.answers.engine.traversal import symbols_of
from catsdk.answers.engine.tree import Call, Interval, Items, Matrix, Node, Relation, Text, Union

__all__ = ["Comparer", "is_set_operation", "joined_intervals", "same_pieces", "sets_listed"]

_MOST_ENDS = 150
_OPERATIONS = frozenset(["cap", "setminus"])


class Comparer(Protocol):
    """What sets need of the comparison they are part of."""

    budget: Budget

    def same(self, left: Node, right: Node) -> bool | None:
        """Compare two nodes."""
        ...


class _NoPiecesError(Exception):
    """The node is not a set of real numbers with known ends."""


@dataclass(frozen=True, slots=True)
class _End:
    """An end with its sign of infinity, and its value within `error`."""

    node: Node
    infinity: int
    value: Fraction
    error: float


def is_set_operation(node: Node) -> bool:
    """Tell whether `node` is an intersection or a difference of sets."""
    return isinstance(node, Call) and node.name in _OPERATIONS


def sets_listed(node: Node) -> tuple[Node, ...]:
    """Return the items of a list of intervals, pairs or sets; nothing for anything else."""
    if not isinstance(node, Items) or node.kind != "list" or len(node.items) < 2:
        return ()
    return node.items if all(isinstance(item, Interval | Items) for item in node.items) else ()


def joined_intervals(items: tuple[Node, ...]) -> Node | None:
    """Return the union of a list of intervals; `None` if they may be points, vectors or sets.

    One end that is infinite, or is told from the other by its bracket, says that all are intervals.
    """
    pairs = all(
        isinstance(item, Interval) or (isinstance(item, Items) and len(item.items) == 2)
        for item in items
    )
    return Union(items) if pairs and any(map(_is_surely_interval, items)) else None


def _is_surely_interval(node: Node) -> bool:
    if isinstance(node, Interval):
        return node.closed[0] != node.closed[1] or any(map(infinity_of, (node.low, node.high)))
    return isinstance(node, Items) and node.kind == "tuple" and any(map(infinity_of, node.items))


def same_pieces(left: Node, right: Node, comparer: Comparer) -> bool | None:
    """Compare two sets of real numbers; `None` if their ends are not known or not in order.

    The ends of both cut the line, with its two infinities, into points and the gaps between them;
    each set is a choice of those.
    """
    try:
        places = _places([*_ends(left), *_ends(right)], comparer)
        if places is None:
            return None
        one, other = _cells(left, places), _cells(right, places)
        # Two sets without a member have nothing in common but that.
        return None if not one and not other else one == other
    except (_NoPiecesError, UndecidedError, UndefinedError):
        return None


def _ends(node: Node) -> Iterator[Node]:
    match node:
        case Interval(low, high, _) | Items("tuple", (low, high)):
            yield low
            yield high
        case Union(nodes) | Call("cap" | "setminus", nodes):
            for part in nodes:
                yield from _ends(part)
        case Items("set" | "list", items):
            yield from items
        case _:
            yield node


def _places(nodes: list[Node], comparer: Comparer) -> dict[Node, int] | None:
    """Return the place of each end on the line; 0 is that of minus infinity."""
    if len(nodes) > _MOST_ENDS:
        raise LimitReachedError("too many ends")
    found = [_end(node, comparer.budget) for node in dict.fromkeys(nodes)]
    ends = sorted(found, key=cmp_to_key(_order))
    places: dict[Node, int] = {}
    last, at = None, 0
    for end in ends:
        if end.infinity:
            places[end.node] = -1 if end.infinity > 0 else 0
            continue
        same = comparer.same(last.node, end.node) if last else False
        if same is None or (not same and last and not _apart(last, end)):
            return None
        at += not same
        places[end.node], last = at, end
    return {node: at + 1 if place < 0 else place for node, place in places.items()}


def _end(node: Node, budget: Budget) -> _End:
    if isinstance(node, Items | Union | Interval | Matrix | Relation | Text) or symbols_of(node):
        raise _NoPiecesError
    sign = infinity_of(node)
    if sign == 2:
        raise _NoPiecesError
    rational = Fraction(0) if sign else rational_of(node)
    if rational is not None:
        return _End(node, sign, rational, 0.0)
    value, error = value_of(node, budget)
    if abs(value.imag) > 4 * error:
        raise _NoPiecesError
    return _End(node, 0, Fraction(value.real), error)


def _order(one: _End, other: _End) -> int:
    first, second = (one.infinity, one.value), (other.infinity, other.value)
    return (first > second) - (first < second)


def _apart(one: _End, other: _End) -> bool:
    return abs(one.value - other.value) > 4 * Fraction(one.error + other.error)


def _cells(node: Node, places: dict[Node, int]) -> int:
    """Return the points, at even bits, and the gaps behind them, at odd ones, that belong."""
    match node:
        case Interval(low, high, closed):
            return _between(places[low], places[high], closed)
        case Items("tuple", (low, high)):
            return _between(places[low], places[high], (False, False))
        case Union(parts):
            cells = 0
            for part in parts:
                cells |= _cells(part, places)
            return cells
        case Call("cap", (first, second)):
            return _cells(first, places) & _cells(second, places)
        case Call("setminus", (first, second)):
            return _cells(first, places) & ~_cells(second, places)
        case Items(_, items):
            return sum(1 << (2 * place) for place in {places[item] for item in items})
        case _:
            return 1 << (2 * places[node])


def _between(low: int, high: int, closed: tuple[bool, bool]) -> int:
    if low > high:
        raise _NoPiecesError
    first, last = 2 * low + (not closed[0]), 2 * high - (not closed[1])
    return (1 << (last + 1)) - (1 << first) if first <= last else 0
