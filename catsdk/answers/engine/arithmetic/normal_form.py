"""The normal form of an expression: a quotient of sums of monomials with exact coefficients."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial, floor, gcd, lcm, prod

from catsdk.answers.engine import tree
from catsdk.answers.engine.arithmetic.polynomials import (
    ONE,
    Form,
    Rational,
    added,
    constant,
    content,
    divided,
    factors_of,
    key_of,
    multiplied,
    negated,
    plain,
    raised,
    scaled,
    single,
)
from catsdk.answers.engine.arithmetic.sines import sine_of_turn
from catsdk.answers.engine.limits import (
    Budget,
    LimitReachedError,
    UndecidedError,
    UndefinedError,
)
from catsdk.answers.engine.traversal import worth

__all__ = ["Normaliser"]

_MAX_FACTORIAL = 400
_MAX_ROOT = 64
_MAX_RANGE = 200
_ODD = frozenset(["sin", "tan", "cot", "csc", "arcsin", "arctan", "sinh", "tanh", "sign"])
_EVEN = frozenset(["cos", "sec", "cosh"])


class Normaliser:
    """Makes the normal forms of the expressions of one comparison.

    Roots and function values of which nothing is known are atoms; `bases` remembers of which
    expression such an atom is a root, so that its powers go back into the arithmetic.
    """

    def __init__(self, budget: Budget) -> None:
        """Work within `budget`."""
        self.budget = budget
        self.bases: dict[str, Form] = {}
        self.values: dict[str, Form] = {}

    def form(self, node: tree.Node) -> Form:
        """Return the form of an expression.

        Raises:
            UndefinedError: it divides by zero.
            LimitReachedError: the numbers or the sums become too large.
            UndecidedError: it is not an expression, or it holds infinity.
        """
        self.budget.spend(7)
        match node:
            case tree.Number(value):
                return constant(value)
            case tree.Symbol(name):
                return self.values.get(name) or single(name)
            case tree.Constant(name):
                if name == "infinity":
                    raise UndecidedError("infinity in an expression")
                return single(f"@{name}")
            case tree.Sum(terms):
                return self._sum(terms)
            case tree.Product(factors):
                return self._product(factors)
            case tree.Quotient(top, bottom):
                return self.divide(self.form(top), self.form(bottom))
            case tree.Power(base, exponent):
                return self._power(base, exponent)
            case tree.Call(name, arguments):
                return self._call(name, arguments)
            case _:
                return self._other(node)

    def _other(self, node: tree.Node) -> Form:
        match node:
            case tree.Quantity(value, "%"):
                return scaled(self.form(value), Fraction(1, 100))
            case tree.Quantity(value):
                return self.form(value)
            case tree.Numeral():
                return constant(worth(node))
            case _:
                raise UndecidedError(f"{type(node).__name__} in an expression")

    def plus(self, left: Form, right: Form) -> Form:
        """Return the sum."""
        return self._unrooted(added(left, right, self.budget))

    def multiply(self, left: Form, right: Form) -> Form:
        """Return the product, in which whole powers of roots are multiplied out."""
        return self._unrooted(multiplied(left, right, self.budget))

    def divide(self, left: Form, right: Form) -> Form:
        """Return the quotient."""
        return self._unrooted(divided(left, right, self.budget))

    def is_zero(self, form: Form) -> bool | None:
        """Tell whether `form` is zero; `None` if its atoms may depend on each other."""
        if not form.top:
            return True
        atoms = {atom for monomial in form.top for atom, _ in monomial}
        if any(atom[0] == "~" for atom in atoms) or {"@pi", "@e"} <= atoms:
            return None
        # Powers that are too large to multiply out may equal others of another writing.
        large = any(
            atom[0] == "#" and not 0 < power < 1
            for monomial in form.top
            for atom, power in monomial
        )
        return None if large and len(form.top) > 1 else False

    def _sum(self, terms: tuple[tree.Node, ...]) -> Form:
        total = self.form(terms[0])
        for term in terms[1:]:
            total = added(total, self.form(term), self.budget)
        return total

    def _product(self, factors: tuple[tree.Node, ...]) -> Form:
        total = self.form(factors[0])
        for factor in factors[1:]:
            total = self.multiply(total, self.form(factor))
        return total

    def _unrooted(self, form: Form) -> Form:
        if not self.bases:
            return form
        for atom in {atom for part in (form.top, form.bottom) for key in part for atom, _ in key}:
            if atom in self.bases:
                form = self._without(form, atom)
        return form

    def _without(self, form: Form, atom: str) -> Form:
        """Bring the powers of the root `atom` between 0 and 1."""
        base = self.bases[atom]
        halves: list[Form] = []
        for part in (form.top, form.bottom):
            total = constant(0)
            for monomial, value in part.items():
                power = dict(monomial).get(atom, 0)
                whole = floor(power)
                term = Form({monomial: value}, ONE.bottom)
                if whole:
                    term = multiplied(term, single(atom, -whole), self.budget)
                    term = multiplied(term, raised(base, whole, self.budget), self.budget)
                total = added(total, term, self.budget)
            halves.append(total)
        return divided(halves[0], halves[1], self.budget)

    def _power(self, base_node: tree.Node, exponent_node: tree.Node) -> Form:
        exponent = self.form(exponent_node)
        base = self.form(base_node)
        power = exponent.rational
        if power is None:
            return self._general_power(base, exponent)
        if not base.top:
            if power <= 0:
                raise UndefinedError("zero to a power that is not positive")
            return base
        if isinstance(power, int):
            return self._unrooted(raised(base, power, self.budget))
        root = self.root(base, power.denominator)
        return self._unrooted(raised(root, power.numerator, self.budget))

    def _general_power(self, base: Form, exponent: Form) -> Form:
        """Return b^(c m + d n) as (b^m)^c (b^n)^d, for a base of one term that may be split."""
        term = base.term
        if term is None or term[1] <= 0 or exponent.bottom is not ONE.bottom:
            return self._opaque("power", (base, exponent))
        monomial, coefficient = term
        atoms: dict[str, Rational] = dict(monomial)
        for number, sign in ((coefficient.numerator, 1), (coefficient.denominator, -1)):
            for prime, times in factors_of(number).items():
                atoms[prime] = atoms.get(prime, 0) + sign * times
        result = ONE
        for part, factor in exponent.top.items():
            for atom, power in atoms.items():
                raised_atom = self._atom_power(atom, part, plain(factor * power))
                result = self.multiply(result, raised_atom)
        return result

    def _atom_power(
        self, atom: str, part: tuple[tuple[str, Rational], ...], power: Rational
    ) -> Form:
        if not part:
            return single(atom, power)
        if atom == "@e" and part == (("@i", 1), ("@pi", 1)):
            turns = power / Fraction(2)
            sine = sine_of_turn(turns)
            cosine = sine_of_turn(turns + Fraction(1, 4))
            if sine is not None and cosine is not None:
                return added(cosine, self.multiply(sine, single("@i")), self.budget)
        if atom == "@i" or (atom == "@e" and part[0][0].startswith("~ln")):
            return self._opaque("power", (single(atom), Form({part: power}, ONE.bottom)))
        return single(f"~{atom}^{part}", power)

    def root(self, form: Form, degree: int) -> Form:
        """Return the root: the real one of odd degree, else the principal one."""
        if degree > _MAX_ROOT:
            return self._opaque(f"root{degree}", (form,))
        if not form.top:
            return form
        term = form.term
        if term is None:
            return self._root_of_sum(form, degree)
        monomial, coefficient = term
        result = self._root_of_rational(coefficient, degree)
        for atom, power in monomial:
            result = self.multiply(result, self._root_of_atom(atom, power, degree))
        if coefficient < 0 and degree % 2 == 0 and any(atom[0] not in "#@" for atom, _ in monomial):
            return self._opaque(f"root{degree}", (form,))
        return result

    def _root_of_rational(self, value: Rational, degree: int) -> Form:
        if value < 0:
            if degree % 2:
                return negated(self._root_of_rational(-value, degree))
            imaginary = single("@i", Fraction(2, degree)) if degree == 2 else None
            if imaginary is None:
                return self._opaque(f"root{degree}", (constant(value),))
            return self.multiply(imaginary, self._root_of_rational(-value, degree))
        result = ONE
        for number, sign in ((value.numerator, 1), (value.denominator, -1)):
            for prime, times in factors_of(number).items():
                result = self.multiply(result, single(prime, Fraction(sign * times, degree)))
        return result

    def _root_of_atom(self, atom: str, power: Rational, degree: int) -> Form:
        positive = atom[0] == "#" or atom in ("@pi", "@e")
        share = Fraction(power) / degree
        numerator = Fraction(power).numerator
        if atom == "@i":
            return self._opaque(f"root{degree}", (single(atom, power),))
        if positive or degree % 2 or numerator % 2 or share.denominator == 1 and share % 2 == 0:
            return single(atom, share)
        # The even root of an even power is that of the absolute value.
        return single(f"~abs({atom})", share)

    def _root_of_sum(self, form: Form, degree: int) -> Form:
        if form.bottom is not ONE.bottom:
            top = self.root(Form(form.top, ONE.bottom), degree)
            bottom = self.root(Form(form.bottom, ONE.bottom), degree)
            if degree % 2:
                return self.divide(top, bottom)
            return self._opaque(f"root{degree}", (form,))
        if degree % 2 and _leading(form) < 0:
            return negated(self._root_of_sum(negated(form), degree))
        factor = content(form.top)
        primitive = scaled(form, Fraction(1) / factor)
        atom = f"~base{key_of(primitive)}"
        self.bases[atom] = primitive
        return self.multiply(
            self._root_of_rational(factor, degree), single(atom, Fraction(1, degree))
        )

    def _call(self, name: str, arguments: tuple[tree.Node, ...]) -> Form:
        if name == "det" and isinstance(arguments[0], tree.Matrix):
            return self._determinant(arguments[0].rows)
        if name in ("sum", "product") and len(arguments) == 4:
            return self._range(name, *arguments)
        if name in ("integral", "limit", "derivative") and isinstance(arguments[1], tree.Symbol):
            return self._bound(name, arguments[0], arguments[1].name, arguments[2:])
        if name in _TRIGONOMETRIC and isinstance(arguments[0], tree.Quantity):
            angle = self.form(arguments[0].value)
            pi = single("@pi", 1, Fraction(1, 180)) if arguments[0].unit == "degree" else ONE
            return self._function(name, [self.multiply(angle, pi)])
        return self._function(name, [self.form(argument) for argument in arguments])

    def _range(
        self, name: str, body: tree.Node, symbol: tree.Node, low: tree.Node, high: tree.Node
    ) -> Form:
        first, last = self.form(low).rational, self.form(high).rational
        if not isinstance(symbol, tree.Symbol):
            raise UndecidedError("a range without a symbol")
        if not (isinstance(first, int) and isinstance(last, int)) or last - first > _MAX_RANGE:
            return self._bound(name, body, symbol.name, (low, high))
        outer = self.values.get(symbol.name)
        total = constant(0) if name == "sum" else ONE
        for index in range(first, last + 1):
            self.values[symbol.name] = constant(index)
            part = self.form(body)
            total = added(total, part, self.budget) if name == "sum" else self.multiply(total, part)
        self.values.pop(symbol.name, None)
        if outer is not None:
            self.values[symbol.name] = outer
        return total

    def _bound(self, name: str, body: tree.Node, symbol: str, ends: tuple[tree.Node, ...]) -> Form:
        """Make an atom of what runs over a symbol, whose name does not matter."""
        limits = [self.form(end) for end in ends if end != tree.Constant("infinity")]
        infinite = sum(end == tree.Constant("infinity") for end in ends)
        outer = self.values.get(symbol)
        self.values[symbol] = single("~bound")
        inner = self.form(body)
        self.values.pop(symbol)
        if outer is not None:
            self.values[symbol] = outer
        return self._opaque(f"{name}{infinite}", (inner, *limits))

    def _function(self, name: str, forms: list[Form]) -> Form:
        if name == "root":
            degree = forms[1].rational
            if not isinstance(degree, int) or degree <= 0:
                return self._power_of_forms(forms[0], divided(ONE, forms[1], self.budget))
            return self.root(forms[0], degree)
        if name == "exp":
            return self._general_power(single("@e"), forms[0])
        if name in ("ln", "log"):
            return self._logarithm(forms)
        values = [form.rational for form in forms]
        if None not in values and name in _ON_RATIONALS:
            result = _ON_RATIONALS[name]([value for value in values if value is not None])
            if result is not None:
                return constant(result)
        if name == "abs":
            return self.root(self._unrooted(raised(forms[0], 2, self.budget)), 2)
        if name in _TRIGONOMETRIC and (exact := self._exact_trigonometric(name, forms[0])):
            return exact
        return self._symmetric(name, forms)

    def _power_of_forms(self, base: Form, exponent: Form) -> Form:
        power = exponent.rational
        if isinstance(power, Fraction) and base.top:
            return self._unrooted(
                raised(self.root(base, power.denominator), power.numerator, self.budget)
            )
        return self._general_power(base, exponent)

    def _symmetric(self, name: str, forms: list[Form]) -> Form:
        if len(forms) != 1:
            return self._opaque(name, tuple(forms))
        form = forms[0]
        if form.top and name in _ODD | _EVEN and _leading(form) < 0:
            opposite = self._opaque(name, (negated(form),))
            return negated(opposite) if name in _ODD else opposite
        return self._opaque(name, tuple(forms))

    def _opaque(self, name: str, forms: tuple[Form, ...]) -> Form:
        return single(f"~{name}[{','.join(map(key_of, forms))}]")

    def _logarithm(self, forms: list[Form]) -> Form:
        if len(forms) == 2:
            return self.divide(self._logarithm(forms[:1]), self._logarithm(forms[1:]))
        form = forms[0]
        if not form.top:
            raise UndefinedError("the logarithm of zero")
        term = form.term
        if term is None or term[1] <= 0:
            return self._opaque("ln", (form,))
        monomial, coefficient = term
        if any(
            atom[0] not in "#" and atom != "@e" and not atom.startswith("~@e^")
            for atom, _ in monomial
        ):
            return self._opaque("ln", (form,))
        total = constant(0)
        for number, sign in ((coefficient.numerator, 1), (coefficient.denominator, -1)):
            for prime, times in factors_of(number).items():
                total = added(total, single(f"~ln{prime}", 1, sign * times), self.budget)
        for atom, power in monomial:
            if atom.startswith("~@e^"):
                return self._opaque("ln", (form,))
            part = constant(power) if atom == "@e" else single(f"~ln{atom}", 1, power)
            total = added(total, part, self.budget)
        return total

    def _exact_trigonometric(self, name: str, form: Form) -> Form | None:
        """Return the value at a rational multiple of pi whose sine is a simple root."""
        term = form.term
        if form.top and (term is None or term[0] != (("@pi", 1),)):
            return None
        turn = Fraction(term[1]) / 2 if term else Fraction(0)
        sine, cosine = sine_of_turn(turn), sine_of_turn(turn + Fraction(1, 4))
        if sine is None or cosine is None:
            return None
        top, bottom = {
            "sin": (sine, ONE),
            "cos": (cosine, ONE),
            "tan": (sine, cosine),
            "cot": (cosine, sine),
            "sec": (ONE, cosine),
            "csc": (ONE, sine),
        }[name]
        return self.divide(top, bottom)

    def _determinant(self, rows: tuple[tuple[tree.Node, ...], ...]) -> Form:
        if len(rows) != len(rows[0]) or len(rows) > 4:
            raise UndecidedError("a determinant of another size")
        return self._minor([[self.form(cell) for cell in row] for row in rows])

    def _minor(self, rows: list[list[Form]]) -> Form:
        if len(rows) == 1:
            return rows[0][0]
        total = constant(0)
        for column, cell in enumerate(rows[0]):
            rest = [row[:column] + row[column + 1 :] for row in rows[1:]]
            part = self.multiply(cell, self._minor(rest))
            total = added(total, negated(part) if column % 2 else part, self.budget)
        return total


def _leading(form: Form) -> Rational:
    monomial = min(form.top)
    return form.top[monomial]


def _integers(values: list[Rational]) -> list[int] | None:
    found = [value for value in values if isinstance(value, int)]
    return found if len(found) == len(values) else None


def _factorial(values: list[Rational]) -> Rational | None:
    numbers = _integers(values)
    if numbers is None:
        return None
    if numbers[0] < 0:
        raise UndefinedError("the factorial of a negative number")
    if numbers[0] > _MAX_FACTORIAL:
        raise LimitReachedError("the factorial is too large")
    return factorial(numbers[0])


def _double_factorial(values: list[Rational]) -> Rational | None:
    numbers = _integers(values)
    if numbers is None or not 0 <= numbers[0] <= _MAX_FACTORIAL:
        return None
    return prod(range(numbers[0], 0, -2))


def _binomial(values: list[Rational]) -> Rational | None:
    numbers = _integers(values)
    if numbers is None or not 0 <= numbers[0] or numbers[1] < 0:
        return None
    if numbers[0] > 4_000:
        raise LimitReachedError("the binomial coefficient is too large")
    return comb(*numbers)


def _modulo(values: list[Rational]) -> Rational:
    if not values[1]:
        raise UndefinedError("a division by zero")
    return values[0] % values[1]


def _common(step: Callable[..., int]) -> Callable[[list[Rational]], Rational | None]:
    def of(values: list[Rational]) -> Rational | None:
        numbers = _integers(values)
        return None if numbers is None else step(*numbers)

    return of


_ON_RATIONALS: dict[str, Callable[[list[Rational]], Rational | None]] = {
    "abs": lambda values: plain(values[0] if values[0] >= 0 else -values[0]),
    "floor": lambda values: int(values[0] // 1),
    "ceil": lambda values: -int(-values[0] // 1),
    "sign": lambda values: (values[0] > 0) - (values[0] < 0),
    "factorial": _factorial,
    "double_factorial": _double_factorial,
    "binomial": _binomial,
    "mod": _modulo,
    "gcd": _common(gcd),
    "lcm": _common(lcm),
    "min": lambda values: plain(min(values)),
    "max": lambda values: plain(max(values)),
}
_TRIGONOMETRIC = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])
