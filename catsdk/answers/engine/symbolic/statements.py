"""Whether two statements say the same: relations in several variables, and systems of equations."""

from __future__ import annotations

from itertools import permutations
from typing import TypeAlias

from catsdk.answers.engine.symbolic.convert import NotConvertibleError, to_sympy
from catsdk.answers.engine.symbolic.engine import Expression, sympy
from catsdk.answers.engine.symbolic.expressions import Answer, same_expression
from catsdk.answers.engine.symbolic.sets import is_set, same_set
from catsdk.answers.engine.symbolic.values import is_zero
from catsdk.answers.engine.traversal import symbols_of
from catsdk.answers.engine.tree import Items, Node, Relation

__all__ = ["is_statement", "same_statement"]

_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MOST_NAMES = 4

Solution: TypeAlias = tuple[Expression, ...]


def is_statement(node: Node) -> bool:
    """Tell whether `node` is a relation or a list that holds one."""
    return isinstance(node, Relation) or (
        isinstance(node, Items) and any(isinstance(item, Relation) for item in node.items)
    )


def same_statement(left: Node, right: Node) -> Answer:
    """Compare two answers of which one at least is a statement, over the real numbers."""
    if isinstance(left, Relation) and isinstance(right, Relation):
        answer = _as_multiples(left, right)
        if answer != "unknown":
            return answer
    names = sorted(symbols_of(left) | symbols_of(right))
    if len(names) == 1:
        return same_set(left, right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Relation) and not is_set(other):
            return _solved(one, other)
    if len(names) > _MOST_NAMES:
        return "unknown"
    return _same_systems(left, right, names)


def _as_multiples(left: Relation, right: Relation) -> Answer:
    """Compare two relations of two sides each as multiples of each other."""
    if len(left.sides) != 2 or len(right.sides) != 2:
        return "unknown"
    one, other = _difference(left), _difference(right)
    equations = left.operators == right.operators == ("=",)
    for side in map(sympy.simplify, (one, other)):
        # `0x = 1` and `1/x = 0` hold nowhere, which is nothing in common.
        if not (sympy.numer(side) if equations else side).free_symbols:
            raise NotConvertibleError("an identity, or a contradiction")
    ratio = _ratio(one, other, real=not equations)
    if ratio is None or ratio.is_zero is not False:
        return _as_polynomials(one, other) if equations else "unknown"
    if equations:
        return "equal"
    (operator,) = right.operators
    same = operator if ratio.is_positive else _MIRRORED.get(operator)
    if (same,) == left.operators:
        return "equal"
    # The same sides with another sign: different where the sides are equal anywhere.
    return "different" if _is_linear(one) else "unknown"


def _as_polynomials(one: Expression, other: Expression) -> Answer:
    """Compare two equations by the squarefree parts of their sides' differences."""
    tops = [sympy.numer(sympy.together(side)) for side in (one, other)]
    symbols = sorted(tops[0].free_symbols | tops[1].free_symbols, key=str)
    if not symbols or not all(top.is_polynomial(*symbols) for top in tops):
        return "unknown"
    if all(map(_is_linear, tops)):
        return "different"
    parts = [sympy.Poly(top, *symbols).sqf_part().as_expr() for top in tops]
    whole = all(side.is_polynomial(*symbols) for side in (one, other))
    return "equal" if whole and _ratio(*parts) is not None else "unknown"


def _is_linear(side: Expression) -> bool:
    symbols = side.free_symbols
    polynomial = bool(symbols) and side.is_polynomial(*symbols)
    return polynomial and sympy.Poly(side, *symbols).total_degree() == 1


def _difference(relation: Relation) -> Expression:
    low, high = (to_sympy(side, real=True) for side in relation.sides)
    return low - high


def _ratio(one: Expression, other: Expression, *, real: bool = False) -> Expression | None:
    """Return the number that `one` is of `other`, where it is a number."""
    ratio = sympy.simplify(one / other)
    if real and not ratio.is_extended_real:
        return None
    return ratio if ratio.is_number and ratio.is_finite else None


def _solved(relation: Relation, value: Node) -> Answer:
    """Compare an equation with an expression for its one variable that the expression lacks."""
    missing = symbols_of(relation) - symbols_of(value)
    if len(missing) != 1 or relation.operators != ("=",):
        return "unknown"
    (name,) = missing
    found = sympy.solve(_difference(relation), sympy.Symbol(name, real=True))
    answers: list[Answer] = [same_expression(each, to_sympy(value, real=True)) for each in found]
    if len(answers) == 1:
        return answers[0]
    return "different" if set(answers) == {"different"} else "unknown"


def _same_systems(left: Node, right: Node, names: list[str]) -> Answer:
    one, other = _points(left, names), _points(right, names)
    if not one or not other:
        # Nothing follows from a system without real solutions: complex ones may exist.
        return "unknown"
    if _match(one, other):
        return "equal"
    if all(map(is_statement, (left, right))):
        return "different" if len(one) != len(other) or _all_known(one, other) else "unknown"
    # A tuple may name the variables in another order than that of the alphabet.
    orders = permutations(range(len(names)))
    turned = any(_match(one, [tuple(row[at] for at in order) for row in other]) for order in orders)
    return "unknown" if turned else "different"


def _all_known(one: list[Solution], other: list[Solution]) -> bool:
    """Tell whether each two points are surely the same or surely not."""
    return all(
        is_zero(a - b) is not None
        for point in one
        for each in other
        for a, b in zip(point, each, strict=True)
    )


def _points(node: Node, names: list[str]) -> list[Solution]:
    """Return the finitely many points of a system, or those that are written."""
    if not is_statement(node):
        return _written(node, len(names))
    relations = [node] if isinstance(node, Relation) else getattr(node, "items", ())
    if not all(isinstance(each, Relation) and each.operators == ("=",) for each in relations):
        raise NotConvertibleError("a system that holds more than equations")
    symbols = [sympy.Symbol(name, real=True) for name in names]
    sides = [_difference(each) for each in relations]
    if not all(side.is_polynomial(*symbols) for side in sides):
        raise NotConvertibleError("a system that is not polynomial")
    found = sympy.solve(sides, symbols, dict=True)
    rows = [tuple(row.get(symbol, symbol) for symbol in symbols) for row in found]
    if any(value.free_symbols for row in rows for value in row):
        raise NotConvertibleError("a system with infinitely many solutions")
    return rows


def _written(node: Node, count: int) -> list[Solution]:
    rows = node.items if isinstance(node, Items) and node.kind != "tuple" else (node,)
    points: list[Solution] = []
    for row in rows:
        if not isinstance(row, Items) or row.kind != "tuple" or len(row.items) != count:
            raise NotConvertibleError("no points")
        points.append(tuple(to_sympy(value, real=True) for value in row.items))
    return points


def _match(one: list[Solution], other: list[Solution]) -> bool:
    rest = list(other)
    for point in one:
        at = next((at for at, each in enumerate(rest) if _same_point(point, each)), None)
        if at is None:
            return False
        del rest[at]
    return not rest


def _same_point(one: Solution, other: Solution) -> bool:
    return all(is_zero(a - b) for a, b in zip(one, other, strict=True))
