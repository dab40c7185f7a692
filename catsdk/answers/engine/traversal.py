"""Walks over a syntax tree: the parts of a node, and the symbols below it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from operator import attrgetter
from typing import Any

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import UndefinedError

__all__ = [
    "always_defined",
    "children",
    "holds_matrices",
    "is_expression",
    "symbols_of",
    "undefined_in",
    "with_operands",
    "with_symbols",
    "worth",
]

# A table instead of a match over seventeen kinds: every tier asks this of every node.
_BELOW: dict[type[tree.Node], Callable[[Any], tuple[tree.Node, ...]]] = {
    tree.Sum: attrgetter("terms"),
    tree.Product: attrgetter("factors"),
    tree.Call: attrgetter("arguments"),
    tree.Items: attrgetter("items"),
    tree.Union: attrgetter("parts"),
    tree.Relation: attrgetter("sides"),
    tree.Quotient: attrgetter("top", "bottom"),
    tree.Power: attrgetter("base", "exponent"),
    tree.PlusMinus: attrgetter("left", "right"),
    tree.Interval: attrgetter("low", "high"),
    tree.Quantity: lambda node: (node.value,),
    tree.Matrix: lambda node: tuple(cell for row in node.rows for cell in row),
}
_INFINITY = tree.Constant("infinity")
_INFINITIES = (_INFINITY, tree.Product((tree.Number(Fraction(-1)), _INFINITY)))
_SMALL_POWER = 64
_BINDING = frozenset(["sum", "product", "integral", "limit"])
_NO_SYMBOLS = frozenset[str]()


def children(node: tree.Node) -> tuple[tree.Node, ...]:
    """Return the nodes directly below `node`."""
    below = _BELOW.get(type(node))
    return () if below is None else below(node)


def symbols_of(node: tree.Node) -> frozenset[str]:
    """Return the names of the free symbols: those a sum or an integral runs over are not free."""
    found = set[str]()
    _add_symbols(node, found)
    return frozenset(found) if found else _NO_SYMBOLS


def _add_symbols(node: tree.Node, found: set[str]) -> None:
    kind = type(node)
    if kind is tree.Number:
        return
    if isinstance(node, tree.Symbol):
        found.add(node.name)
    elif isinstance(node, tree.Call) and _binds(node):
        inner = set[str]()
        for child in node.arguments:
            _add_symbols(child, inner)
        found |= inner - symbols_of(node.arguments[1])
    elif (below := _BELOW.get(kind)) is not None:
        for child in below(node):
            _add_symbols(child, found)


def _binds(node: tree.Call) -> bool:
    return node.name in _BINDING and isinstance(node.arguments[1], tree.Symbol)


def holds_matrices(node: tree.Node) -> bool:
    """Tell whether a product of capital letters holds an inverse or a transpose of one."""
    if isinstance(node, tree.Product):
        letters = [
            factor.base if isinstance(factor, tree.Power) else factor for factor in node.factors
        ]
        capital = [letter for letter in letters if isinstance(letter, tree.Symbol)]
        turned = any(_is_turned(factor) for factor in node.factors)
        if turned and sum(len(each.name) == 1 and each.name.isupper() for each in capital) > 1:
            return True
    return any(map(holds_matrices, children(node)))


def _is_turned(node: tree.Node) -> bool:
    match node:
        case tree.Power(tree.Symbol(name), tree.Number(exponent)):
            return len(name) == 1 and name.isupper() and exponent == -1
        case tree.Power(tree.Symbol(name), tree.Symbol("T")):
            return len(name) == 1 and name.isupper()
        case _:
            return False


def is_expression(node: tree.Node | None) -> bool:
    """Tell one value from a collection, a relation and words."""
    return not isinstance(
        node, tree.Items | tree.Union | tree.Interval | tree.Matrix | tree.Relation | tree.Text
    )


def always_defined(node: tree.Node) -> bool:
    """Tell whether an answer surely has a value: it divides by plain numbers only."""
    match node:
        case tree.Text(words):
            return words != ""
        case tree.Interval(low, high, _):
            return all(end in _INFINITIES or _is_defined(end) for end in (low, high))
        case tree.Items() | tree.Union() | tree.Relation() | tree.Matrix():
            return all(map(always_defined, children(node)))
        case _:
            return _is_defined(node)


def _is_defined(node: tree.Node) -> bool:
    match node:
        case tree.Number() | tree.Symbol() | tree.Constant("pi" | "e" | "i"):
            return True
        case tree.Quotient(top, tree.Number(bottom)):
            return bottom != 0 and _is_defined(top)
        case tree.Power(base, tree.Number(exponent)):
            return 0 < exponent <= _SMALL_POWER and _is_defined(base)
        case tree.Call("root", (tree.Number(value), tree.Number(degree))):
            return value >= 0 and degree > 0
        case tree.Sum() | tree.Product() | tree.Quantity():
            return all(map(_is_defined, children(node)))
        case _:
            return False


def undefined_in(node: tree.Node) -> frozenset[str]:
    """Return the names of the functions that nobody defined, such as f."""
    found = frozenset[str]().union(*map(undefined_in, children(node)))
    return (
        found | {node.name}
        if isinstance(node, tree.Call) and node.name not in tree.FUNCTIONS
        else found
    )


def worth(node: tree.Numeral) -> int:
    """Return the value of digits in a base.

    Raises:
        UndefinedError: a digit is none of that base.
    """
    try:
        return int(node.digits, node.base)
    except ValueError as error:
        raise UndefinedError("a digit that the base does not have") from error


def with_symbols(node: tree.Node, replace: Callable[[tree.Symbol], tree.Node]) -> tree.Node:
    """Return the expression with `replace(symbol)` in the place of each symbol."""

    def inner(part: tree.Node) -> tree.Node:
        return with_symbols(part, replace)

    if isinstance(node, tree.Relation):
        return tree.Relation(tuple(map(inner, node.sides)), node.operators)
    if isinstance(node, tree.Items):
        return tree.Items(node.kind, tuple(map(inner, node.items)))
    return replace(node) if isinstance(node, tree.Symbol) else with_operands(node, inner)


def with_operands(node: tree.Node, inner: Callable[[tree.Node], tree.Node]) -> tree.Node:
    """Return the expression with `inner` of each operand; what has none stays as it is."""
    match node:
        case tree.Sum(nodes):
            return tree.Sum(tuple(map(inner, nodes)))
        case tree.Product(nodes):
            return tree.Product(tuple(map(inner, nodes)))
        case tree.Quotient(first, second):
            return tree.Quotient(inner(first), inner(second))
        case tree.Power(first, second):
            return tree.Power(inner(first), inner(second))
        case tree.Call(name, nodes):
            return tree.Call(name, tuple(map(inner, nodes)))
        case _:
            return node
