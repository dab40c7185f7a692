"""Points at which expressions of real symbols are compared: in several domains, and at kinks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from catsdk.answers.engine.symbolic.engine import Expression, sympy

__all__ = ["Point", "has_steps", "points"]

Point: TypeAlias = dict[Expression, Expression]

# Where a symbol takes its values: a fraction over a prime, so that no point is special.
_DOMAINS = [(1, 2), (0, 1), (2, 9), (-2, -1), (-1, 0), (-9, -2), (10, 1_000), (-1_000, -10)]
_PRIMES = [53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
_MIXED = 8
_MOST_AT_KINKS = 24

# Constant between jumps that may lie anywhere: agreement at points says nothing.
_STEPS = (sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod, sympy.arg)
# Another formula on each side of the zeros of their argument.
_KINKS = (sympy.Abs, sympy.sign, sympy.Min, sympy.Max)


def has_steps(expression: Expression) -> bool:
    """Tell whether the expression jumps where no point may look."""
    return any(part.free_symbols for part in expression.atoms(*_STEPS))


def points(expression: Expression) -> Iterator[Point]:
    """Yield points by a fixed seed: all symbols in one domain, then each in its own, then kinks."""
    chance = random.Random(1)
    symbols: list[Expression] = sorted(expression.free_symbols, key=str)
    for domain in _DOMAINS:
        yield {symbol: _in(domain, chance) for symbol in symbols}
    for _ in range(_MIXED):
        yield _mixed(symbols, chance)
    yield from islice(_at_kinks(expression, symbols, chance), _MOST_AT_KINKS)


def _in(domain: tuple[int, int], chance: random.Random) -> Expression:
    low, high = domain
    prime = chance.choice(_PRIMES)
    return low + (high - low) * sympy.Rational(chance.randrange(1, prime), prime)


def _mixed(symbols: list[Expression], chance: random.Random) -> Point:
    return {symbol: _in(chance.choice(_DOMAINS), chance) for symbol in symbols}


def _at_kinks(
    expression: Expression, symbols: list[Expression], chance: random.Random
) -> Iterator[Point]:
    """Yield points on both sides of the zeros at which the expression changes its formula."""
    for argument in sorted(_arguments(expression), key=sympy.default_sort_key):
        for symbol in sorted(argument.free_symbols, key=str):
            point = _mixed(symbols, chance)
            for root in _roots(argument, symbol, point):
                for aside in (sympy.Rational(-1, 89), sympy.Rational(1, 97)):
                    yield {**point, symbol: root + aside}


def _arguments(expression: Expression) -> set[Expression]:
    found: set[Expression] = set()
    for kink in expression.atoms(*_KINKS):
        first, *others = kink.args
        found |= {first - other for other in others} or {first}
    return {each for each in found if each.free_symbols}


def _roots(argument: Expression, symbol: Expression, point: Point) -> list[Expression]:
    others = {each: value for each, value in point.items() if each != symbol}
    try:
        roots = sympy.real_roots(sympy.Poly(sympy.numer(argument.subs(others)), symbol))
    except (sympy.PolynomialError, NotImplementedError):
        return []
    return [sympy.Rational(int(1_000 * root.evalf(12)), 1_000) for root in roots]
