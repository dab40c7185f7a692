"""Exact values of the sine at multiples of a twenty-fourth of a turn."""

from __future__ import annotations

from fractions import Fraction

from catsdk.answers.engine.arithmetic.polynomials import Form, constant, negated, single

__all__ = ["sine_of_turn"]

_HALF, _QUARTER = Fraction(1, 2), Fraction(1, 4)
# Twenty-fourths of a turn in the first quarter; the roots of 6 are products of prime roots.
_SINES = {
    0: constant(0),
    1: Form(
        {(("#2", _HALF), ("#3", _HALF)): _QUARTER, (("#2", _HALF),): -_QUARTER}, constant(1).bottom
    ),
    2: constant(_HALF),
    3: single("#2", _HALF, _HALF),
    4: single("#3", _HALF, _HALF),
    5: Form(
        {(("#2", _HALF), ("#3", _HALF)): _QUARTER, (("#2", _HALF),): _QUARTER}, constant(1).bottom
    ),
    6: constant(1),
}


def sine_of_turn(turn: Fraction) -> Form | None:
    """Return the sine of 2 pi `turn`; `None` if it is not in the table."""
    steps = (turn % 1) * 24
    if steps.denominator != 1:
        return None
    step = int(steps)
    if step >= 12:
        return negated(sine_of_turn((turn - _HALF) % 1) or constant(0))
    return _SINES[min(step, 12 - step)]
