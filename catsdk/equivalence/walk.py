"""Walks over a syntax tree: the parts of a node, and the symbols below it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from catsdk.equivalence.limits import UndefinedError
from catsdk.equivalence.tree import (
    FUNCTIONS,
    Call,
    Interval,
    Items,
    Matrix,
    Node,
    Numeral,
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

__all__ = ["children", "symbols_of", "undefined_in", "with_operands", "with_symbols", "worth"]

_BINDING = frozenset(["sum", "product", "integral", "limit"])


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below `node`."""
    match node:
        case Sum(nodes) | Product(nodes) | Call(_, nodes) | Items(_, nodes) | Union(nodes):
            return nodes
        case Relation(nodes, _):
            return nodes
        case Quotient(first, second) | Power(first, second) | PlusMinus(first, second, _):
            return first, second
        case Interval(low, high, _):
            return low, high
        case Quantity(value, _):
            return (value,)
        case Matrix(rows):
            return tuple(cell for row in rows for cell in row)
        case _:
            return ()


@lru_cache(maxsize=1_024)
def symbols_of(node: Node) -> frozenset[str]:
    """Return the names of the free symbols: those a sum or an integral runs over are not free."""
    if isinstance(node, Symbol):
        return frozenset([node.name])
    found = frozenset[str]().union(*map(symbols_of, children(node)))
    if isinstance(node, Call) and node.name in _BINDING and isinstance(node.arguments[1], Symbol):
        found -= {node.arguments[1].name}
    return found


def undefined_in(node: Node) -> frozenset[str]:
    """Return the names of the functions that nobody defined, such as f."""
    found = frozenset[str]().union(*map(undefined_in, children(node)))
    return found | {node.name} if isinstance(node, Call) and node.name not in FUNCTIONS else found


def worth(node: Numeral) -> int:
    """Return the value of digits in a base.

    Raises:
        UndefinedError: a digit is none of that base.
    """
    try:
        return int(node.digits, node.base)
    except ValueError as error:
        raise UndefinedError("a digit that the base does not have") from error


def with_symbols(node: Node, replace: Callable[[Symbol], Node]) -> Node:
    """Return the expression with `replace(symbol)` in the place of each symbol."""

    def inner(part: Node) -> Node:
        return with_symbols(part, replace)

    return replace(node) if isinstance(node, Symbol) else with_operands(node, inner)


def with_operands(node: Node, inner: Callable[[Node], Node]) -> Node:
    """Return the expression with `inner` of each operand; what has none stays as it is."""
    match node:
        case Sum(nodes):
            return Sum(tuple(map(inner, nodes)))
        case Product(nodes):
            return Product(tuple(map(inner, nodes)))
        case Quotient(first, second):
            return Quotient(inner(first), inner(second))
        case Power(first, second):
            return Power(inner(first), inner(second))
        case Call(name, nodes):
            return Call(name, tuple(map(inner, nodes)))
        case _:
            return node
