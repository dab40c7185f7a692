"""The numeric tier: two expressions are compared by their values, with bounds on the errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import log2, log10
from random import Random

from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.evaluate import Evaluator, Valued, rational_of
from catsdk.answers.engine.numeric.fields import Field, doubles, precise
from catsdk.answers.engine.numeric.separation import separation_bits
from catsdk.answers.engine.traversal import children, symbols_of
from catsdk.answers.engine.tree import Call, Constant, Node, Power

__all__ = ["same_value", "value_of"]

Point = Mapping[str, Fraction]

# Values that no formula of moderate size makes equal by chance agree to so many digits.
_DIGITS = 50
_MOST_DIGITS = 700
_MOST_BITS = 12_000
_POINTS = 6
_NEEDED = 3
# Where these depend on a symbol, values at points say nothing about what lies between them.
_STEPPED = frozenset(["floor", "ceil", "sign", "mod", "arg"])
_KINKED = frozenset(["abs", "min", "max", "root"])
_FAR = (17, 523, 40_009, 3_000_017)
_SEED = 20_250_914


def value_of(node: Node, budget: Budget) -> tuple[complex, float]:
    """Return the value of an expression without symbols, and the bound on its error.

    Raises:
        UndefinedError, LimitReachedError, UndecidedError: there is none within the bounds.
    """
    field = doubles()
    value, error = Evaluator(field, {}, budget).value(node)
    return complex(value), error * field.epsilon


def same_value(left: Node, right: Node, budget: Budget) -> bool:
    """Tell whether two expressions have the same value, at every point where both have one.

    Different is proven by an error bound at one point. Equal is proven for algebraic numbers; for
    others and for symbols it means agreement to at least 50 digits, at several random points.

    Raises:
        UndefinedError: neither has a value.
        LimitReachedError: a value is too large or too small, or needs too many steps.
        UndecidedError: the values cannot be told apart nor taken for equal.
    """
    symbols = sorted(symbols_of(left) | symbols_of(right))
    if not symbols:
        return _same_constant(left, right, budget)
    if len(symbols) > 20:
        raise UndecidedError("too many symbols")
    return _same_function(left, right, tuple(symbols), budget)


def _same_constant(left: Node, right: Node, budget: Budget) -> bool:
    first, second, evaluator = _pair(doubles(), left, right, {}, budget, real=False)
    if _apart(first, second, doubles()):
        return False
    digits = _digits(evaluator)
    field = precise(digits)
    first, second, _ = _pair(field, left, right, {}, budget, real=False)
    if _apart(first, second, field):
        return False
    bits = separation_bits(left, right, _MOST_BITS)
    if bits is None:
        if _is_algebraic(left) and _is_algebraic(right):
            raise UndecidedError("equal to many digits, but not proven")
        return True
    needed = int(bits / log2(10)) + 20
    if needed > digits:
        field = precise(needed)
        budget.spend(needed)
        first, second, _ = _pair(field, left, right, {}, budget, real=False)
        return not _apart_at(first, second, needed)
    return True


def _is_algebraic(node: Node) -> bool:
    if isinstance(node, Constant):
        return node.name == "i"
    if isinstance(node, Call) and node.name != "root":
        return False
    return all(map(_is_algebraic, children(node)))


def _digits(evaluator: Evaluator) -> int:
    """Enough digits that the smallest and largest of the values on the way count in full."""
    spread = log10(evaluator.largest) - log10(evaluator.smallest)
    return min(_DIGITS + 2 * int(spread), _MOST_DIGITS)


def _pair(
    field: Field, left: Node, right: Node, point: Point, budget: Budget, *, real: bool
) -> tuple[Valued, Valued, Evaluator]:
    evaluator = Evaluator(field, point, budget, real=real)
    return evaluator.value(left), evaluator.value(right), evaluator


def _apart(first: Valued, second: Valued, field: Field) -> bool:
    (one, error), (other, more) = first, second
    return bool(abs(one - other) > 4 * (error + more) * field.epsilon)


def _apart_at(first: Valued, second: Valued, digits: int) -> bool:
    """Tell values apart that differ in one of `digits` digits; a double cannot hold the bound."""
    difference = abs(first[0] - second[0])
    scaled = difference * (difference * 0 + 10) ** (digits - 10)
    return bool(scaled > 4 * (first[1] + second[1]) + 1)


def _same_function(left: Node, right: Node, symbols: tuple[str, ...], budget: Budget) -> bool:
    whole = frozenset(_whole_symbols(left) | _whole_symbols(right))
    kinks = _kinks(left) | _kinks(right)
    points = _points(symbols, whole) + (_far_points(symbols, whole) if kinks else ())
    # Outside the real numbers only where hardly any point is inside: roots have branches there.
    inside = False
    for real in (True, False):
        agreeing: list[tuple[Point, Evaluator]] = []
        for point in points + _near_points(symbols, whole) if real else points:
            found = _at(left, right, point, budget, real=real)
            if found is None:
                continue
            same, evaluator = found
            if not same and inside:
                raise UndecidedError("equal where both are real, and not elsewhere")
            if not same:
                return False
            agreeing.append((point, evaluator))
        if len(agreeing) >= _NEEDED:
            if kinks - {"root"}:
                raise UndecidedError("equal at some points, but there are kinks or steps between")
            return all(
                _agree_precisely(left, right, point, budget, real=real, digits=_digits(evaluator))
                for point, evaluator in (agreeing[0], agreeing[-1])
            )
        inside = bool(agreeing)
    raise UndecidedError("both have a value at too few points")


def _kinks(node: Node) -> set[str]:
    """Return the functions with kinks or steps, and even roots, that depend on a symbol."""
    found: set[str] = set()
    for inner in _all(node):
        if isinstance(inner, Call) and inner.name in _STEPPED | _KINKED and symbols_of(inner):
            found.add(inner.name)
    return found


def _at(
    left: Node, right: Node, point: Point, budget: Budget, *, real: bool
) -> tuple[bool, Evaluator] | None:
    """Compare at one point; `None` if one of them has no value."""
    evaluator = Evaluator(doubles(), point, budget, real=real)
    values: list[Valued] = []
    undecided: UndecidedError | None = None
    # Both are looked at, so that it does not matter which one is the first.
    for node in (left, right):
        try:
            values.append(evaluator.value(node))
        except (UndefinedError, LimitReachedError):
            return None
        except UndecidedError as error:
            undecided = error
    if undecided is not None:
        raise undecided
    return not _apart(values[0], values[1], doubles()), evaluator


def _agree_precisely(
    left: Node, right: Node, point: Point, budget: Budget, *, real: bool, digits: int
) -> bool:
    field = precise(digits)
    budget.spend(digits)
    first, second, _ = _pair(field, left, right, point, budget, real=real)
    return not _apart(first, second, field)


@lru_cache(maxsize=256)
def _far_points(symbols: tuple[str, ...], whole: frozenset[str]) -> tuple[Point, ...]:
    """Points of several sizes and of both signs, beyond where a function may change its form."""
    if whole:
        return ()
    return tuple(
        {name: Fraction(sign * size * (11 + at), 11) for at, name in enumerate(symbols)}
        for size in _FAR
        for sign in (1, -1)
    )


@lru_cache(maxsize=256)
def _near_points(symbols: tuple[str, ...], whole: frozenset[str]) -> tuple[Point, ...]:
    """Points near zero, where a logarithm or a root may have real values only."""
    if whole:
        return ()
    return tuple(
        {name: Fraction(sign * (7 + 2 * at), size) for at, name in enumerate(symbols)}
        for size in (13, 37, 101)
        for sign in (1, -1)
    )


@lru_cache(maxsize=256)
def _points(symbols: tuple[str, ...], whole: frozenset[str]) -> tuple[Point, ...]:
    """Random points: all symbols positive, then of both signs; `whole` ones positive integers."""
    random = Random(f"{_SEED} {' '.join(symbols)}")

    def value(name: str, signed: bool) -> Fraction:
        if name in whole:
            # From 2: with 1 too much is the same, as n over 1 and n.
            return Fraction(random.randrange(2, 10))
        size = Fraction(random.randrange(20_000, 200_000), 65_536)
        return -size if signed and random.random() < 0.5 else size

    count = _POINTS + 3 if whole else _POINTS
    points = [{name: value(name, at >= count // 2) for name in symbols} for at in range(count)]
    if not whole:
        points.append({name: -value(name, False) for name in symbols})
    return tuple(points)


def _whole_symbols(node: Node) -> set[str]:
    """Symbols that stand for integers: in factorials, binomials, or as powers of -1."""
    found: set[str] = set()
    for inner in _all(node):
        if isinstance(inner, Call) and inner.name in ("factorial", "binomial", "permutations"):
            found |= symbols_of(inner)
        elif isinstance(inner, Call) and inner.name in ("sum", "product"):
            found |= symbols_of(inner.arguments[2]) | symbols_of(inner.arguments[3])
        elif isinstance(inner, Power):
            base = rational_of(inner.base)
            if base is not None and base < 0:
                found |= symbols_of(inner.exponent)
    return found


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _all(child)
