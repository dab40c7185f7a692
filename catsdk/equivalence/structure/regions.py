"""Intervals that inequalities describe: `x > 2`, `1 <= |z| <= 3`, `x != 0`."""

from __future__ import annotations

from fractions import Fraction

from catsdk.equivalence.numeric.evaluate import rational_of
from catsdk.equivalence.tree import (
    FUNCTIONS,
    Call,
    Constant,
    Interval,
    Items,
    Node,
    Number,
    Operator,
    Product,
    Relation,
    Symbol,
    Union,
)

__all__ = ["FLIPPED", "region_of", "regions_of"]

_INFINITY = Constant("infinity")
_MINUS_ONE = Number(Fraction(-1))
_MINUS_INFINITY = Product((_MINUS_ONE, _INFINITY))
_INEQUALITIES: frozenset[Operator] = frozenset({"<", ">", "<=", ">=", "!="})
# What an operator becomes when its sides change places.
FLIPPED: dict[Operator, Operator] = {
    "<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "~": "~",
}  # fmt: skip


def region_of(relation: Relation) -> tuple[Node, Node] | None:
    """Return the variable and the interval or union that a chain says it lies in."""
    if not _INEQUALITIES.issuperset(relation.operators):
        return None
    sides, operators = relation.sides, relation.operators
    if len(sides) == 2:
        if _is_variable(sides[1]) and not _is_variable(sides[0]):
            return _ray(sides[1], FLIPPED[operators[0]], sides[0])
        return _ray(sides[0], operators[0], sides[1]) if _is_variable(sides[0]) else None
    if len(sides) == 3 and _is_variable(sides[1]):
        return _between(sides, operators)
    return None


def _is_variable(node: Node) -> bool:
    match node:
        case Symbol():
            return True
        case Call("abs", (Symbol(),)):
            return True
        case Call(name, _):
            return name not in FUNCTIONS
        case _:
            return False


def _ray(variable: Node, operator: Operator, end: Node) -> tuple[Node, Node]:
    closed = operator in ("<=", ">=")
    if operator == "!=":
        parts = (
            Interval(_MINUS_INFINITY, end, (False, False)),
            Interval(end, _INFINITY, (False, False)),
        )
        return variable, Union(parts)
    if operator[0] == "<":
        if isinstance(variable, Call) and variable.name == "abs":
            return variable.arguments[0], Interval(_minus(end), end, (closed, closed))
        return variable, Interval(_MINUS_INFINITY, end, (False, closed))
    if isinstance(variable, Call) and variable.name == "abs":
        parts = (
            Interval(_MINUS_INFINITY, _minus(end), (False, closed)),
            Interval(end, _INFINITY, (closed, False)),
        )
        return variable.arguments[0], Union(parts)
    return variable, Interval(end, _INFINITY, (closed, False))


def _between(sides: tuple[Node, ...], operators: tuple[Operator, ...]) -> tuple[Node, Node] | None:
    low, variable, high = sides
    if {operator[0] for operator in operators} not in ({"<"}, {">"}) or "!=" in operators:
        return None
    first, last = operators[0] in ("<=", ">="), operators[1] in ("<=", ">=")
    if operators[0][0] == ">":
        low, high, first, last = high, low, last, first
    if isinstance(variable, Call) and variable.name == "abs":
        parts = (
            Interval(_minus(high), _minus(low), (last, first)),
            Interval(low, high, (first, last)),
        )
        return variable.arguments[0], Union(parts)
    return variable, Interval(low, high, (first, last))


def _minus(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value, node.places)
    return Product((_MINUS_ONE, node))


def regions_of(node: Items) -> tuple[Node, Node] | None:
    """Return variable and union of a list of inequalities in one variable.

    Two rays that overlap are meant together, as in `x > 2, x < 5`; others are alternatives.
    """
    found = [region_of(item) if isinstance(item, Relation) else None for item in node.items]
    regions = [region for region in found if region is not None]
    if (
        not regions
        or len(regions) != len(found)
        or any(region[0] != regions[0][0] for region in regions)
    ):
        return None
    parts: list[Node] = []
    for _, region in regions:
        parts += region.parts if isinstance(region, Union) else [region]
    if len(parts) == 2 and (both := _overlap(parts[0], parts[1])):
        return regions[0][0], both
    return regions[0][0], Union(tuple(parts))


def _overlap(left: Node, right: Node) -> Node | None:
    if not isinstance(left, Interval) or not isinstance(right, Interval):
        return None
    if left.low == _MINUS_INFINITY:
        left, right = right, left
    low, high = rational_of(left.low), rational_of(right.high)
    rays = left.high == _INFINITY and right.low == _MINUS_INFINITY
    if rays and low is not None and high is not None and low < high:
        return Interval(left.low, right.high, (left.closed[0], right.closed[1]))
    return None
