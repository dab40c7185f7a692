"""Intervals that inequalities describe: `x > 2`, `1 <= |z| <= 3`, `x != 0`."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import inf

from catsdk.answers.engine import tree
from catsdk.answers.engine.numeric.evaluate import rational_of

__all__ = ["FLIPPED", "readings_of", "region_of"]

_INFINITY = tree.Constant("infinity")
_MINUS_ONE = tree.Number(Fraction(-1))
_MINUS_INFINITY = tree.Product((_MINUS_ONE, _INFINITY))
_INEQUALITIES: frozenset[tree.Operator] = frozenset({"<", ">", "<=", ">=", "!="})
# What an operator becomes when its sides change places.
FLIPPED: dict[tree.Operator, tree.Operator] = {
    "<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "~": "~",
}  # fmt: skip


def region_of(relation: tree.Relation) -> tuple[tree.Node, tree.Node] | None:
    """Return the variable and the interval or union that a chain says it lies in."""
    if not _INEQUALITIES.issuperset(relation.operators) or _is_trivial(relation):
        return None
    sides, operators = relation.sides, relation.operators
    if len(sides) == 2:
        if _is_variable(sides[1]) and not _is_variable(sides[0]):
            return _ray(sides[1], FLIPPED[operators[0]], sides[0])
        return _ray(sides[0], operators[0], sides[1]) if _is_variable(sides[0]) else None
    if len(sides) == 3 and _is_variable(sides[1]):
        return _between(sides, operators)
    return None


def _is_trivial(relation: tree.Relation) -> bool:
    """Tell whether an absolute value is compared with what it always or never exceeds."""
    if len(relation.sides) != 2:
        return False
    sides = relation.sides
    for side, end in (sides, sides[::-1]):
        if isinstance(side, tree.Call) and side.name == "abs":
            value = rational_of(end)
            return value is not None and value <= 0 and "!=" not in relation.operators
    return False


def _is_variable(node: tree.Node) -> bool:
    match node:
        case tree.Symbol():
            return True
        case tree.Call("abs", (tree.Symbol(),)):
            return True
        case tree.Call(name, _):
            return name not in tree.FUNCTIONS
        case _:
            return False


def _ray(
    variable: tree.Node, operator: tree.Operator, end: tree.Node
) -> tuple[tree.Node, tree.Node]:
    closed = operator in ("<=", ">=")
    if operator == "!=":
        parts = (
            tree.Interval(_MINUS_INFINITY, end, (False, False)),
            tree.Interval(end, _INFINITY, (False, False)),
        )
        return variable, tree.Union(parts)
    if operator[0] == "<":
        if isinstance(variable, tree.Call) and variable.name == "abs":
            return variable.arguments[0], tree.Interval(_minus(end), end, (closed, closed))
        return variable, tree.Interval(_MINUS_INFINITY, end, (False, closed))
    if isinstance(variable, tree.Call) and variable.name == "abs":
        parts = (
            tree.Interval(_MINUS_INFINITY, _minus(end), (False, closed)),
            tree.Interval(end, _INFINITY, (closed, False)),
        )
        return variable.arguments[0], tree.Union(parts)
    return variable, tree.Interval(end, _INFINITY, (closed, False))


def _between(
    sides: tuple[tree.Node, ...], operators: tuple[tree.Operator, ...]
) -> tuple[tree.Node, tree.Node] | None:
    low, variable, high = sides
    if {operator[0] for operator in operators} not in ({"<"}, {">"}) or "!=" in operators:
        return None
    first, last = operators[0] in ("<=", ">="), operators[1] in ("<=", ">=")
    if operators[0][0] == ">":
        low, high, first, last = high, low, last, first
    if isinstance(variable, tree.Call) and variable.name == "abs":
        parts = (
            tree.Interval(_minus(high), _minus(low), (last, first)),
            tree.Interval(low, high, (first, last)),
        )
        return variable.arguments[0], tree.Union(parts)
    return variable, tree.Interval(low, high, (first, last))


def _minus(node: tree.Node) -> tree.Node:
    if isinstance(node, tree.Number):
        return tree.Number(-node.value, node.places)
    return tree.Product((_MINUS_ONE, node))


def readings_of(node: tree.Node) -> tuple[tree.Node, ...]:
    """Return the sets that a list of inequalities in one variable may describe, else the node.

    The list may give alternatives or say all of it at once; what overlaps is always meant
    together, as in `x > 2, x < 5`: else `x > 1, x > 2` would be each of the two.
    """
    written = node
    explicit = node.name if isinstance(node, tree.Call) and node.name in ("either", "both") else ""
    if explicit and isinstance(node, tree.Call):
        node = tree.Items("list", node.arguments)
    if not isinstance(node, tree.Items) or len(node.items) < 2 or not _has_inequality(node.items):
        return (node,)
    found = [_said_of(item) for item in node.items]
    regions = [region for region in found if region is not None]
    variables = {region[0] for region in regions if region[0] is not None}
    if len(regions) != len(found) or len(variables) != 1:
        return (written,) if explicit == "either" else (node,)
    parts = [part for _, region in regions for part in _parts(region)]
    if explicit == "either":
        return (tree.Union(tuple(parts)),)
    if not explicit and len(parts) == 2 and (both := _overlap(parts[0], parts[1])):
        return (both,)
    together = regions[0][1]
    for _, region in regions[1:]:
        together = tree.Call("cap", (together, region))
    excluded = all(
        isinstance(item, tree.Relation) and item.operators == ("!=",) for item in node.items
    )
    # What x is said to be in holds besides the rest: `x in R, x != 0`.
    within = any(isinstance(item, tree.Interval) for item in node.items)
    if excluded or explicit or within or _share_numbers([region for _, region in regions]):
        return (together,)
    return tree.Union(tuple(parts)), together


def _share_numbers(regions: list[tree.Node]) -> bool:
    """Tell whether two of several intervals with known ends overlap, or meet in a number."""
    known = sorted(
        (low, high, region.closed)
        for region in regions
        if isinstance(region, tree.Interval)
        and (low := _height(region.low)) is not None
        and (high := _height(region.high)) is not None
    )
    return any(
        high > low or (high == low and last and first)
        for (_, high, (_, last)), (low, _, (first, _)) in pairwise(known)
    )


def _height(end: tree.Node) -> Fraction | float | None:
    if end in (_INFINITY, _MINUS_INFINITY):
        return inf if end == _INFINITY else -inf
    return rational_of(end)


def _has_inequality(items: tuple[tree.Node, ...]) -> bool:
    return any(
        isinstance(item, tree.Relation) and _INEQUALITIES.issuperset(item.operators)
        for item in items
    )


def _said_of(item: tree.Node) -> tuple[tree.Node | None, tree.Node] | None:
    """Return the variable, where it is named, and the set in which it lies."""
    match item:
        case tree.Relation((tree.Symbol() as name, value), ("=",)) | tree.Relation(
            (value, tree.Symbol() as name), ("=",)
        ):
            return name, tree.Items("set", (value,))
        case tree.Relation():
            return region_of(item)
        case tree.Interval() | tree.Union() | tree.Items("set", _):
            return None, item
        case _:
            return None


def _parts(node: tree.Node) -> tuple[tree.Node, ...]:
    return node.parts if isinstance(node, tree.Union) else (node,)


def _overlap(left: tree.Node, right: tree.Node) -> tree.Node | None:
    if not isinstance(left, tree.Interval) or not isinstance(right, tree.Interval):
        return None
    if left.low == _MINUS_INFINITY:
        left, right = right, left
    low, high = rational_of(left.low), rational_of(right.high)
    rays = left.high == _INFINITY and right.low == _MINUS_INFINITY
    if rays and low is not None and high is not None and low < high:
        return tree.Interval(left.low, right.high, (left.closed[0], right.closed[1]))
    return None
