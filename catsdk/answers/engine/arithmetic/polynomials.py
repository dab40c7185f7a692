"""Sums of monomials with rational coefficients, and quotients of two such sums.

A monomial is a product of atoms with rational exponents. An atom is a string: the name of a
symbol, `#p` for a prime, `@pi`, `@e` and `@i` for constants; a `~` begins an atom about which the
arithmetic knows nothing more, such as a function's value. Monomials of different exponents over
the atoms without `~` (and without `@pi` beside `@e`) are linearly independent, so a sum of them is
zero only if it has no term.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, gcd, lcm
from typing import NamedTuple, TypeAlias

from catsdk.answers.engine.limits import MAX_BITS, Budget, LimitReachedError, UndefinedError

__all__ = [
    "ONE",
    "Form",
    "Monomial",
    "Polynomial",
    "Rational",
    "added",
    "constant",
    "content",
    "divided",
    "factors_of",
    "key_of",
    "multiplied",
    "negated",
    "plain",
    "raised",
    "scaled",
    "single",
]

Rational: TypeAlias = int | Fraction
Monomial: TypeAlias = tuple[tuple[str, Rational], ...]
Polynomial: TypeAlias = dict[Monomial, Rational]

_UNIT: Polynomial = {(): 1}
_MAX_TERMS = 400
_TRIALS = 2_000


class Form(NamedTuple):
    """`top` over `bottom`; the bottom is not zero."""

    top: Polynomial
    bottom: Polynomial

    @property
    def rational(self) -> Rational | None:
        """The value, where it is a rational number."""
        if not self.top:
            return 0
        if self.bottom is not _UNIT or len(self.top) > 1:
            return None
        return self.top.get(())

    @property
    def term(self) -> tuple[Monomial, Rational] | None:
        """The only term, where there is one and nothing below."""
        if self.bottom is not _UNIT or len(self.top) != 1:
            return None
        return next(iter(self.top.items()))


def plain(value: Rational) -> Rational:
    """Return an integer as an int: its arithmetic is faster.

    Raises:
        LimitReachedError: it has too many digits.
    """
    # Not by isinstance, which takes long where a class may have others registered.
    if type(value) is int:
        if value.bit_length() > MAX_BITS:
            raise LimitReachedError("the numbers become too large")
        return value
    top, bottom = value.numerator, value.denominator
    if bottom.bit_length() > MAX_BITS or top.bit_length() > MAX_BITS:
        raise LimitReachedError("the numbers become too large")
    return top if bottom == 1 else value


def constant(value: Rational) -> Form:
    """Make the form of a rational number."""
    value = plain(value)
    return Form({(): value} if value else {}, _UNIT)


def single(atom: str, exponent: Rational = 1, coefficient: Rational = 1) -> Form:
    """Make the form of one atom to a power."""
    if exponent == 1 == coefficient:
        return Form({((atom, 1),): 1}, _UNIT) if atom[0] != "#" else constant(int(atom[1:]))
    monomial, factor = _folded({atom: plain(exponent)})
    return Form({monomial: plain(coefficient * factor)}, _UNIT)


ONE = constant(1)


def _times(left: Monomial, right: Monomial) -> tuple[Monomial, Rational]:
    """Multiply two monomials; what becomes rational by it is returned beside, as a factor."""
    if not left or not right:
        return left or right, 1
    exponents: dict[str, Rational] = dict(left)
    for atom, exponent in right:
        exponents[atom] = plain(exponents.get(atom, 0) + exponent)
    return _folded(exponents)


def _folded(exponents: dict[str, Rational]) -> tuple[Monomial, Rational]:
    factor: Rational = 1
    for atom, power in list(exponents.items()):
        if atom[0] == "#" and not 0 < power < 1:
            whole = floor(power)
            prime = int(atom[1:])
            if abs(whole) * prime.bit_length() > MAX_BITS:
                continue
            factor *= Fraction(prime) ** whole
            exponents[atom] = plain(power - whole)
        elif atom == "@i" and isinstance(power, int):
            factor *= -1 if power % 4 > 1 else 1
            exponents[atom] = power % 2
        elif atom.startswith("~abs(") and isinstance(power, int) and power % 2 == 0:
            # The square of an absolute value is that of what stands inside.
            del exponents[atom]
            exponents[atom[5:-1]] = plain(exponents.get(atom[5:-1], 0) + power)
    monomial = tuple(sorted((atom, power) for atom, power in exponents.items() if power))
    return monomial, plain(factor)


def _sum(left: Polynomial, right: Polynomial) -> Polynomial:
    total = dict(left)
    for monomial, coefficient in right.items():
        value = total.get(monomial, 0) + coefficient
        if value:
            total[monomial] = plain(value)
        else:
            del total[monomial]
    return total


def _product(left: Polynomial, right: Polynomial, budget: Budget) -> Polynomial:
    if left is _UNIT or right is _UNIT:
        return right if left is _UNIT else left
    budget.spend(14 * len(left) * len(right))
    total: Polynomial = {}
    for first, one in left.items():
        for second, other in right.items():
            monomial, factor = _times(first, second)
            total[monomial] = plain(total.get(monomial, 0) + one * other * factor)
    if len(total) > _MAX_TERMS:
        raise LimitReachedError("too many terms")
    return {monomial: value for monomial, value in total.items() if value}


def _made(top: Polynomial, bottom: Polynomial) -> Form:
    if not bottom:
        raise UndefinedError("a division by zero")
    if bottom is not _UNIT and len(bottom) == 1:
        ((monomial, coefficient),) = bottom.items()
        inverse, factor = _folded({atom: -power for atom, power in monomial})
        scale = plain(Fraction(factor) / coefficient)
        top = _product(top, {inverse: scale}, Budget())
        bottom = _UNIT
    return Form(top, bottom)


def negated(form: Form) -> Form:
    """Return minus `form`."""
    return Form({monomial: -value for monomial, value in form.top.items()}, form.bottom)


def scaled(form: Form, factor: Rational) -> Form:
    """Return `form` times a rational number."""
    if not factor:
        return Form({}, _UNIT)
    top = {monomial: plain(value * factor) for monomial, value in form.top.items()}
    return Form(top, form.bottom)


def added(left: Form, right: Form, budget: Budget) -> Form:
    """Return the sum."""
    budget.spend(10 + 2 * (len(left.top) + len(right.top)))
    if left.bottom is right.bottom or left.bottom == right.bottom:
        return _made(_sum(left.top, right.top), left.bottom)
    first = _product(left.top, right.bottom, budget)
    second = _product(right.top, left.bottom, budget)
    return _made(_sum(first, second), _product(left.bottom, right.bottom, budget))


def multiplied(left: Form, right: Form, budget: Budget) -> Form:
    """Return the product."""
    budget.spend(10)
    top = _product(left.top, right.top, budget)
    return _made(top, _product(left.bottom, right.bottom, budget))


def divided(left: Form, right: Form, budget: Budget) -> Form:
    """Return the quotient.

    Raises:
        UndefinedError: `right` is zero.
    """
    if not right.top:
        raise UndefinedError("a division by zero")
    return multiplied(left, _made(right.bottom, right.top), budget)


def raised(form: Form, exponent: int, budget: Budget) -> Form:
    """Return a power with an integer exponent.

    Raises:
        LimitReachedError: it has too many terms or digits.
        UndefinedError: it is a negative power of zero.
    """
    if exponent < 0:
        return raised(divided(ONE, form, budget), -exponent, budget)
    if term := form.term:
        monomial, coefficient = term
        if exponent * _bits(coefficient) > MAX_BITS:
            return _large_power(monomial, coefficient, exponent)
        power, factor = _folded({atom: plain(each * exponent) for atom, each in monomial})
        return Form({power: plain(coefficient**exponent * factor)}, _UNIT)
    if exponent > 64:
        raise LimitReachedError("the power has too many terms")
    result, square = ONE, form
    while exponent:
        if exponent & 1:
            result = multiplied(result, square, budget)
        exponent >>= 1
        if exponent:
            square = multiplied(square, square, budget)
    return result


def _large_power(monomial: Monomial, coefficient: Rational, exponent: int) -> Form:
    """Return a power that has too many digits as powers of primes, which stay as they are."""
    exponents = {atom: plain(power * exponent) for atom, power in monomial}
    for number, sign in ((abs(coefficient.numerator), 1), (coefficient.denominator, -1)):
        for prime, times in factors_of(number).items():
            exponents[prime] = plain(exponents.get(prime, 0) + sign * times * exponent)
    power, factor = _folded(exponents)
    return Form({power: -factor if coefficient < 0 and exponent % 2 else factor}, _UNIT)


def _bits(value: Rational) -> int:
    return max(abs(value.numerator), value.denominator).bit_length() - 1


def content(polynomial: Polynomial) -> Rational:
    """Return the positive rational whose quotient has coprime integer coefficients."""
    top = gcd(*(value.numerator for value in polynomial.values()))
    bottom = lcm(*(value.denominator for value in polynomial.values()))
    return plain(Fraction(top, bottom))


def key_of(form: Form) -> str:
    """Return a text that equal forms share; unequal texts may still mean equal forms."""
    top = _polynomial_key(form.top)
    return top if form.bottom is _UNIT else f"{top}/{_polynomial_key(form.bottom)}"


def _polynomial_key(polynomial: Polynomial) -> str:
    terms = [
        "*".join([str(value), *(f"{atom}^{power}" for atom, power in monomial)])
        for monomial, value in sorted(polynomial.items(), key=_ordering)
    ]
    return "(" + "+".join(terms) + ")"


def _ordering(term: tuple[Monomial, Rational]) -> Monomial:
    return term[0]


def factors_of(value: int) -> dict[str, int]:
    """Return prime atoms whose product is a positive integer, with their exponents.

    A large factor that trial division leaves over is an atom that begins with `~`.
    """
    found: dict[str, int] = {}
    divisor = 2
    while divisor * divisor <= value and divisor < _TRIALS:
        while value % divisor == 0:
            found[f"#{divisor}"] = found.get(f"#{divisor}", 0) + 1
            value //= divisor
        divisor += 1 if divisor == 2 else 2
    if value > 1:
        found[f"#{value}" if value < _TRIALS**2 else f"~#{value}"] = 1
    return found
