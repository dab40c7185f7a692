"""How near to zero an algebraic expression can be without being zero.

The bound is that of Burnikel, Funke, Mehlhorn, Schirra and Schmitt ("A separation bound for real
algebraic expressions", 2001), with the exponent of their earlier, weaker result where there are
quotients. Numbers are followed by their binary logarithms.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import log2

from catsdk.answers.engine.numeric.evaluate import rational_of
from catsdk.answers.engine.tree import Call, Constant, Node, Number, Power, Product, Quotient, Sum

__all__ = ["separation_bits"]

# Logarithms of the bounds u of the numerator and l of the denominator.
_Bounds = tuple[float, float]


def separation_bits(left: Node, right: Node, most: int) -> int | None:
    """Return b such that left - right is zero if its absolute value is below 2^-b.

    `None` if an expression is not algebraic, or where b would be over `most`.
    """
    walk = _Walk(most)
    bounds = walk.bounds(Sum((left, right)))
    if bounds is None:
        return None
    upper, lower = bounds
    degree = walk.degree
    exponent = degree * degree if walk.quotients else degree
    bits = upper * exponent + lower + 1
    return int(bits) + 1 if bits <= most else None


class _Walk:
    def __init__(self, most: int) -> None:
        self.most = most
        self.roots: set[Node] = set()
        self.degree = 1
        self.quotients = False

    def bounds(self, node: Node) -> _Bounds | None:
        match node:
            case Number(value):
                return log2(max(1, abs(value.numerator))), log2(value.denominator)
            case Constant("i"):
                self._count(node, 2)
                return 0.0, 0.0
            case Sum(terms):
                return self._fold(terms, _added)
            case Product(factors):
                return self._fold(factors, _multiplied)
            case Quotient(top, bottom):
                return self._over(self.bounds(top), self.bounds(bottom))
            case Power(base, exponent):
                return self._power(base, rational_of(exponent))
            case Call("root", (inner, degree)):
                return self._root(node, inner, rational_of(degree))
            case _:
                return None

    def _fold(
        self, nodes: tuple[Node, ...], combine: Callable[[_Bounds, _Bounds], _Bounds]
    ) -> _Bounds | None:
        total: _Bounds | None = None
        for node in nodes:
            one = self.bounds(node)
            if one is None:
                return None
            total = one if total is None else combine(total, one)
        return total

    def _over(self, top: _Bounds | None, bottom: _Bounds | None) -> _Bounds | None:
        if top is None or bottom is None:
            return None
        self.quotients = True
        return top[0] + bottom[1], top[1] + bottom[0]

    def _power(self, base: Node, exponent: Fraction | None) -> _Bounds | None:
        inner = self.bounds(base)
        if inner is None or exponent is None or abs(exponent) > 64 or exponent.denominator > 64:
            return None
        if exponent.denominator > 1:
            inner = self._rooted(Power(base, Number(exponent)), inner, exponent.denominator)
        times = abs(exponent.numerator)
        if exponent < 0:
            self.quotients = True
            return inner[1] * times, inner[0] * times
        return inner[0] * times, inner[1] * times

    def _root(self, node: Node, inner_node: Node, degree: Fraction | None) -> _Bounds | None:
        inner = self.bounds(inner_node)
        if inner is None or degree is None or degree.denominator != 1 or not 1 < degree <= 64:
            return None
        return self._rooted(node, inner, int(degree))

    def _rooted(self, node: Node, inner: _Bounds, degree: int) -> _Bounds:
        self._count(node, degree)
        upper, lower = inner
        if upper >= lower:
            return (upper + (degree - 1) * lower) / degree, lower
        return upper, ((degree - 1) * upper + lower) / degree

    def _count(self, node: Node, degree: int) -> None:
        if node not in self.roots:
            self.roots.add(node)
            self.degree = min(self.degree * degree, self.most)


def _added(left: _Bounds, right: _Bounds) -> _Bounds:
    one, other = left[0] + right[1], left[1] + right[0]
    return max(one, other) + 1, left[1] + right[1]


def _multiplied(left: _Bounds, right: _Bounds) -> _Bounds:
    return left[0] + right[0], left[1] + right[1]
