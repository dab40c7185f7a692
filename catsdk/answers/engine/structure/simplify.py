"""Rewriting of an answer into fewer kinds of nodes, before it is compared."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import LimitReachedError, UndecidedError
from catsdk.answers.engine.parse.units import factor_of
from catsdk.answers.engine.structure.quantities import is_compound
from catsdk.answers.engine.traversal import children, with_operands

__all__ = ["simplified"]

_MINUS_ONE = tree.Number(Fraction(-1))
_PLAIN = (tree.Quantity, tree.Quotient)
_MAX_CELLS = 400


def simplified(node: tree.Node, *, special: bool = True) -> tree.Node:
    """Return `node` without plus-minus, compound quantities and operations on matrices.

    `a +- b` becomes the list of its two values, a list of lists one list, `5 feet 3 inches` one
    quantity, solutions such as `p=5, q=2; p=7, q=2` a list of tuples. Without `special` no
    plus-minus and no matrix is looked for.

    Raises:
        LimitReachedError: a matrix becomes too large.
    """
    if isinstance(node, tree.Number | tree.Symbol) or not special and isinstance(node, _PLAIN):
        return node
    if special and _holds(node, tree.PlusMinus):
        node = _two_signs(node)
    if isinstance(node, tree.Items):
        return _flat(node)
    if isinstance(node, tree.Sum | tree.Product | tree.Power | tree.Quotient | tree.Call):
        if special and _holds(node, tree.Matrix):
            return _as_matrix(node)
        if is_compound(node) and isinstance(node, tree.Sum):
            return _one_quantity(cast("tuple[tree.Quantity, ...]", node.terms))
        if isinstance(node, tree.Product) and len(node.factors) == 2:
            return _times_collection(*node.factors) or node
    return node


def _holds(node: tree.Node, kind: type[tree.Node]) -> bool:
    return isinstance(node, kind) or any(_holds(child, kind) for child in children(node))


def _two_signs(node: tree.Node) -> tree.Node:
    if isinstance(node, tree.Items | tree.Interval | tree.Union):
        if isinstance(node, tree.Items) and node.kind == "tuple":
            return tree.Items("list", (_signed(node, upper=True), _signed(node, upper=False)))
        return node
    if isinstance(node, tree.Relation) and not isinstance(node.sides[-1], tree.PlusMinus):
        *before, last = node.sides
        values = simplified(last)
        if isinstance(values, tree.Items) and values.kind == "list":
            each = tuple(tree.Relation((*before, value), node.operators) for value in values.items)
            return tree.Items("list", each)
        return tree.Relation((*before, values), node.operators)
    return tree.Items("list", (_signed(node, upper=True), _signed(node, upper=False)))


def _signed(node: tree.Node, *, upper: bool) -> tree.Node:
    """Read every plus-minus with its upper, or its lower, sign."""

    def inner(part: tree.Node) -> tree.Node:
        return _signed(part, upper=upper)

    match node:
        case tree.PlusMinus(left, right, sign):
            plus = (sign == "+") == upper
            value = inner(right) if plus else tree.Product((_MINUS_ONE, inner(right)))
            return value if left == tree.Number(Fraction(0)) else tree.Sum((inner(left), value))
        case tree.Items(kind, items):
            return tree.Items(kind, tuple(map(inner, items)))
        case tree.Quantity(value, unit):
            return tree.Quantity(inner(value), unit)
        case tree.Relation(sides, operators):
            return tree.Relation(tuple(map(inner, sides)), operators)
        case tree.Union(parts):
            return tree.Union(tuple(map(inner, parts)))
        case tree.Interval(low, high, closed):
            return tree.Interval(inner(low), inner(high), closed)
        case tree.Matrix(rows):
            return tree.Matrix(tuple(tuple(map(inner, row)) for row in rows))
        case _:
            return with_operands(node, inner)


def _flat(node: tree.Items) -> tree.Node:
    """Take the items of inner lists out, unless they are solutions that belong together."""
    items: list[tree.Node] = []
    for item, written in zip(map(simplified, node.items), node.items, strict=True):
        inner = (
            isinstance(item, tree.Items)
            and item.kind == "list"
            and node.kind not in ("ratio", "clock")
            and not (
                node.kind == "set" and isinstance(written, tree.Items) and written.kind == "set"
            )
        )
        together = inner and isinstance(written, tree.Items) and _all_equations(item)
        items += cast("tree.Items", item).items if inner and not together else (item,)
    if len(items) == 1 and node.kind in ("list", "tuple"):
        return items[0]
    return _solutions(tree.Items(node.kind, tuple(items)))


def _all_equations(node: tree.Node) -> bool:
    return isinstance(node, tree.Items) and all(
        isinstance(item, tree.Relation) for item in node.items
    )


def _solutions(node: tree.Items) -> tree.Items:
    """Turn equations whose left sides repeat in order into one tuple for each round."""
    names = [
        item.sides[0] if isinstance(item, tree.Relation) and item.operators == ("=",) else None
        for item in node.items
    ]
    if None in names or node.kind == "tuple":
        return node
    period = next((at for at in range(1, len(names)) if names[at] == names[0]), 0)
    if period < 2 or len(names) % period or names != names[:period] * (len(names) // period):
        return node
    values = [cast("tree.Relation", item).sides[1] for item in node.items]
    rounds = [tuple(values[at : at + period]) for at in range(0, len(values), period)]
    return tree.Items("list", tuple(tree.Items("tuple", each) for each in rounds))


def _times_collection(factor: tree.Node, node: tree.Node) -> tree.Node | None:
    """Multiply the parts of a tuple, and turn an interval round with a minus."""
    if isinstance(node, tree.Items) and node.kind == "tuple":
        return tree.Items("tuple", tuple(tree.Product((factor, item)) for item in node.items))
    if isinstance(node, tree.Interval) and factor == _MINUS_ONE:
        first, last = node.closed
        low, high = tree.Product((factor, node.high)), tree.Product((factor, node.low))
        return tree.Interval(low, high, (last, first))
    return None


def _one_quantity(terms: tuple[tree.Quantity, ...]) -> tree.Quantity:
    sizes = [factor_of(term.unit) for term in terms]
    first = sizes[0]
    if first is None or any(size is None or size[0] != first[0] for size in sizes):
        raise UndecidedError("units that do not add up")
    scaled = [
        tree.Product((term.value, tree.Number(size[1] / first[1])))
        for term, size in zip(terms, sizes, strict=True)
        if size is not None
    ]
    return tree.Quantity(tree.Sum(tuple(scaled)), terms[0].unit)


def _as_matrix(node: tree.Node) -> tree.Node:
    match node:
        case tree.Sum(terms):
            return _folded([_as_matrix(term) for term in terms], _added)
        case tree.Product(factors):
            return _folded([_as_matrix(factor) for factor in factors], _multiplied)
        case tree.Quotient(top, bottom):
            return _multiplied(_as_matrix(top), tree.Quotient(tree.Number(Fraction(1)), bottom))
        case tree.Power(base, tree.Number(exponent)) if exponent in (1, 2, 3, 4):
            return _folded([_as_matrix(base)] * int(exponent), _multiplied)
        case tree.Power(base, tree.Symbol("T")):
            return _transposed(_as_matrix(base))
        case tree.Power():
            raise UndecidedError("a power of a matrix")
        case _:
            return node


def _folded(
    nodes: list[tree.Node], combine: Callable[[tree.Node, tree.Node], tree.Node]
) -> tree.Node:
    total = nodes[0]
    for node in nodes[1:]:
        total = combine(total, node)
    return total


def _added(left: tree.Node, right: tree.Node) -> tree.Node:
    if not isinstance(left, tree.Matrix) or not isinstance(right, tree.Matrix):
        return tree.Sum((left, right))
    if len(left.rows) != len(right.rows) or len(left.rows[0]) != len(right.rows[0]):
        raise UndecidedError("a sum of matrices of different size")
    rows = (
        tuple(tree.Sum(pair) for pair in zip(first, second, strict=True))
        for first, second in zip(left.rows, right.rows, strict=True)
    )
    return tree.Matrix(tuple(rows))


def _multiplied(left: tree.Node, right: tree.Node) -> tree.Node:
    if isinstance(left, tree.Matrix) and isinstance(right, tree.Matrix):
        return _matrix_product(left, right)
    matrix, factor = (left, right) if isinstance(left, tree.Matrix) else (right, left)
    if not isinstance(matrix, tree.Matrix):
        return tree.Product((left, right))
    return tree.Matrix(
        tuple(tuple(tree.Product((factor, cell)) for cell in row) for row in matrix.rows)
    )


def _matrix_product(left: tree.Matrix, right: tree.Matrix) -> tree.Matrix:
    columns = list(zip(*right.rows, strict=True))
    if len(left.rows[0]) != len(right.rows):
        raise UndecidedError("a product of matrices of different size")
    if len(left.rows) * len(columns) * len(right.rows) > _MAX_CELLS:
        raise LimitReachedError("a matrix becomes too large")
    rows = (
        tuple(
            tree.Sum(tuple(tree.Product(pair) for pair in zip(row, column, strict=True)))
            for column in columns
        )
        for row in left.rows
    )
    return tree.Matrix(tuple(rows))


def _transposed(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Matrix):
        raise UndecidedError("a transpose of something other than a matrix")
    return tree.Matrix(tuple(zip(*node.rows, strict=True)))
