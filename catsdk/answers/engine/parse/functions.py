"""Functions of an expression: fractions, roots, logarithms, sums, integrals, derivatives."""

from __future__ import annotations

import re
from fractions import Fraction

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import UnreadableError
from catsdk.answers.engine.parse.grammar import ExpressionParser, minus, product_of
from catsdk.answers.engine.parse.lexer import read_decimal, tokens_of
from catsdk.answers.engine.traversal import symbols_of, with_operands, with_symbols

__all__ = ["FunctionParser"]

_MINUS_ONE = tree.Number(Fraction(-1))
_TWO, _TEN = tree.Number(Fraction(2)), tree.Number(Fraction(10))
_SEVERAL = frozenset(["gcd", "lcm", "min", "max"])
_INVERSES = {
    f"{name}{tail}": f"arc{name}{tail}"
    for name in ("sin", "cos", "tan", "cot", "sec", "csc")
    for tail in ("", "h")
}
_DERIVATIVE = re.compile(
    r"\{(d|partial)(?:\^\{?(\d)\}?)?([a-zA-Z])\}\{\1([a-zA-Z])(?:\^\{?\2\}?)?\}"
)
_DIFFERENTIALS = frozenset("dp")
_TRIGONOMETRIC = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])


class FunctionParser(ExpressionParser):
    """Reads functions of every kind."""

    def function(self, name: str) -> tree.Node:
        """Read the arguments of a function; its name has been read."""
        if name == "frac":
            if derivative := self._derivative():
                return derivative
            top = self._group()
            return tree.Quotient(top, self._group())
        if name == "binom":
            top = self._group()
            return tree.Call("binomial", (top, self._group()))
        if name in ("sqrt", "cbrt"):
            return self._root(name)
        if name in ("int", "sum", "prod", "lim"):
            return self._large(name)
        if name == "not":
            return tree.Call("not", (self.primary(),))
        base, exponent = self._script("_"), self._script("^")
        base = base or self._script("_")
        node = self._value_of(name, base)
        if exponent is None:
            return node
        if exponent == _MINUS_ONE and name in _INVERSES and isinstance(node, tree.Call):
            return tree.Call(_INVERSES[name], node.arguments)
        return tree.Power(node, exponent)

    def _derivative(self) -> tree.Node | None:
        r"""Read `\frac{dy}{dx}` and `\frac{d^2y}{dx^2}` as one name."""
        if self.ahead(1)[1][:1] not in _DIFFERENTIALS:
            return None
        written = ""
        for at in range(self.at, min(self.at + 16, len(self.tokens))):
            written += self.tokens[at][1]
            if found := _DERIVATIVE.fullmatch(written):
                self.at = at + 1
                sign, number, top, bottom = found.groups()
                power = f"^{number}" if number else ""
                return tree.Symbol(f"{sign}{power} {top}/{sign} {bottom}{power}")
        return None

    def _value_of(self, name: str, base: tree.Node | None) -> tree.Node:
        arguments = self._arguments()
        if not arguments:
            raise UnreadableError(f"{name} of nothing")
        if name == "lg":
            name, base = "log", _TEN
        if name == "log":
            base = base or self.log_base
            return tree.Call("log", (*arguments, base)) if base else tree.Call("ln", arguments)
        if name in _TRIGONOMETRIC and not isinstance(arguments[0], tree.Quantity):
            arguments = tuple(map(_in_radians, arguments))
        if len(arguments) > 1 and name not in _SEVERAL:
            raise UnreadableError(f"{name} of several arguments")
        if name in _SEVERAL and len(arguments) == 1 and isinstance(arguments[0], tree.Number):
            # `min 5, max 6` are labels, or minutes.
            raise UnreadableError(f"{name} of one number")
        return tree.Call(name, arguments)

    def _script(self, mark: str) -> tree.Node | None:
        """Read what stands below or above a function's name, if anything does."""
        if not self.take(mark):
            return None
        return self._signed(self._group) if mark == "^" else self._group()

    def _arguments(self) -> tuple[tree.Node, ...]:
        if self.next in (("sign", "("), ("sign", "\\{")):
            inner = self.bracket()
            return inner.items if isinstance(inner, tree.Items) else (inner,)
        negative = self.take("-")
        factors: list[tree.Node] = [self.power()]
        while self.next[0] in ("number", "symbol", "constant") or self.next in (
            ("function", "frac"),
            ("function", "sqrt"),
        ):
            factors.append(self.power())
        if len(factors) == 1 and self.next == ("sign", "/") and self.ahead(1)[0] == "number":
            self.at += 1
            factors = [tree.Quotient(factors[0], self.power())]
        node = product_of(factors)
        return (minus(node) if negative else node,)

    def _group(self) -> tree.Node:
        """Read an argument of a command: a brace, or one token, of a number one digit."""
        kind, value = self.next
        if kind == "number" and len(value) > 1 and value.isdigit():
            self.tokens[self.at : self.at + 1] = [("number", value[0]), ("number", value[1:])]
        elif value == "{" and kind == "sign" and self.ahead(2) == ("sign", "}"):
            kind, inner = self.tokens[self.at + 1]
            if kind == "number":
                self.at += 3
                return read_decimal(inner)
        return self.primary()

    def _root(self, name: str) -> tree.Node:
        degree: tree.Node = tree.Number(Fraction(3)) if name == "cbrt" else _TWO
        if name == "sqrt" and self.take("["):
            degree = self.expression()
            self.expect("]")
        node = self.primary()
        if isinstance(node, tree.Items | tree.Text):
            raise UnreadableError("the root of no number")
        return tree.Call("root", (node, degree))

    def _large(self, name: str) -> tree.Node:
        low = high = None
        for _ in range(2):
            if self.take("_"):
                low = self._lower()
            elif self.take("^"):
                high = self._signed(self._script_value)
        if name == "int":
            return self._integral(low, high)
        symbol, start = _pair(low)
        outer, self.bound = self.bound, self.bound | symbols_of(symbol)
        body = self.term()
        self.bound = outer
        if name == "lim":
            return tree.Call("limit", (body, symbol, start))
        if isinstance(symbol, tree.Symbol):
            body = self._indexed(body, symbol.name)
        if high is None:
            raise UnreadableError("a sum without an end")
        return tree.Call("sum" if name == "sum" else "product", (body, symbol, start, high))

    def _indexed(self, node: tree.Node, name: str) -> tree.Node:
        """Make functions of the symbols whose index holds `name`: the a_k of a sum over k."""

        def replace(symbol: tree.Symbol) -> tree.Node:
            base, _, index = symbol.name.partition("_")
            if name not in index:
                return symbol
            return tree.Call(f"{base}_", (type(self)(tokens_of(index)).expression(),))

        return with_symbols(node, replace)

    def _lower(self) -> tree.Node:
        """Read the lower end: one value, or a symbol with where it starts, as a pair."""
        if self.next == ("sign", "{") and self.ahead(1)[0] == "symbol":
            kind, value = self.ahead(2)
            if kind == "relation" and value in ("=", "->"):
                symbol = tree.Symbol(self.ahead(1)[1])
                self.at += 3
                start = self.expression()
                self.expect("}")
                return tree.Items("tuple", (symbol, start))
        return self._signed(self.primary)

    def _integral(self, low: tree.Node | None, high: tree.Node | None) -> tree.Node:
        close = next(
            (at for at in range(self.at, len(self.tokens) - 1) if self._is_differential(at)), None
        )
        if close is not None:
            close = self._out_of_fraction(close)
        if close is None:
            raise UnreadableError("an integral over nothing")
        value = self.tokens[close][1]
        name = value[1:] if len(value) == 2 else self.tokens[close + 1][1]
        after = close + (1 if len(value) == 2 else 2)
        inner = self.tokens[self.at : close]
        self.tokens[self.at : after] = [("sign", "("), *(inner or [("number", "1")]), ("sign", ")")]
        body = self.primary()
        ends = (low, high) if low is not None and high is not None else ()
        return tree.Call("integral", (body, tree.Symbol(name), *ends))

    def _out_of_fraction(self, at: int) -> int:
        r"""Move the differential of `\int \frac{dz}{z}` behind its fraction; return where it is."""
        length = 1 if len(self.tokens[at][1]) == 2 else 2
        after = at + length
        if self.tokens[after] != ("sign", "}") or self.tokens[after + 1] != ("sign", "{"):
            return at
        depth, end = 1, after + 2
        while depth and end < len(self.tokens) - 1:
            depth += {("sign", "{"): 1, ("sign", "}"): -1}.get(self.tokens[end], 0)
            end += 1
        moved = self.tokens[at:after]
        top = [] if self.tokens[at - 1] != ("sign", "{") else [("number", "1")]
        self.tokens[at:end] = [*top, *self.tokens[after:end], *moved]
        return end - length + len(top)

    def _is_differential(self, at: int) -> bool:
        kind, value = self.tokens[at]
        if kind == "word":
            return len(value) == 2 and value[0] == "d"
        return (kind, value) == ("symbol", "d") and self.tokens[at + 1][0] == "symbol"


def _in_radians(node: tree.Node) -> tree.Node:
    """Turn the degrees inside a sum or a product, as in 90 degrees minus x, into radians."""
    if isinstance(node, tree.Quantity) and node.unit == "degree":
        return tree.Product(
            (node.value, tree.Quotient(tree.Constant("pi"), tree.Number(Fraction(180))))
        )
    return with_operands(node, _in_radians)


def _pair(node: tree.Node | None) -> tuple[tree.Node, tree.Node]:
    if not isinstance(node, tree.Items) or len(node.items) != 2:
        raise UnreadableError("no symbol to run over")
    return node.items[0], node.items[1]
