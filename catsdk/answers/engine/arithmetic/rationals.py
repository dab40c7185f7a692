"""Plain arithmetic of rational numbers, which needs no normal form."""

from __future__ import annotations

from fractions import Fraction

from catsdk.answers.engine.limits import MAX_BITS, Budget
from catsdk.answers.engine.tree import Node, Number, Power, Product, Quantity, Quotient, Sum

__all__ = ["arithmetic_of"]

_HUNDRED = Fraction(100)
_MAX_EXPONENT = 64


def arithmetic_of(node: Node, budget: Budget) -> Fraction | None:
    """Return the value of sums, products, quotients and small powers of numbers.

    `None` if there is anything else, a division by zero or a number that becomes too large.

    Raises:
        LimitReachedError: the budget is spent.
    """
    budget.spend(3)
    match node:
        case Number(value):
            return value
        case Sum(terms):
            return _folded(terms, budget, product=False)
        case Product(factors):
            return _folded(factors, budget, product=True)
        case Quotient(top_node, bottom_node):
            top, bottom = arithmetic_of(top_node, budget), arithmetic_of(bottom_node, budget)
            return None if top is None or not bottom else _bounded(top / bottom)
        case Power(base_node, Number(exponent)) if exponent.denominator == 1:
            return _power(arithmetic_of(base_node, budget), int(exponent))
        case Quantity(value_node, "%"):
            share = arithmetic_of(value_node, budget)
            return None if share is None else share / _HUNDRED
        case _:
            return None


def _folded(nodes: tuple[Node, ...], budget: Budget, *, product: bool) -> Fraction | None:
    total = arithmetic_of(nodes[0], budget)
    for node in nodes[1:]:
        value = arithmetic_of(node, budget)
        if total is None or value is None:
            return None
        total = _bounded(total * value if product else total + value)
    return total


def _power(base: Fraction | None, exponent: int) -> Fraction | None:
    if base is None or abs(exponent) > _MAX_EXPONENT or (not base and exponent <= 0):
        return None
    if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent) > MAX_BITS:
        return None
    return base**exponent


def _bounded(value: Fraction) -> Fraction | None:
    small = value.numerator.bit_length() <= MAX_BITS >= value.denominator.bit_length()
    return value if small else None
