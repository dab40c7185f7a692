"""Renaming of a symbol in an expression."""

from __future__ import annotations

from catsdk.equivalence.tree import Call, Node, Power, Product, Quotient, Sum, Symbol

__all__ = ["renamed"]


def renamed(node: Node, old: str, new: str) -> Node:
    """Return the expression with the symbol `new` in the place of `old`."""

    def inner(part: Node) -> Node:
        return renamed(part, old, new)

    match node:
        case Symbol(name):
            return Symbol(new) if name == old else node
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
