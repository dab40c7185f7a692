"""The arithmetic in which an expression is evaluated: doubles, or mpmath with chosen digits."""

from __future__ import annotations

import cmath
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any

__all__ = ["Field", "doubles", "precise"]

# A complex number of the field: `complex`, or mpmath's types, which carry no annotations.
Value = Any

_FUNCTIONS = "sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh exp log sqrt gamma"
_NAMES = _FUNCTIONS.split()


@dataclass(frozen=True, slots=True)
class Field:
    """Complex numbers with rounding.

    `epsilon` is the largest relative error of one operation, `cost` its steps of a budget.
    """

    epsilon: float
    cost: int
    number: Callable[[Fraction], Value]
    pi: Value
    e: Value
    i: Value
    functions: Mapping[str, Callable[[Value], Value]]
    real_part: Callable[[Value], Value]
    imaginary_part: Callable[[Value], Value]


def doubles() -> Field:
    """Return the arithmetic of Python's complex numbers."""
    return _DOUBLES


def _gamma(value: complex) -> complex:
    if value.imag:
        raise ValueError("gamma of a complex number")
    return complex(math.gamma(value.real))


_CMATH: dict[str, Callable[[complex], complex]] = {
    name: getattr(cmath, name) for name in _NAMES if name != "gamma"
}
_DOUBLES = Field(
    epsilon=2.0**-52,
    cost=8,
    number=lambda value: complex(value.numerator / value.denominator),
    pi=complex(math.pi),
    e=complex(math.e),
    i=1j,
    functions=_CMATH | {"gamma": _gamma},
    real_part=lambda value: value.real,
    imaginary_part=lambda value: value.imag,
)
# It has no annotations.
_MPMATH: Any = import_module("mpmath")
# mpmath's precision belongs to a context, so that each thread needs its own.
_LOCAL = threading.local()


def precise(digits: int) -> Field:
    """Return mpmath's arithmetic with `digits` decimal digits, for the calling thread.

    The field is valid until the thread asks for the next one.
    """
    context: Any = getattr(_LOCAL, "context", None)
    if context is None:
        context = _LOCAL.context = _MPMATH.MPContext()
    context.dps = digits
    return Field(
        epsilon=10.0 ** -min(digits - 1, 300),
        cost=30 + digits // 4,
        number=lambda value: context.mpf(value.numerator) / value.denominator,
        pi=+context.pi,
        e=+context.e,
        i=context.mpc(0, 1),
        functions={name: getattr(context, name) for name in _NAMES},
        real_part=context.re,
        imaginary_part=context.im,
    )
