"""Whether two sets of real numbers, or two relations, are the same."""

from __future__ import annotations

from collections.abc import Callable

from catsdk.equivalence.symbolic.convert import NotConvertibleError, to_sympy
from catsdk.equivalence.symbolic.engine import Expression, sympy
from catsdk.equivalence.symbolic.expressions import Answer
from catsdk.equivalence.tree import Interval, Items, Node, Relation, Union

__all__ = ["is_set", "same_relation", "same_set"]

_RELATIONS: dict[str, Callable[[Expression, Expression], Expression]] = {
    "=": sympy.Eq,
    "!=": sympy.Ne,
    "<": sympy.Lt,
    "<=": sympy.Le,
    ">": sympy.Gt,
    ">=": sympy.Ge,
}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def is_set(node: Node) -> bool:
    """Tell whether `node` stands for a set of numbers."""
    return isinstance(node, Interval | Union | Relation) or (
        isinstance(node, Items) and node.kind in ("set", "list")
    )


def same_relation(left: Relation, right: Relation) -> Answer:
    """Compare two relations of two sides each: as a multiple of each other, else as sets."""
    if len(left.sides) == len(right.sides) == 2:
        ratio = _ratio(_difference(left), _difference(right))
        if ratio is not None and ratio.is_nonzero:
            (operator,) = right.operators
            same = operator if ratio.is_positive else _MIRRORED.get(operator)
            return "equal" if (same,) == left.operators else "different"
        if left.operators == right.operators == ("=",) and _no_common_form(left, right):
            return "different"
    return same_set(left, right)


def same_set(left: Node, right: Node) -> Answer:
    """Compare two sets of real numbers in one variable."""
    one, other = _as_set(left), _as_set(right)
    if one == other:
        return "equal"
    rest = sympy.SymmetricDifference(one, other).doit()
    return {True: "equal", False: "different", None: "unknown"}[rest.is_empty]  # type: ignore[return-value]


def _difference(relation: Relation) -> Expression:
    low, high = (to_sympy(side, real=True) for side in relation.sides)
    return low - high


def _ratio(one: Expression, other: Expression) -> Expression | None:
    """Return the number that `one` is of `other`, where it is a number."""
    ratio = sympy.simplify(one / other)
    return ratio if ratio.is_number and ratio.is_finite and ratio.is_extended_real else None


def _no_common_form(left: Relation, right: Relation) -> bool:
    """Tell whether both are polynomial equations whose squarefree parts differ."""
    tops = [sympy.numer(sympy.together(_difference(side))) for side in (left, right)]
    symbols = sorted(tops[0].free_symbols | tops[1].free_symbols, key=str)
    if not symbols or not all(top.is_polynomial(*symbols) for top in tops):
        return False
    parts = [sympy.Poly(top, *symbols).sqf_part().as_expr() for top in tops]
    return _ratio(*parts) is None


def _as_set(node: Node) -> Expression:
    match node:
        case Interval(low, high, (first, last)):
            return sympy.Interval(_real(low), _real(high), not first, not last)
        case Union(parts):
            return sympy.Union(*map(_as_set, parts))
        case Items(_, items):
            return sympy.FiniteSet(*map(_real, items))
        case Relation():
            return _solutions(node)
        case _:
            raise NotConvertibleError(type(node).__name__)


def _real(node: Node) -> Expression:
    value = to_sympy(node, real=True)
    if not value.is_number or not value.is_extended_real:
        raise NotConvertibleError("an end that is no real number")
    return value


def _solutions(relation: Relation) -> Expression:
    sides = [to_sympy(side, real=True) for side in relation.sides]
    symbols = sympy.Tuple(*sides).free_symbols
    if len(symbols) != 1:
        raise NotConvertibleError(f"a relation in {len(symbols)} variables")
    (symbol,) = symbols
    solutions = sympy.S.Reals
    for operator, low, high in zip(relation.operators, sides, sides[1:], strict=False):
        if operator not in _RELATIONS:
            raise NotConvertibleError("about")
        solutions &= sympy.solveset(_RELATIONS[operator](low, high), symbol, sympy.S.Reals)
    return solutions
