"""Walks over a syntax tree: the parts of a node, and the symbols below it."""

from __future__ import annotations

from functools import lru_cache

from catsdk.equivalence.tree import (
    Call,
    Interval,
    Items,
    Matrix,
    Node,
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

__all__ = ["children", "symbols_of"]

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
