"""The value of an expression at a point, with a bound on its rounding error."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from math import isfinite
from typing import Any

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.fields import Field
from catsdk.answers.engine.traversal import worth

__all__ = ["Evaluator", "NotRealError", "Valued"]

# A value of the field and its absolute error, counted in the field's epsilons.
Valued = tuple[Any, float]

_MAX_TERMS = 200
_HUGE = 1e150
_CIRCULAR = {
    "sec": "cos",
    "csc": "sin",
    "cot": "tan",
    "sech": "cosh",
    "csch": "sinh",
    "coth": "tanh",
}
_INVERSE = {"arccot": "arctan", "arcsec": "arccos", "arccsc": "arcsin"}
_SHORT = {"ln": "log"} | {
    f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")
}
_DOMAINS = {"asin": 1.0, "acos": 1.0, "atanh": 1.0}


class NotRealError(UndefinedError):
    """A step leaves the real numbers, where only they are wanted."""


class Evaluator:
    """Evaluates in `field`, with `point` for the symbols.

    With `real`, every step must stay real: the even root of a negative number has no value. Roots
    of odd degree of negative numbers are real always.
    """

    def __init__(
        self, field: Field, point: Mapping[str, Fraction], budget: Budget, *, real: bool = False
    ) -> None:
        """Evaluate at `point` within `budget`."""
        self.field = field
        self.point = dict(point)
        self.budget = budget
        self.real = real
        self.smallest = 1.0
        self.largest = 1.0

    def value(self, node: tree.Node) -> Valued:
        """Return the value of `node` and the bound on its error.

        Raises:
            UndefinedError: it has none, as where it divides by zero.
            LimitReachedError: a number becomes too large or too small.
            UndecidedError: it holds what has no value here, as an undefined function.
        """
        self.budget.spend(self.field.cost)
        try:
            value, error = self._value(node)
            size = abs(value)
            magnitude = float(size)
        except (OverflowError, ValueError) as failure:
            raise LimitReachedError("a value is out of range") from failure
        except ZeroDivisionError as failure:
            raise UndefinedError("a division by zero") from failure
        if not isfinite(magnitude) or not isfinite(error) or magnitude > _HUGE:
            raise LimitReachedError("a value is too large")
        if magnitude:
            self.smallest = min(self.smallest, magnitude)
            self.largest = max(self.largest, magnitude)
        return value, error

    def _value(self, node: tree.Node) -> Valued:
        match node:
            case tree.Number(value):
                number = self.field.number(value)
                return number, float(abs(number))
            case tree.Symbol(name):
                if name not in self.point:
                    raise UndecidedError(f"{name} has no value")
                number = self.field.number(self.point[name])
                return number, float(abs(number))
            case tree.Sum(terms):
                return self._sum(terms)
            case tree.Product(factors):
                return self._product(factors)
            case tree.Quotient(top, bottom):
                return self._over(self.value(top), self.value(bottom))
            case tree.Power(base, exponent):
                return self._power(base, exponent)
            case tree.Call(name, arguments):
                return self._call(name, arguments)
            case _:
                return self._leaf(node)

    def _leaf(self, node: tree.Node) -> Valued:
        match node:
            case tree.Constant("pi"):
                return self.field.pi, 4.0
            case tree.Constant("e"):
                return self.field.e, 3.0
            case tree.Constant("i") if not self.real:
                return self.field.i, 0.0
            case tree.Quantity(value, "%"):
                number, error = self.value(value)
                return number / 100, error / 100
            case tree.Quantity(value):
                return self.value(value)
            case tree.Numeral():
                number = self.field.number(Fraction(worth(node)))
                return number, float(abs(number))
            case tree.Constant("i"):
                raise NotRealError("the imaginary unit")
            case _:
                raise UndecidedError(f"{type(node).__name__} has no value")

    def _sum(self, terms: tuple[tree.Node, ...]) -> Valued:
        total, error = self.value(terms[0])
        for term in terms[1:]:
            value, more = self.value(term)
            total = total + value
            error += more + float(abs(total))
        return total, error

    def _product(self, factors: tuple[tree.Node, ...]) -> Valued:
        total, error = self.value(factors[0])
        for factor in factors[1:]:
            value, more = self.value(factor)
            size, other = float(abs(total)), float(abs(value))
            total = total * value
            error = (
                size * more + other * error + error * more * self.field.epsilon + 2 * size * other
            )
        return total, error

    def _over(self, left: Valued, right: Valued) -> Valued:
        (top, error), (bottom, more) = left, right
        size = float(abs(bottom))
        if size <= 4 * more * self.field.epsilon:
            raise UndefinedError("a division by zero, or by a value too close to it")
        value = top / bottom
        return value, (error + float(abs(value)) * more) / size * 2 + 2 * float(abs(value))

    def _power(self, base_node: tree.Node, exponent_node: tree.Node) -> Valued:
        exponent = rational_of(exponent_node)
        base, error = self.value(base_node)
        size = float(abs(base))
        if exponent is not None and exponent.denominator == 1:
            return self._whole_power(base, error, size, int(exponent))
        if exponent is not None:
            root, error = self._root((base, error), exponent.denominator)
            return self._whole_power(root, error, float(abs(root)), exponent.numerator)
        power, more = self.value(exponent_node)
        if size <= 4 * error * self.field.epsilon:
            raise UndefinedError("a power of zero")
        logarithm = self.field.functions["log"](base)
        if self.real and self._negative(base):
            raise NotRealError("a power of a negative number")
        result = self._exp(power * logarithm)
        scale = float(abs(result))
        spread = float(abs(power)) * error / size + float(abs(logarithm)) * more
        return result, 2 * scale * (spread + 4 + float(abs(power * logarithm)))

    def _whole_power(self, base: Any, error: float, size: float, power: int) -> Valued:
        if abs(power) > 10_000:
            raise LimitReachedError("an exponent is too large")
        if power < 0:
            return self._over(
                (self.field.number(Fraction(1)), 0.0), self._whole_power(base, error, size, -power)
            )
        result = base**power
        if size and not result:
            raise LimitReachedError("a value is too small")
        scale = size ** (power - 1) if power else 0.0
        return result, 2 * power * scale * (error + size)

    def _exp(self, value: Any) -> Any:
        if abs(self.field.real_part(value)) > 300:
            raise LimitReachedError("an exponent is too large")
        return self.field.functions["exp"](value)

    def _negative(self, value: Any) -> bool:
        return bool(self.field.real_part(value) < 0)

    def _root(self, valued: Valued, degree: int) -> Valued:
        value, error = valued
        size = float(abs(value))
        if degree < 1 or degree > 1000:
            raise LimitReachedError("the degree of a root is too large")
        slack = error * self.field.epsilon
        if size <= 4 * slack:
            return value * 0, (max(error, 1e-300) * self.field.epsilon) ** (
                1 / degree
            ) / self.field.epsilon
        real = abs(self.field.imaginary_part(value)) <= slack
        negative = real and self._negative(value)
        if negative and degree % 2:
            result = -self._principal_root(-self.field.real_part(value), degree)
        elif negative and self.real:
            raise NotRealError("an even root of a negative number")
        else:
            result = self._principal_root(value, degree)
        return result, 2 * float(abs(result)) * (error / size / degree + 4)

    def _principal_root(self, value: Any, degree: int) -> Any:
        functions = self.field.functions
        if degree == 2:
            return functions["sqrt"](value)
        return functions["exp"](functions["log"](value) / degree)

    def _call(self, name: str, arguments: tuple[tree.Node, ...]) -> Valued:
        if name == "root":
            degree = rational_of(arguments[1])
            if degree is None or degree.denominator != 1:
                return self._power(
                    arguments[0], tree.Quotient(tree.Number(Fraction(1)), arguments[1])
                )
            return self._root(self.value(arguments[0]), int(degree))
        if name in ("sum", "product") and len(arguments) == 4:
            return self._range(name, arguments)
        if name == "log":
            return self._over(
                self._function("ln", arguments[:1]), self._function("ln", arguments[1:])
            )
        if name in ("integral", "limit", "derivative", "det", "transpose"):
            raise UndecidedError(f"a {name} has no value here")
        return self._function(name, arguments)

    def _function(self, name: str, arguments: tuple[tree.Node, ...]) -> Valued:
        if name not in tree.FUNCTIONS:
            return self._oracle(name, arguments)
        if len(arguments) == 2:
            return self._of_two(name, self.value(arguments[0]), self.value(arguments[1]))
        if len(arguments) != 1:
            raise UndecidedError(f"{name} of {len(arguments)} arguments has no value here")
        argument = arguments[0]
        valued = self.value(argument)
        if isinstance(argument, tree.Quantity) and argument.unit == "degree":
            valued = (valued[0] * self.field.pi / 180, valued[1] / 50 + float(abs(valued[0])))
        one: Valued = (self.field.number(Fraction(1)), 0.0)
        if name in _CIRCULAR:
            return self._over(one, self._smooth(_CIRCULAR[name], valued))
        if name in _INVERSE:
            return self._smooth(_SHORT[_INVERSE[name]], self._over(one, valued))
        short = _SHORT.get(name, name)
        if short == "exp":
            result = self._exp(valued[0])
            return result, 2 * float(abs(result)) * (valued[1] + 2)
        if short in self.field.functions:
            return self._smooth(short, valued)
        return self._stepwise(name, valued)

    def _oracle(self, name: str, arguments: tuple[tree.Node, ...]) -> Valued:
        """Give an undefined function one random value for each argument, always the same one."""
        values = [complex(self.value(argument)[0]) for argument in arguments]
        key = " ".join(f"{value.real + 0:.9g} {value.imag + 0:.9g}" for value in values)
        digest = sha256(f"{name}({key})".encode()).digest()
        number = self.field.number(Fraction(int.from_bytes(digest[:4]), 2**31) + Fraction(1, 3))
        return number, float(abs(number))

    def _smooth(self, name: str, valued: Valued) -> Valued:
        """Apply a differentiable function; the error grows with its slope, taken near the value."""
        value, error = valued
        self.budget.spend(2 * self.field.cost)
        self._check_domain(name, valued)
        apply = self.field.functions[name]
        result = apply(value)
        step = max(float(abs(value)), 1e-3) * 1e-6
        slope = float(abs(apply(value + step) - result)) / step
        size = float(abs(result))
        return result, 2 * (slope + size) * error + 4 * (size + 1e-3)

    def _check_domain(self, name: str, valued: Valued) -> None:
        value, error = valued
        size = float(abs(value))
        if name == "log":
            if size <= 4 * error * self.field.epsilon:
                raise UndefinedError("the logarithm of zero")
            if self.real and self._negative(value):
                raise NotRealError("the logarithm of a negative number")
        if self.real and size > _DOMAINS.get(name, _HUGE):
            raise NotRealError("an inverse function outside its domain")
        if self.real and name == "acosh" and self.field.real_part(value) < 1:
            raise NotRealError("an inverse function outside its domain")
        if name == "tan":
            cosine = float(abs(self.field.functions["cos"](value)))
            if cosine <= 8 * (error + size) * self.field.epsilon:
                raise UndefinedError("the tangent of a right angle")
        if name == "gamma" and size > 100:
            raise LimitReachedError("the argument of gamma is too large")

    def _stepwise(self, name: str, valued: Valued) -> Valued:
        value, error = valued
        slack = error * self.field.epsilon
        real, imaginary = self.field.real_part(value), self.field.imaginary_part(value)
        if name == "abs":
            return abs(value) + 0 * value, error
        if name == "factorial":
            return self._smooth("gamma", (value + 1, error + 1))
        if name == "re":
            return real + 0 * value, error
        if name == "im":
            return imaginary + 0 * value, error
        if name == "conjugate":
            return real - self.field.i * imaginary, error
        if name in ("floor", "ceil", "sign") and abs(imaginary) <= slack:
            return self._step(name, real, slack)
        raise UndecidedError(f"{name} has no value here")

    def _step(self, name: str, real: Any, slack: float) -> Valued:
        nearest = round(float(real)) if name != "sign" else 0
        if abs(float(real)) > 1e12 or abs(float(real - nearest)) <= 8 * slack:
            raise UndecidedError(f"{name} of a value too near to a step")
        if name == "sign":
            return self.field.number(Fraction(1 if real > 0 else -1)), 0.0
        floor = int(float(real) // 1)
        return self.field.number(Fraction(floor + (name == "ceil"))), 0.0

    def _of_two(self, name: str, left: Valued, right: Valued) -> Valued:
        (first, error), (second, more) = left, right
        if name in ("binomial", "permutations"):
            over = self._smooth("gamma", (first - second + 1, error + more + 1))
            if name == "binomial":
                below = self._smooth("gamma", (second + 1, more + 1))
                over = (
                    over[0] * below[0],
                    float(abs(over[0])) * below[1] + float(abs(below[0])) * over[1],
                )
            return self._over(self._smooth("gamma", (first + 1, error + 1)), over)
        if name in ("min", "max"):
            less = self.field.real_part(first) < self.field.real_part(second)
            return left if less == (name == "min") else right
        raise UndecidedError(f"{name} has no value here")

    def _range(self, name: str, arguments: tuple[tree.Node, ...]) -> Valued:
        body, symbol, low, high = arguments
        first, last = self._whole(low), self._whole(high)
        if not isinstance(symbol, tree.Symbol) or last - first > _MAX_TERMS:
            raise UndecidedError("a long sum")
        outer = self.point.get(symbol.name)
        total: Valued = (self.field.number(Fraction(0 if name == "sum" else 1)), 0.0)
        for index in range(first, last + 1):
            self.point[symbol.name] = Fraction(index)
            value, error = self.value(body)
            before, more = total
            if name == "sum":
                total = before + value, error + more + float(abs(before + value))
            else:
                size, other = float(abs(before)), float(abs(value))
                total = before * value, size * error + other * more + 2 * size * other
        self.point.pop(symbol.name, None)
        if outer is not None:
            self.point[symbol.name] = outer
        return total

    def _whole(self, node: tree.Node) -> int:
        value, _ = self.value(node)
        number = float(self.field.real_part(value))
        if abs(number - round(number)) > 1e-9 or abs(number) > 1e6:
            raise UndecidedError("a range that does not end at an integer")
        return round(number)


def rational_of(node: tree.Node) -> Fraction | None:
    """Return the value of a number, a fraction of numbers or one of their opposites."""
    match node:
        case tree.Number(value):
            return value
        case tree.Quotient(tree.Number(top), tree.Number(bottom)) if bottom:
            return top / bottom
        case tree.Product((tree.Number(sign), other)):
            rest = rational_of(other)
            return None if rest is None else sign * rest
        case tree.Quotient(tree.Product() as top_node, tree.Number(bottom)) if bottom:
            rest = rational_of(top_node)
            return None if rest is None else rest / bottom
        case tree.Sum(
            (tree.Number(whole), tree.Quotient(tree.Number(top), tree.Number(bottom)))
        ) if bottom:
            return whole + top / bottom
        case _:
            return None
