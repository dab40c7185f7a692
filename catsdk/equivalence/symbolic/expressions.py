"""Whether two expressions of sympy are the same, by form, by values, then by rewriting."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Literal

from catsdk.equivalence.symbolic.engine import Expression, sympy
from catsdk.equivalence.symbolic.values import UndefinedError, is_real, is_zero, with_value

__all__ = ["Answer", "same_expression"]

Answer = Literal["equal", "different", "unknown"]

_POINTS = 16
_ENOUGH = 4
# Where a symbol takes its values: a fraction over a prime, so that no point is special.
_DOMAINS = [(1, 2), (0, 1), (2, 9), (-2, -1), (-1, 0), (-9, -2)]
_PRIMES = [53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
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
    left, right = (
        with_value(side.doit() if side.has(*_UNDONE) else side) for side in (left, right)
    )
    if left == right:
        return "equal"
    if left.is_infinite or right.is_infinite:
        return _infinite(left, right)
    if left.has(*_UNDONE) and (left.has(_UNDEFINED) or right.has(_UNDEFINED)):
        return "unknown"
    answer = _by_values(left, right)
    return answer if answer != "unknown" else _by_rewriting(left - right)


_INFINITIES = (sympy.oo, -sympy.oo)


def _infinite(left: Expression, right: Expression) -> Answer:
    finite = bool(left.is_finite or right.is_finite)
    opposite = left in _INFINITIES and right in _INFINITIES
    return "different" if finite or opposite else "unknown"


def _by_values(left: Expression, right: Expression) -> Answer:
    left, right = _with_symbols_for_functions(left, right)
    symbols: list[Expression] = sorted(left.free_symbols.union(right.free_symbols), key=str)
    if not symbols:
        return _ANSWERS[is_zero(left - right)]
    real: list[bool] = []
    other: list[bool] = []
    for point in _points(symbols):
        compared = _compared_at(point, left, right)
        if compared is not None:
            both_real, zero = compared
            (real if both_real else other).append(zero)
    counting = real or other
    if len(real) >= 1 and not all(real):
        return "different"
    return _ANSWERS[all(counting) if len(counting) >= _ENOUGH else None]


_ANSWERS: dict[bool | None, Answer] = {True: "equal", False: "different", None: "unknown"}


def _points(symbols: list[Expression]) -> Iterator[dict[Expression, Expression]]:
    """Yield points by a fixed seed: at first all symbols in one domain, then each in its own."""
    chance = random.Random(1)
    for number in range(_POINTS):
        point = {}
        for symbol in symbols:
            low, high = _DOMAINS[number] if number < len(_DOMAINS) else chance.choice(_DOMAINS)
            prime = chance.choice(_PRIMES)
            point[symbol] = low + (high - low) * sympy.Rational(chance.randrange(1, prime), prime)
        yield point


def _compared_at(
    point: dict[Expression, Expression], left: Expression, right: Expression
) -> tuple[bool, bool] | None:
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
