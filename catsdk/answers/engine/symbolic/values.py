"""Whether a number of sympy is zero, from values whose accuracy is known."""

from __future__ import annotations

from catsdk.answers.engine.limits import UndefinedError
from catsdk.answers.engine.symbolic.engine import Expression, sympy

__all__ = ["is_real", "is_zero", "with_value"]

_DIGITS = 20
_MARGIN = 30
_MAX_DIGITS = 3_000
_FEW_DIGITS = 100
# Below so many accurate bits, sympy could not tell a part from zero.
_MIN_BITS = 40
# Values of these come from quadrature and extrapolation, whose errors are estimates.
_ESTIMATED = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative)
_ESTIMATE = 1e-4


def with_value(value: Expression) -> Expression:
    """Return `value`; raises `UndefinedError` where a part of it has none."""
    if value.has(sympy.nan, sympy.zoo, sympy.AccumBounds):
        raise UndefinedError("a part has no value")
    return value


def is_zero(number: Expression, factor: int = 3) -> bool | None:
    """Tell whether a number is zero; `None` if its value is not known well enough.

    It is not zero when a part of its value has accurate digits. It is zero when none has down to
    `factor` times (the digits of all numbers in it, of the sizes of its parts, and 30). No bound
    is proved for exponentials; differences of written answers come nowhere near this one.
    """
    if number.is_Rational:
        return bool(number == 0)
    estimated = number.has(*_ESTIMATED)
    digits = factor * (_MARGIN + _written_digits(number))
    if digits > _MAX_DIGITS:
        digits, estimated = _FEW_DIGITS, True
    parts = with_value(number.evalf(_DIGITS, maxn=digits)).as_real_imag()
    if not all(part.is_Float or part == 0 for part in parts):
        return None
    if any(_is_accurate(part) for part in parts):
        return False if not estimated or _is_large(parts, number) else None
    return None if estimated else True


def is_real(number: Expression) -> bool:
    """Tell whether a number has no imaginary part that shows."""
    if number.is_extended_real:
        return True
    value = with_value(number.evalf(_DIGITS, maxn=_FEW_DIGITS))
    return not _is_accurate(value.as_real_imag()[1])


def _is_accurate(part: Expression) -> bool:
    return bool(part.is_Float and part._prec >= _MIN_BITS and part != 0)


def _is_large(parts: tuple[Expression, Expression], number: Expression) -> bool:
    size = sum(abs(term.evalf(5)) for term in sympy.Add.make_args(number))
    return any(abs(part) > _ESTIMATE * size for part in parts)


def _written_digits(number: Expression) -> int:
    return sum(map(_digits_of, sympy.preorder_traversal(number)))


def _digits_of(part: Expression) -> int:
    if part.is_Rational:
        return int((part.p.bit_length() + part.q.bit_length()) * 0.302) + 1
    if not part.is_number or part.is_Atom:
        return 1
    size = abs(part.evalf(2, maxn=_FEW_DIGITS))
    if not size.is_Float or size == 0:
        return 1
    return abs(int(sympy.log(size, 10).evalf(4))) + 1
