"""Walks over a syntax tree: the parts of a node, and the symbols below it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from operator import attrgetter
from typing import Any

from catsdk.answers.engine.limits import UndefinedError
from catsdk.answers.engine.tree import (
    FUNCTIONS,
    Call,
    Constant,
    Interval,
    Items,
    Matrix,
    Node,
    Number,
    Numeral,
    PlusMinus,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Text,
    Union,
)

__all__ = [
    "always_defined",
    "children",
    "holds_matrices",
    "symbols_of",
    "undefined_in",
    "with_operands",
    "with_symbols",
    "worth",
]

# A table instead of a match over seventeen kinds: every tier asks this of every node.
_BELOW: dict[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Sum: attrgetter("terms"),
    Product: attrgetter("factors"),
    Call: attrgetter("arguments"),
    Items: attrgetter("items"),
    Union: attrgetter("parts"),
    Relation: attrgetter("sides"),
    Quotient: attrgetter("top", "bottom"),
    Power: attrgetter("base", "exponent"),
    PlusMinus: attrgetter("left", "right"),
    Interval: attrgetter("low", "high"),
    Quantity: lambda node: (node.value,),
    Matrix: lambda node: tuple(cell for row in node.rows for cell in row),
}
_INFINITY = Constant("infinity")
_INFINITIES = (_INFINITY, Product((Number(Fraction(-1)), _INFINITY)))
_SMALL_POWER = 64
_BINDING = frozenset(["sum", "product", "integral", "limit"])


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below `node`."""
    below = _BELOW.get(type(node))
    return () if below is None else below(node)


@lru_cache(maxsize=1_024)
def symbols_of(node: Node) -> frozenset[str]:
    """Return the names of the free symbols: those a sum or an integral runs over are not free."""
    if isinstance(node, Symbol):
        return frozenset([node.name])
    found = frozenset[str]().union(*map(symbols_of, children(node)))
    if isinstance(node, Call) and node.name in _BINDING and isinstance(node.arguments[1], Symbol):
        found -= {node.arguments[1].name}
    return found


def holds_matrices(node: Node) -> bool:
    """Tell whether a product of capital letters holds an inverse or a transpose of one."""
    if isinstance(node, Product):
        letters = [factor.base if isinstance(factor, Power) else factor for factor in node.factors]
        capital = [letter for letter in letters if isinstance(letter, Symbol)]
        turned = any(_is_turned(factor) for factor in node.factors)
        if turned and sum(len(each.name) == 1 and each.name.isupper() for each in capital) > 1:
            return True
    return any(map(holds_matrices, children(node)))


def _is_turned(node: Node) -> bool:
    match node:
        case Power(Symbol(name), Number(exponent)):
            return len(name) == 1 and name.isupper() and exponent == -1
        case Power(Symbol(name), Symbol("T")):
            return len(name) == 1 and name.isupper()
        case _:
            return False


def always_defined(node: Node) -> bool:
    """Tell whether an answer surely has a value: it divides by plain numbers only."""
    match node:
        case Text(words):
            return words != ""
        case Interval(low, high, _):
            return all(end in _INFINITIES or _is_defined(end) for end in (low, high))
        case Items() | Union() | Relation() | Matrix():
            return all(map(always_defined, children(node)))
        case _:
            return _is_defined(node)


def _is_defined(node: Node) -> bool:
    match node:
        case Number() | Symbol() | Constant("pi" | "e" | "i"):
            return True
        case Quotient(top, Number(bottom)):
            return bottom != 0 and _is_defined(top)
        case Power(base, Number(exponent)):
            return 0 < exponent <= _SMALL_POWER and _is_defined(base)
        case Call("root", (Number(value), Number(degree))):
            return value >= 0 and degree > 0
        case Sum() | Product() | Quantity():
            return all(map(_is_defined, children(node)))
        case _:
            return False


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

    if isinstance(node, Relation):
        return Relation(tuple(map(inner, node.sides)), node.operators)
    if isinstance(node, Items):
        return Items(node.kind, tuple(map(inner, node.items)))
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
