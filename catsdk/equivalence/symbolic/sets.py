"""Whether two sets of real numbers are the same, relations in one variable among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from catsdk.equivalence.symbolic.convert import NotConvertibleError, to_sympy
from catsdk.equivalence.symbolic.engine import Expression, sympy
from catsdk.equivalence.symbolic.expressions import Answer
from catsdk.equivalence.tree import Call, Interval, Items, Node, Relation, Union

__all__ = ["is_set", "same_set"]

_RELATIONS: dict[str, Callable[[Expression, Expression], Expression]] = {
    "=": sympy.Eq,
    "!=": sympy.Ne,
    "<": sympy.Lt,
    "<=": sympy.Le,
    ">": sympy.Gt,
    ">=": sympy.Ge,
}


def is_set(node: Node) -> bool:
    """Tell whether `node` stands for a set of numbers."""
    if isinstance(node, Call):
        return node.name in ("cap", "setminus")
    return isinstance(node, Interval | Union | Relation | Items)


def same_set(left: Node, right: Node) -> Answer:
    """Compare two sets of real numbers in one variable; a number is the set of itself.

    Statements side by side are alternatives or hold together: equal in one of these readings is
    equal, different is different in each.
    """
    answers = [_same(one, other) for one, other in product(_readings(left), _readings(right))]
    if "equal" in answers:
        return "equal"
    return "unknown" if "unknown" in answers else "different"


def _same(one: Expression, other: Expression) -> Answer:
    if one == other:
        return "equal"
    rest = sympy.SymmetricDifference(one, other).doit()
    return {True: "equal", False: "different", None: "unknown"}[rest.is_empty]  # type: ignore[return-value]


def _readings(node: Node) -> Iterator[Expression]:
    items = node.items if isinstance(node, Items) and node.kind == "list" else ()
    relations = [item for item in items if isinstance(item, Relation)]
    if not relations:
        yield _as_set(node)
        return
    sets = [_as_set(item) for item in items]
    yield sympy.Union(*sets)
    if any(relation.operators != ("=",) for relation in relations):
        yield sympy.Intersection(*sets)


def _as_set(node: Node) -> Expression:
    match node:
        case Interval(low, high, (first, last)):
            return sympy.Interval(_real(low), _real(high), not first, not last)
        case Items("tuple", (low, high)):
            return sympy.Interval.open(_real(low), _real(high))
        case Union(parts):
            return sympy.Union(*map(_as_set, parts))
        case Items("set" | "list", items):
            return sympy.Union(*map(_as_set, items))
        case Call("cap", parts):
            return sympy.Intersection(*map(_as_set, parts))
        case Call("setminus", (whole, part)):
            return sympy.Complement(_as_set(whole), _as_set(part))
        case Relation():
            return _solutions(node)
        case _:
            return sympy.FiniteSet(_real(node))


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
