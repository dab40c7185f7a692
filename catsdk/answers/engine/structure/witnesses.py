"""Points that belong to one statement and not to another: proofs that the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import islice, pairwise
from random import Random
from typing import TypeAlias

from catsdk.answers.engine import tree
from catsdk.answers.engine.arithmetic.normal_form import Normaliser
from catsdk.answers.engine.arithmetic.polynomials import constant
from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.evaluate import Evaluator, rational_of
from catsdk.answers.engine.numeric.fields import doubles
from catsdk.answers.engine.structure.expressions import infinity_of
from catsdk.answers.engine.traversal import symbols_of, undefined_in

__all__ = ["tell_apart"]

Point: TypeAlias = Mapping[str, Fraction]
Sides: TypeAlias = tuple[tree.Node, tree.Node]

_STEPS = 8_000
_LOOK = 15
_MOST_SYMBOLS = 4
_MINUS_ONE = tree.Number(Fraction(-1))
_ALONG = (0, 1, -1, 2, -2, 3, -3, 10, -10, 5, -5, 100, -100, 4, -4, 1_000, -1_000)
_SCANNED = sorted({*range(-6, 7), -20, -10, 10, 20})
_ASIDE = Fraction(1, 1_021)
_LINES = 3
_APPROACHES = 25
_NEAR = 1e-13
# At a zero that is known as a double only, another side must be as far as this from zero.
_MARGIN = 1e-2
# Letters that run over the integers where the other side does not have them, as in x = k pi.
_PARAMETERS = frozenset("kmn")
_ORDERS: dict[tree.Operator, tuple[int, ...]] = {
    "=": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1),
}  # fmt: skip


def tell_apart(left: tree.Node, right: tree.Node, budget: Budget) -> bool:
    """Tell whether a point is found at which just one of the two holds.

    Each is a relation, or a set of values of the one variable of the other. Nothing follows from
    `False`. Points outside the domain of either say nothing.
    """
    one, other = symbols_of(left), symbols_of(right)
    if any(
        _PARAMETERS & (here - there) and here & there
        for here, there in ((one, other), (other, one))
    ):
        return False
    names = sorted(one | other)
    if not 0 < len(names) <= _MOST_SYMBOLS or undefined_in(left) | undefined_in(right):
        return False
    own = budget.lend(_STEPS)
    try:
        # In one order, so that the steps last equally far whichever is the reference.
        return _Search(names, own).found(*sorted((left, right), key=repr))
    except (LimitReachedError, UndecidedError):
        return False
    finally:
        budget.take_back(own)


class _Search:
    def __init__(self, names: list[str], budget: Budget) -> None:
        self.names = names
        self.budget = budget

    def found(self, left: tree.Node, right: tree.Node) -> bool:
        for point in self._points(left, right):
            one = self._holds(left, point)
            if one is not None and self._holds(right, point) is (not one):
                return True
        return any(
            self._holds(other, zero, _MARGIN) is False
            for relation, other in ((left, right), (right, left))
            for zero in self._zeros(relation)
        )

    def _points(self, left: tree.Node, right: tree.Node) -> Iterator[Point]:
        if len(self.names) > 1:
            # Random points are hardly ever on a curve.
            curves = all(
                isinstance(each, tree.Relation) and "=" in each.operators for each in (left, right)
            )
            yield from () if curves else _random_points(self.names)
            return
        (name,) = self.names
        ends = [end for node in (left, right) for end in _rational_ends(node)]
        for end in dict.fromkeys(ends):
            for value in (end, end - _ASIDE, end + _ASIDE):
                yield {name: value}
        for whole in _ALONG:
            yield {name: Fraction(whole)}
            yield {name: Fraction(whole) + Fraction(37, 89)}

    def _holds(self, node: tree.Node, point: Point, margin: float = 0.0) -> bool | None:
        """Tell whether the point belongs to `node`; `None` if that is not certain."""
        if isinstance(node, tree.Relation):
            steps = zip(node.sides, node.sides[1:], node.operators, strict=False)
            return _all(
                self._compare((low, high), operator, point, margin) for low, high, operator in steps
            )
        if len(self.names) != 1:
            return None
        return self._belongs(tree.Number(point[self.names[0]]), node, margin)

    def _belongs(self, value: tree.Node, node: tree.Node, margin: float) -> bool | None:
        match node:
            case tree.Interval(low, high, (first, last)):
                above = self._compare((low, value), "<=" if first else "<", {}, margin)
                below = self._compare((value, high), "<=" if last else "<", {}, margin)
                ends = infinity_of(low) == -1 or above, infinity_of(high) == 1 or below
                return _all(iter(ends))
            case tree.Items("tuple", (low, high)):
                return self._belongs(value, tree.Interval(low, high, (False, False)), margin)
            case tree.Union(parts) | tree.Items("set" | "list", parts):
                return _any(self._belongs(value, part, margin) for part in parts)
            case tree.Relation():
                return self._holds(node, {self.names[0]: rational_of(value) or Fraction(0)}, margin)
            case _:
                return self._compare((value, node), "=", {}, margin)

    def _compare(
        self, sides: Sides, operator: tree.Operator, point: Point, margin: float
    ) -> bool | None:
        if operator not in _ORDERS:
            return None
        order = self._order(sides, point, margin)
        return None if order is None else order in _ORDERS[operator]

    def _order(self, sides: Sides, point: Point, margin: float = 0.0) -> int | None:
        """Return the sign of left - right at a point; `None` if it is not certain."""
        found = self._difference(sides, point)
        if found is None:
            return None
        difference, error, size = found
        if abs(difference) > error + margin * size:
            return 1 if difference > 0 else -1
        return None if margin else self._exactly(sides, point)

    def _difference(self, sides: Sides, point: Point) -> tuple[float, float, float] | None:
        """Return their difference, its error, and their size; `None` if one has no value."""
        self.budget.spend(_LOOK)
        evaluator = Evaluator(doubles(), point, self.budget, real=True)
        try:
            (one, error), (other, more) = map(evaluator.value, sides)
        except (UndefinedError, LimitReachedError):
            if self.budget.left < 0:
                raise
            return None
        bound = 4 * (error + more) * doubles().epsilon
        return (one - other).real, bound, 1 + abs(one) + abs(other)

    def _exactly(self, sides: Sides, point: Point) -> int | None:
        normaliser = Normaliser(self.budget)
        normaliser.values = {name: constant(value) for name, value in point.items()}
        try:
            form = normaliser.form(tree.Sum((sides[0], tree.Product((_MINUS_ONE, sides[1])))))
        except (UndefinedError, UndecidedError):
            return None
        return 0 if normaliser.is_zero(form) else None

    def _zeros(self, node: tree.Node) -> Iterator[Point]:
        """Yield points, as doubles, at which the two sides of an equation are equal."""
        if not isinstance(node, tree.Relation) or node.operators != ("=",) or not symbols_of(node):
            return
        sides = node.sides[0], node.sides[1]
        name = min(symbols_of(node))
        for point in islice(_random_points(self.names), _LINES):
            values = sorted({*map(Fraction, _SCANNED), point[name]})
            signs = [self._order(sides, {**point, name: each}) for each in values]
            for value, sign in zip(values, signs, strict=True):
                if sign == 0:
                    yield {**point, name: value}
            for (low, below), (high, above) in pairwise(zip(values, signs, strict=True)):
                if below and above == -below:
                    yield from self._between(sides, point, name, (float(low), float(high)))

    def _between(
        self, sides: Sides, point: Point, name: str, ends: tuple[float, float]
    ) -> Iterator[Point]:
        """Yield a zero between two ends of different sign, by the Illinois method."""
        values = [self._difference(sides, {**point, name: Fraction(end)}) for end in ends]
        (low, high), (below, above) = ends, [value[0] if value else 0.0 for value in values]
        for _ in range(_APPROACHES):
            if below == above:
                return
            middle = high - above * (high - low) / (above - below)
            zero = {**point, name: Fraction(middle)}
            found = self._difference(sides, zero)
            if found is None:
                return
            value, error, size = found
            # A change of sign at a pole is not a zero.
            if abs(value) <= error + _NEAR * size:
                yield zero
                return
            if value * above < 0:
                low, below = high, above
            else:
                below /= 2
            high, above = middle, value


def _random_points(names: list[str]) -> Iterator[dict[str, Fraction]]:
    random = Random(" ".join(names))
    for size in (1, 2, 3, 10, 10, 100):
        for _ in range(4):
            yield {name: Fraction(random.randint(-30, 30) * size, 17) for name in names}


def _rational_ends(node: tree.Node) -> Iterator[Fraction]:
    match node:
        case tree.Union(parts) | tree.Items(_, parts):
            for part in parts:
                yield from _rational_ends(part)
        case tree.Interval(low, high, _):
            yield from _rational_ends(low)
            yield from _rational_ends(high)
        case tree.Relation(sides, _):
            for side in sides:
                yield from () if isinstance(side, tree.Symbol) else _rational_ends(side)
        case _:
            value = rational_of(node)
            if value is not None:
                yield value


def _all(parts: Iterator[bool | None]) -> bool | None:
    found: bool | None = True
    for part in parts:
        if part is False:
            return False
        found = found and part
    return found


def _any(parts: Iterator[bool | None]) -> bool | None:
    found: bool | None = False
    for part in parts:
        if part:
            return True
        found = None if part is None else found
    return found
