"""From the syntax tree to sympy, node by node; no text is ever read by sympy."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, methodcaller

from catsdk.answers.engine import tree
from catsdk.answers.engine.symbolic.engine import Expression, sympy

__all__ = ["NotConvertibleError", "to_sympy"]


_TWO = sympy.Integer(2)


class NotConvertibleError(Exception):
    """The tree has no meaning as one expression of sympy."""


_CONSTANTS = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}


def to_sympy(node: tree.Node, **assumptions: bool) -> Expression:
    """Return `node` as an expression whose free symbols have the `assumptions`.

    Integrals, sums, products, limits and derivatives are left as they are, for `doit`.

    Raises:
        NotConvertibleError: the node is not an expression, or a function has the wrong arguments.
    """
    return _Converter(assumptions).convert(node)


class _Converter:
    def __init__(self, assumptions: dict[str, bool]) -> None:
        self._assumptions = assumptions

    def convert(self, node: tree.Node) -> Expression:
        match node:
            case tree.Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case tree.Constant(name):
                return _CONSTANTS[name]
            case tree.Symbol(name):
                return sympy.Symbol(name, **self._assumptions)
            case tree.Call(name, arguments):
                return self._call(name, arguments)
            case _:
                return self._operation(node)

    def _operation(self, node: tree.Node) -> Expression:
        match node:
            case tree.Sum(terms):
                return sympy.Add(*map(self.convert, terms))
            case tree.Product(factors):
                return sympy.Mul(*map(self.convert, factors))
            case tree.Quotient(top, bottom):
                return self.convert(top) / self.convert(bottom)
            case tree.Power(base, exponent):
                return _power(self.convert(base), self.convert(exponent))
            case tree.Matrix(rows):
                return sympy.ImmutableMatrix([[self.convert(cell) for cell in row] for row in rows])
            case _:
                raise NotConvertibleError(type(node).__name__)

    def _call(self, name: str, arguments: tuple[tree.Node, ...]) -> Expression:
        if name in _BINDERS:
            return self._bind(name, arguments)
        values = [self.convert(argument) for argument in arguments]
        make = _FUNCTIONS.get(name)
        if make is None:
            # Nobody defined it: a name with arguments, equal to itself alone.
            return sympy.Function(f"undefined {name}")(*values)
        try:
            return make(*values)
        except (TypeError, ValueError, AttributeError) as error:
            raise NotConvertibleError(f"{name} of {len(values)} arguments") from error

    def _bind(self, name: str, arguments: tuple[tree.Node, ...]) -> Expression:
        body, variable, *ends = arguments if len(arguments) > 1 else (None, None)
        if body is None or not isinstance(variable, tree.Symbol):
            raise NotConvertibleError(f"{name} without a variable")
        values = [self.convert(end) for end in ends]
        try:
            return _BINDERS[name](self.convert(body), self.convert(variable), *values)
        except (TypeError, ValueError, AttributeError) as error:
            raise NotConvertibleError(f"{name} with {len(ends)} ends") from error


def _root(value: Expression, degree: Expression = _TWO) -> Expression:
    return _power(value, 1 / degree)


def _power(base: Expression, exponent: Expression) -> Expression:
    """Return the real power where there is one, as for the cube root of -8, else the principal."""
    if base.is_zero and exponent.is_zero:
        raise NotConvertibleError("zero to the power of zero")
    odd_root = exponent.is_Rational and exponent.q > 1 and exponent.q % 2 == 1
    if not odd_root or not base.is_extended_real or base.is_nonnegative:
        return sympy.Pow(base, exponent)
    size = sympy.Pow(sympy.Abs(base), exponent)
    return size if exponent.p % 2 == 0 else sympy.sign(base) * size


def _log(value: Expression, base: Expression = None) -> Expression:
    return sympy.log(value) if base is None else sympy.log(value) / sympy.log(base)


def _of_integers(function: Callable[..., Expression]) -> Callable[..., Expression]:
    def checked(*values: Expression) -> Expression:
        if not all(value.is_Integer for value in values):
            raise NotConvertibleError("a divisor or multiple of a non-integer")
        return function(list(values))

    return checked


_TRIGONOMETRIC = ("sin", "cos", "tan", "cot", "sec", "csc")
_HYPERBOLIC = ("sinh", "cosh", "tanh", "coth", "sech", "csch")
_WITH_INVERSE = _TRIGONOMETRIC + _HYPERBOLIC
_FUNCTIONS: dict[str, Callable[..., Expression]] = {
    **{name: getattr(sympy, name) for name in _WITH_INVERSE},
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in _WITH_INVERSE},
    "exp": sympy.exp,
    "sign": sympy.sign,
    "ln": sympy.log,
    "log": _log,
    "root": _root,
    "abs": sympy.Abs,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "factorial": sympy.factorial,
    "double_factorial": sympy.factorial2,
    "gamma": sympy.gamma,
    "binomial": sympy.binomial,
    "permutations": sympy.ff,
    "mod": sympy.Mod,
    "gcd": _of_integers(sympy.gcd),
    "lcm": _of_integers(sympy.lcm),
    "min": sympy.Min,
    "max": sympy.Max,
    "re": sympy.re,
    "im": sympy.im,
    "arg": sympy.arg,
    "conjugate": sympy.conjugate,
    "det": methodcaller("det"),
    "transpose": attrgetter("T"),
}


def _integral(body: Expression, symbol: Expression, *ends: Expression) -> Expression:
    return sympy.Integral(body, (symbol, *ends) if ends else symbol)


def _over_integers(
    kind: Callable[..., Expression],
) -> Callable[[Expression, Expression, Expression, Expression], Expression]:
    def build(
        body: Expression, symbol: Expression, low: Expression, high: Expression
    ) -> Expression:
        index = sympy.Symbol(symbol.name, integer=True)
        return kind(body.subs(symbol, index), (index, low, high))

    return build


def _limit(body: Expression, symbol: Expression, point: Expression) -> Expression:
    return sympy.Limit(body, symbol, point, "+-" if point.is_finite else "+")


_BINDERS: dict[str, Callable[..., Expression]] = {
    "integral": _integral,
    "sum": _over_integers(sympy.Sum),
    "product": _over_integers(sympy.Product),
    "limit": _limit,
    "derivative": sympy.Derivative,
}
