"""Whether two expressions of sympy are the same, by form, by values, then by rewriting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from catsdk.answers.engine.limits import UndefinedError
from catsdk.answers.engine.symbolic.engine import Expression, sympy
from catsdk.answers.engine.symbolic.points import Point, has_steps, points
from catsdk.answers.engine.symbolic.values import is_real, is_zero, with_value

__all__ = ["Answer", "same_expression"]

Answer = Literal["equal", "different", "unknown"]

_ENOUGH = 4
_UNDEFINED = sympy.core.function.AppliedUndef
_UNDONE = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative)

# From cheap to dear. Each keeps the value wherever the expression has one.
_REWRITES: list[Callable[[Expression], Expression]] = [
    sympy.expand,
    sympy.cancel,
    sympy.trigsimp,
    sympy.gammasimp,
    sympy.simplify,
]


def same_expression(left: Expression, right: Expression) -> Answer:
    """Compare two expressions whose symbols are real numbers.

    Where both have real values, these count; else the principal complex values do.

    Raises:
        UndefinedError: one of them has no value.
    """
    if with_value(left).dummy_eq(with_value(right)):
        return "equal"
    constants = _antiderivatives(left) | _antiderivatives(right)
    left, right = (
        with_value(side.doit() if side.has(*_UNDONE) else side) for side in (left, right)
    )
    if left == right:
        return "equal"
    if constants:
        return _up_to_a_constant(left, right, constants)
    if left.is_infinite or right.is_infinite:
        return _infinite(left, right)
    if left.has(*_UNDONE) and (left.has(_UNDEFINED) or right.has(_UNDEFINED)):
        return "unknown"
    answer = _by_values(left, right)
    return answer if answer != "unknown" else _by_rewriting(left - right)


def _antiderivatives(side: Expression) -> set[Expression]:
    """Return the variables of integrals without ends."""
    return {
        limits[0]
        for each in side.atoms(sympy.Integral)
        for limits in each.limits
        if len(limits) == 1
    }


def _up_to_a_constant(left: Expression, right: Expression, variables: set[Expression]) -> Answer:
    """Tell whether a difference of antiderivatives does not depend on their variable.

    What does not hold the variable is not an antiderivative: an integral of zero would be any
    constant.
    """
    if len(variables) != 1:
        return "unknown"
    (variable,) = variables
    if any(not side.has(variable) or side.diff(variable).is_zero for side in (left, right)):
        return "unknown"
    return same_expression((left - right).diff(variable), sympy.S.Zero)


_INFINITIES = (sympy.oo, -sympy.oo)


def _infinite(left: Expression, right: Expression) -> Answer:
    finite = bool(left.is_finite or right.is_finite)
    opposite = left in _INFINITIES and right in _INFINITIES
    return "different" if finite or opposite else "unknown"


def _by_values(left: Expression, right: Expression) -> Answer:
    one_sided = left.has(_UNDEFINED) != right.has(_UNDEFINED)
    answer = _at_points(left, right)
    # Nobody has said which values f takes.
    return "unknown" if one_sided and answer == "different" else answer


def _at_points(left: Expression, right: Expression) -> Answer:
    left, right = _with_symbols_for_functions(left, right)
    both = sympy.Tuple(left, right)
    if not both.free_symbols:
        return _ANSWERS[is_zero(left - right)]
    real: list[bool] = []
    other: list[bool] = []
    for point in points(both):
        compared = _compared_at(point, left, right)
        if compared is not None:
            both_real, zero = compared
            (real if both_real else other).append(zero)
    if not all(counting := real or other):
        return "different"
    return "unknown" if len(counting) < _ENOUGH or has_steps(both) else "equal"


_ANSWERS: dict[bool | None, Answer] = {True: "equal", False: "different", None: "unknown"}


def _compared_at(point: Point, left: Expression, right: Expression) -> tuple[bool, bool] | None:
    """Tell whether both sides are real at `point` and whether they agree; `None` if unknown."""
    try:
        left, right = left.subs(point), right.subs(point)
        zero = is_zero(with_value(left) - with_value(right), factor=1)
        return None if zero is None else (is_real(left) and is_real(right), zero)
    except (UndefinedError, ArithmeticError, ValueError, TypeError, NotImplementedError):
        return None


def _with_symbols_for_functions(*sides: Expression) -> list[Expression]:
    """Put a symbol for each call of a function that nobody defined."""
    calls = {call for side in sides for call in side.atoms(_UNDEFINED)}
    names = {
        call: sympy.Symbol(str(sympy.expand(call.func(*map(sympy.expand, call.args)))), real=True)
        for call in calls
    }
    return [side.xreplace(names) for side in sides]


def _by_rewriting(difference: Expression) -> Answer:
    for rewrite in _REWRITES:
        try:
            difference = with_value(rewrite(difference))
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112, what one rewriting cannot do another may
            continue
        if difference == 0:
            return "equal"
        if difference.is_number:
            return _ANSWERS[is_zero(difference)]
    return "unknown"
