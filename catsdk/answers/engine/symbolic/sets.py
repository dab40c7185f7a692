"""Whether two sets of real numbers are the same, relations in one variable among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from catsdk.answers.engine.symbolic.convert import NotConvertibleError, to_sympy
from catsdk.answers.engine.symbolic.engine import Expression, sympy
from catsdk.answers.engine.symbolic.expressions import Answer
from catsdk.answers.engine.symbolic.values import is_zero
from catsdk.answers.engine.tree import Call, Interval, Items, Node, Relation, Union

__all__ = ["is_set", "same_set"]

_RELATIONS: dict[str, Callable[[Expression, Expression], Expression]] = {
    "=": sympy.Eq,
    "!=": sympy.Ne,
    "<": sympy.Lt,
    "<=": sympy.Le,
    ">": sympy.Gt,
    ">=": sympy.Ge,
}


_ROOT = sympy.Dummy("root")


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
    sets = list(_readings(left)), list(_readings(right))
    if all(each.is_empty for each in (*sets[0], *sets[1])):
        return _with_complex_roots(left, right)
    answers = [_same(one, other) for one, other in product(*sets)]
    if "equal" in answers:
        complete = _all_roots(left) is None or _all_roots(right) is None
        roots = "equal" if complete else _with_complex_roots(left, right)
        return "equal" if roots == "equal" else "unknown"
    return "unknown" if "unknown" in answers else "different"


def _same(one: Expression, other: Expression) -> Answer:
    if one.is_empty is not False and other.is_empty is not False:
        # Nothing follows from two sets without a member.
        return "unknown"
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
    inequalities = any(relation.operators != ("=",) for relation in relations)
    if inequalities and len(relations) < len(items):
        raise NotConvertibleError("a value next to an inequality")
    sets = [_as_set(item) for item in items]
    yield sympy.Union(*sets)
    if inequalities:
        yield sympy.Intersection(*sets)


def _all_roots(node: Node) -> Expression | None:
    """Return a squarefree polynomial whose complex roots are the solutions, if there is one."""
    match node:
        case Relation((left, right), ("=",)):
            return _roots_of(to_sympy(left) - to_sympy(right))
        case Items("set" | "list", items):
            parts = [_all_roots(item) for item in items]
            if None in parts or not parts:
                return None
            return sympy.prod(parts, sympy.Poly(1, _ROOT)).sqf_part().monic()
        case Relation() | Interval() | Union() | Items():
            return None
        case Call("cap" | "setminus", _):
            return None
        case _:
            return sympy.Poly(_ROOT - to_sympy(node), _ROOT)


def _roots_of(side: Expression) -> Expression | None:
    symbols = side.free_symbols
    parts = sympy.fraction(sympy.together(side))
    if len(symbols) != 1 or not all(part.is_polynomial(*symbols) for part in parts):
        return None
    (symbol,) = symbols
    top, bottom = (sympy.Poly(part.subs(symbol, _ROOT), _ROOT) for part in parts)
    roots = top.sqf_part()
    # Where the bottom is zero as well, nothing is solved.
    return sympy.quo(roots, sympy.gcd(roots, bottom)).monic()


def _with_complex_roots(left: Node, right: Node) -> Answer:
    """Compare the complex roots of polynomial equations, whose real ones are the same."""
    one, other = _all_roots(left), _all_roots(right)
    if one is None or other is None or one.degree() < 1 or other.degree() < 1:
        # No complex roots either, as `1/x = 0` has none, are nothing in common.
        return "unknown"
    return "equal" if all(map(is_zero, (one - other).all_coeffs())) else "different"


def _as_set(node: Node) -> Expression:
    match node:
        case Interval(low, high, (first, last)):
            return _interval(low, high, first=first, last=last)
        case Items("tuple", (low, high)):
            return _interval(low, high, first=False, last=False)
        case Union(parts):
            return sympy.Union(*map(_as_set, parts))
        case Items("set" | "list", items):
            if any(isinstance(item, Items) and item.kind == "tuple" for item in items):
                raise NotConvertibleError("intervals, or points")
            return sympy.Union(*map(_as_set, items))
        case Call("cap", parts):
            return sympy.Intersection(*map(_as_set, parts))
        case Call("setminus", (whole, part)):
            return sympy.Complement(_as_set(whole), _as_set(part))
        case Relation():
            return _solutions(node)
        case _:
            return sympy.FiniteSet(_real(node))


def _interval(low: Node, high: Node, *, first: bool, last: bool) -> Expression:
    interval = sympy.Interval(_real(low), _real(high), not first, not last)
    if interval.is_empty is not False:
        raise NotConvertibleError("an interval from a larger end to a smaller one")
    return interval


def _real(node: Node) -> Expression:
    value = to_sympy(node, real=True)
    if not value.is_number or not value.is_extended_real:
        raise NotConvertibleError("an end that is not a real number")
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
    if solutions == sympy.S.Reals:
        raise NotConvertibleError("a relation that always holds")
    return solutions
