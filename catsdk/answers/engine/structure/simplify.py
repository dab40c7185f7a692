"""Rewriting of an answer into fewer kinds of nodes, before it is compared."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from catsdk.answers.engine.limits import LimitReachedError, UndecidedError
from catsdk.answers.engine.parse.units import factor_of
from catsdk.answers.engine.structure.quantities import is_compound
from catsdk.answers.engine.tree import (
    Call,
    Interval,
    Items,
    Matrix,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Union,
)
from catsdk.answers.engine.walk import children, with_operands

__all__ = ["simplified"]

_MINUS_ONE = Number(Fraction(-1))
_PLAIN = (Quantity, Quotient)
_MAX_CELLS = 400


def simplified(node: Node, *, special: bool = True) -> Node:
    """Return `node` without plus-minus, compound quantities and operations on matrices.

    `a +- b` becomes the list of its two values, a list of lists one list, `5 feet 3 inches` one
    quantity, solutions such as `p=5, q=2; p=7, q=2` a list of tuples. Without `special` no
    plus-minus and no matrix is looked for.

    Raises:
        LimitReachedError: a matrix becomes too large.
    """
    if isinstance(node, Number | Symbol) or not special and isinstance(node, _PLAIN):
        return node
    if special and _holds(node, PlusMinus):
        node = _two_signs(node)
    if isinstance(node, Items):
        return _flat(node)
    if isinstance(node, Sum | Product | Power | Quotient | Call):
        if special and _holds(node, Matrix):
            return _as_matrix(node)
        if is_compound(node) and isinstance(node, Sum):
            return _one_quantity(cast("tuple[Quantity, ...]", node.terms))
        if isinstance(node, Product) and len(node.factors) == 2:
            return _times_collection(*node.factors) or node
    return node


def _holds(node: Node, kind: type[Node]) -> bool:
    return isinstance(node, kind) or any(_holds(child, kind) for child in children(node))


def _two_signs(node: Node) -> Node:
    if isinstance(node, Items | Interval | Union):
        if isinstance(node, Items) and node.kind == "tuple":
            return Items("list", (_signed(node, upper=True), _signed(node, upper=False)))
        return node
    if isinstance(node, Relation) and not isinstance(node.sides[-1], PlusMinus):
        *before, last = node.sides
        values = simplified(last)
        if isinstance(values, Items) and values.kind == "list":
            each = tuple(Relation((*before, value), node.operators) for value in values.items)
            return Items("list", each)
        return Relation((*before, values), node.operators)
    return Items("list", (_signed(node, upper=True), _signed(node, upper=False)))


def _signed(node: Node, *, upper: bool) -> Node:
    """Read every plus-minus with its upper, or its lower, sign."""

    def inner(part: Node) -> Node:
        return _signed(part, upper=upper)

    match node:
        case PlusMinus(left, right, sign):
            plus = (sign == "+") == upper
            value = inner(right) if plus else Product((_MINUS_ONE, inner(right)))
            return value if left == Number(Fraction(0)) else Sum((inner(left), value))
        case Items(kind, items):
            return Items(kind, tuple(map(inner, items)))
        case Quantity(value, unit):
            return Quantity(inner(value), unit)
        case Relation(sides, operators):
            return Relation(tuple(map(inner, sides)), operators)
        case Union(parts):
            return Union(tuple(map(inner, parts)))
        case Interval(low, high, closed):
            return Interval(inner(low), inner(high), closed)
        case Matrix(rows):
            return Matrix(tuple(tuple(map(inner, row)) for row in rows))
        case _:
            return with_operands(node, inner)


def _flat(node: Items) -> Node:
    """Take the items of inner lists out, unless they are solutions that belong together."""
    items: list[Node] = []
    for item, written in zip(map(simplified, node.items), node.items, strict=True):
        inner = (
            isinstance(item, Items)
            and item.kind == "list"
            and node.kind not in ("ratio", "clock")
            and not (node.kind == "set" and isinstance(written, Items) and written.kind == "set")
        )
        together = inner and isinstance(written, Items) and _all_equations(item)
        items += cast("Items", item).items if inner and not together else (item,)
    if len(items) == 1 and node.kind in ("list", "tuple"):
        return items[0]
    return _solutions(Items(node.kind, tuple(items)))


def _all_equations(node: Node) -> bool:
    return isinstance(node, Items) and all(isinstance(item, Relation) for item in node.items)


def _solutions(node: Items) -> Items:
    """Turn equations whose left sides repeat in order into one tuple for each round."""
    names = [
        item.sides[0] if isinstance(item, Relation) and item.operators == ("=",) else None
        for item in node.items
    ]
    if None in names or node.kind == "tuple":
        return node
    period = next((at for at in range(1, len(names)) if names[at] == names[0]), 0)
    if period < 2 or len(names) % period or names != names[:period] * (len(names) // period):
        return node
    values = [cast("Relation", item).sides[1] for item in node.items]
    rounds = [tuple(values[at : at + period]) for at in range(0, len(values), period)]
    return Items("list", tuple(Items("tuple", each) for each in rounds))


def _times_collection(factor: Node, node: Node) -> Node | None:
    """Multiply the parts of a tuple, and turn an interval round with a minus."""
    if isinstance(node, Items) and node.kind == "tuple":
        return Items("tuple", tuple(Product((factor, item)) for item in node.items))
    if isinstance(node, Interval) and factor == _MINUS_ONE:
        first, last = node.closed
        low, high = Product((factor, node.high)), Product((factor, node.low))
        return Interval(low, high, (last, first))
    return None


def _one_quantity(terms: tuple[Quantity, ...]) -> Quantity:
    sizes = [factor_of(term.unit) for term in terms]
    first = sizes[0]
    if first is None or any(size is None or size[0] != first[0] for size in sizes):
        raise UndecidedError("units that do not add up")
    scaled = [
        Product((term.value, Number(size[1] / first[1])))
        for term, size in zip(terms, sizes, strict=True)
        if size is not None
    ]
    return Quantity(Sum(tuple(scaled)), terms[0].unit)


def _as_matrix(node: Node) -> Node:
    match node:
        case Sum(terms):
            return _folded([_as_matrix(term) for term in terms], _added)
        case Product(factors):
            return _folded([_as_matrix(factor) for factor in factors], _multiplied)
        case Quotient(top, bottom):
            return _multiplied(_as_matrix(top), Quotient(Number(Fraction(1)), bottom))
        case Power(base, Number(exponent)) if exponent in (1, 2, 3, 4):
            return _folded([_as_matrix(base)] * int(exponent), _multiplied)
        case Power(base, Symbol("T")):
            return _transposed(_as_matrix(base))
        case Power():
            raise UndecidedError("a power of a matrix")
        case _:
            return node


def _folded(nodes: list[Node], combine: Callable[[Node, Node], Node]) -> Node:
    total = nodes[0]
    for node in nodes[1:]:
        total = combine(total, node)
    return total


def _added(left: Node, right: Node) -> Node:
    if not isinstance(left, Matrix) or not isinstance(right, Matrix):
        return Sum((left, right))
    if len(left.rows) != len(right.rows) or len(left.rows[0]) != len(right.rows[0]):
        raise UndecidedError("a sum of matrices of different size")
    rows = (
        tuple(Sum(pair) for pair in zip(first, second, strict=True))
        for first, second in zip(left.rows, right.rows, strict=True)
    )
    return Matrix(tuple(rows))


def _multiplied(left: Node, right: Node) -> Node:
    if isinstance(left, Matrix) and isinstance(right, Matrix):
        return _matrix_product(left, right)
    matrix, factor = (left, right) if isinstance(left, Matrix) else (right, left)
    if not isinstance(matrix, Matrix):
        return Product((left, right))
    return Matrix(tuple(tuple(Product((factor, cell)) for cell in row) for row in matrix.rows))


def _matrix_product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right.rows, strict=True))
    if len(left.rows[0]) != len(right.rows):
        raise UndecidedError("a product of matrices of different size")
    if len(left.rows) * len(columns) * len(right.rows) > _MAX_CELLS:
        raise LimitReachedError("a matrix becomes too large")
    rows = (
        tuple(
            Sum(tuple(Product(pair) for pair in zip(row, column, strict=True)))
            for column in columns
        )
        for row in left.rows
    )
    return Matrix(tuple(rows))


def _transposed(node: Node) -> Node:
    if not isinstance(node, Matrix):
        raise UndecidedError("a transpose of no matrix")
    return Matrix(tuple(zip(*node.rows, strict=True)))
