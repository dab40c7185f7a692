"""The bounded recursive-descent parser of expressions, in LaTeX and in plain writing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import MAX_NESTING, LimitReachedError, UnreadableError
from catsdk.answers.engine.parse.lexer import END, Token, read_decimal
from catsdk.answers.engine.parse.notation import choices, is_mixed, is_name, may_be_vector
from catsdk.answers.engine.parse.units import is_unit
from catsdk.answers.engine.traversal import symbols_of

__all__ = ["ExpressionParser", "minus", "product_of"]

_MINUS_ONE = tree.Number(Fraction(-1))
_TWO, _TEN = tree.Number(Fraction(2)), tree.Number(Fraction(10))
_CLOSING = {"(": ")", "{": "}", "|(": ")|", "floor(": ")floor", "ceil(": ")ceil", "|": "|"}
_CALLED = {"|(": "abs", "|": "abs", "floor(": "floor", "ceil(": "ceil"}
_OPENING_SIGNS = frozenset(["(", "{", "\\{", "|(", "floor(", "ceil("])
_STARTING_KINDS = frozenset(["number", "symbol", "constant", "accent", "function", "env"])
_NAMING_KINDS = frozenset(["symbol", "accent"])
# Behind a number or a name these end the expression that it is.
_ENDING_KINDS = frozenset(["end", "relation"])
_ENDING_SIGNS = frozenset([",", ";", ")", "}", "]", "&"])
_RAISED_SIGNS = frozenset(["^", "!", "!!", "%", "degree"])
_BASES = frozenset(str(base) for base in range(2, 37))
_WORDS = "two three four five six seven eight nine ten"
_NAMED: dict[str, tree.Node] = {"e": tree.Constant("e"), "i": tree.Constant("i")}
_BASE_WORDS = {word: str(at) for at, word in enumerate(_WORDS.split(), 2)} | {"sixteen": "16"}
_ORDINALS = frozenset(["st", "nd", "rd", "th"])
_NEVER_VARIABLES = frozenset(["of", "is", "to", "if", "or", "we", "in"])
_SHORT_WORD_LIST = "no on up so to we us he it an as at by do go if in is me my of or be"
_SHORT_WORDS = frozenset(_SHORT_WORD_LIST.split())
_OPERATORS_ON_NAMES = frozenset(["Delta", "partial", "nabla"])
_NABLA = tree.Symbol("nabla")
# What derivatives of an order in brackets are written of.
_DERIVED = frozenset("fghyFGH")
_VOWELS = frozenset("aeiou")
# Names that stand for numbers, unless an answer writes its vectors in bold or with arrows.
_NUMBER_NAMES = frozenset("xyztlwhbr")
# Signs over letters that mean the same.
_ACCENTS = {"overrightarrow": "vec", "bar": "overline", "widehat": "hat"}
_GEOMETRY = frozenset(["overline", "bar", "vec", "hat", "widehat", "overrightarrow", "tilde"])


def minus(node: tree.Node) -> tree.Node:
    """Return `node` with the other sign; a number keeps its decimals."""
    if isinstance(node, tree.Number):
        return tree.Number(-node.value, node.places)
    return tree.Product((_MINUS_ONE, node))


class ExpressionParser(ABC):
    """Reads sums, products and powers; brackets and functions are left to others.

    The tokens are read from left to right once, so the time is linear in their number.
    """

    def __init__(self, tokens: list[Token]) -> None:
        """Read `tokens` from the first."""
        self.tokens = [*tokens, END]
        self.at: int = 0
        self.depth: int = 0
        self.bars: int = 0
        # Letters that a sum runs over, even if they are e or i elsewhere.
        self.bound: frozenset[str] = frozenset()
        self.log_base: tree.Node | None = None
        # What stands on both sides of each cross between names, which may be vectors.
        self.crossed: list[str] = []
        self.vectors = False

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.at]

    def ahead(self, count: int) -> Token:
        """The token `count` behind the next one."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self, value: str, kind: str = "sign") -> bool:
        """Step over the next token if it is this one."""
        token = self.tokens[self.at]
        if token[1] == value and token[0] == kind:
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        """Step over the next token, which must be this sign."""
        if not self.take(value):
            raise UnreadableError(f"{value} expected, not {self.next[1]}")

    @abstractmethod
    def bracket(self) -> tree.Node:
        """Read what stands in a bracket; the next token opens it."""

    @abstractmethod
    def environment(self) -> tree.Node:
        """Read a matrix or a list of cases; the next token begins it."""

    @abstractmethod
    def function(self, name: str) -> tree.Node:
        """Read the arguments of a function; its name has been read."""

    def expression(self) -> tree.Node:
        """Read a sum of terms, or one number or name."""
        alone = self.alone()
        return self.terms() if alone is None else alone

    def terms(self) -> tree.Node:
        """Read a sum of terms."""
        self._deeper(2)
        terms: list[tree.Node] = [self._signed(self.term)]
        while True:
            kind, sign = self.tokens[self.at]
            if kind != "sign":
                break
            if sign in ("+", "-"):
                terms.append(self._signed(self.term))
            elif sign in ("pm", "mp") and len(terms) <= 50:
                self.at += 1
                terms = [tree.PlusMinus(_sum(terms), self.term(), "+" if sign == "pm" else "-")]
            else:
                break
        self.depth -= 2
        return _sum(terms)

    def alone(self) -> tree.Node | None:
        """Read an expression that is one number or name, as most are."""
        kind, value = self.tokens[self.at]
        if kind != "number" and kind != "symbol":
            return None
        after, sign = self.tokens[self.at + 1]
        if after not in _ENDING_KINDS and not (after == "sign" and sign in _ENDING_SIGNS):
            return None
        return self._number(value) if kind == "number" else self._symbol(value)

    def _deeper(self, steps: int = 1) -> None:
        self.depth += steps
        if self.depth > MAX_NESTING:
            raise LimitReachedError("nested too deeply")

    def _signed(self, read: Callable[[], tree.Node]) -> tree.Node:
        """Read with the signs in front; `+-` stands for minus, and `-+` too."""
        kind, sign = self.tokens[self.at]
        if kind != "sign":
            return read()
        negative = False
        while kind == "sign" and sign in ("+", "-"):
            negative ^= sign == "-"
            self.at += 1
            kind, sign = self.tokens[self.at]
        if kind == "sign" and sign in ("pm", "mp"):
            self.at += 1
            return tree.PlusMinus(
                tree.Number(Fraction(0)), self.term(), "+" if sign == "pm" else "-"
            )
        node = read()
        if negative and isinstance(node, tree.Call) and node.name == "mod":
            # The remainder of a negative number, not a negative remainder.
            return tree.Call("mod", (minus(node.arguments[0]), node.arguments[1]))
        return minus(node) if negative else node

    def term(self) -> tree.Node:
        """Read factors that are multiplied or divided; a product may go without a sign."""
        factors: list[tree.Node] = [self.power()]
        while True:
            kind, value = self.tokens[self.at]
            if kind == "end":
                return product_of(factors)
            if kind == "sign" and value in ("*", "/"):
                self.at += 1
                factor = self._signed(self.power)
                factors = [*factors, factor] if value == "*" else [_over(factors, factor)]
            elif kind == "sign" and value == "times":
                self.at += 1
                factor = self._signed(self.power)
                named = may_be_vector(factor) or self.tokens[self.at][0] in _NAMING_KINDS
                if (
                    named
                    and may_be_vector(factors[-1])
                    and not self._are_numbers(factors[-1], factor)
                ):
                    self.crossed.append(f"{factors[-1]} x {factor}")
                factors = _crossed(factors, factor)
            elif kind == "sign" and value == "mod":
                self.at += 1
                factors = [tree.Call("mod", (product_of(factors), self.power()))]
            elif kind == "function" and value == "choose":
                self.at += 1
                factors = [tree.Call("binomial", (product_of(factors), self.expression()))]
            elif self._starts():
                self._beside(factors)
            else:
                return product_of(factors)

    def _are_numbers(self, left: tree.Node, right: tree.Node) -> bool:
        """Tell names that stand for numbers, as x and y or length and width, from vectors."""
        return not self.vectors and _NUMBER_NAMES.issuperset(symbols_of(left) | symbols_of(right))

    def _starts(self) -> bool:
        """Tell whether the next token begins a factor, without a sign of multiplication."""
        kind, value = self.tokens[self.at]
        if kind in _STARTING_KINDS:
            return not (kind == "env" and value.startswith("end"))
        if kind == "sign":
            matrix = value == "[" and self.ahead(1)[0] == "env"
            return value in _OPENING_SIGNS or matrix or (value == "|" and self.bars == 0)
        return kind == "word" and self._isproduct_of(value)

    def _isproduct_of(self, word: str) -> bool:
        """Tell a few variables, as in `2xy`, from a unit or a word."""
        if len(word) > 3 or not word.isascii() or is_unit(word) or word in _ORDINALS:
            return False
        if word.startswith("d") and len(word) == 2:
            return False
        capitals = sum(letter.isupper() for letter in word)
        if word in _NEVER_VARIABLES:
            return False
        if len(word) == 2:
            return word.lower() not in _SHORT_WORDS if word.istitle() else True
        # A vowel inside makes a word: `per` and `not`, unlike `abc` and `xyz`.
        return capitals == 0 and _VOWELS.isdisjoint(word[1:])

    def _beside(self, factors: list[tree.Node]) -> None:
        last, first = factors[-1], len(factors) == 1
        if self.next[0] == "number" and self.tokens[self.at - 1][0] == "symbol":
            # x2 may be an index, a power, or a part of a formula such as H2O; 2x is written first.
            raise UnreadableError("a number after a letter")
        if isinstance(last, tree.Number) and self.next[0] == "number":
            if not (first and self.ahead(1) == ("sign", "/") and self.ahead(2)[0] == "number"):
                raise UnreadableError("two numbers side by side")
            top = self.power()
            self.at += 1
            factors[-1] = tree.Sum((last, tree.Quotient(top, self.power())))
            return
        fraction = self.next == ("function", "frac")
        factor = self.power()
        part = factor.value if isinstance(factor, tree.Quantity) else factor
        if fraction and first and is_mixed(last, part):
            mixed = tree.Sum((last, part))
            factors[-1] = (
                tree.Quantity(mixed, factor.unit) if isinstance(factor, tree.Quantity) else mixed
            )
        else:
            factors.append(factor)

    def power(self) -> tree.Node:
        """Read one factor with what is raised behind it: powers, `!`, `%`, degrees."""
        node = self.primary()
        while True:
            kind, sign = self.tokens[self.at]
            if kind != "sign" or sign not in _RAISED_SIGNS:
                indexed = isinstance(node, tree.Power) and isinstance(node.base, tree.Symbol)
                if kind == "sign" and sign == "_" and indexed:
                    node = self._with_index(node)
                    continue
                return node
            if sign == "^":
                self.at += 1
                node = self._raised(node)
            elif sign == "!" or sign == "!!":
                self.at += 1
                node = tree.Call("factorial" if sign == "!" else "double_factorial", (node,))
            elif sign == "%":
                self.at += 1
                node = tree.Quantity(node, "%")
            elif isinstance(node, tree.Symbol):
                raise UnreadableError("a composition of functions")
            else:
                self.at += 1
                node = tree.Quantity(node, self._scale())

    def _with_index(self, node: tree.Node) -> tree.Node:
        """Read `x^2_1`, whose index stands behind the power."""
        assert isinstance(node, tree.Power)
        assert isinstance(node.base, tree.Symbol)
        return tree.Power(tree.Symbol(node.base.name + self._index()), node.exponent)

    def _scale(self) -> str:
        if self.next[0] == "symbol" and self.next[1] in "CFK":
            self.at += 1
            return f"degree {self.tokens[self.at - 1][1]}"
        return "degree"

    def _raised(self, base: tree.Node) -> tree.Node:
        if self.take("degree"):
            return tree.Quantity(base, self._scale())
        if self.next == ("sign", "{") and self.ahead(1)[1] in ("degree", "'"):
            mark, closes = self.ahead(1)[1], self.ahead(2) == ("sign", "}")
            if closes:
                self.at += 3
                return tree.Quantity(base, self._scale()) if mark == "degree" else _primed(base)
        if self.take("'"):
            return _primed(base)
        if isinstance(base, tree.Number) and self._is_ordinal():
            return base
        if isinstance(base, tree.Symbol) and base.name in _DERIVED and self._is_in_brackets():
            raise UnreadableError("a derivative of some order, or a power")
        return choices(base, self._exponent())

    def _is_in_brackets(self) -> bool:
        """Tell the exponent of `f^{(2)}`."""
        braced = int(self.next == ("sign", "{"))
        ahead = [self.ahead(braced)[1], self.ahead(braced + 2)[1]]
        return ahead == ["(", ")"]

    def _is_ordinal(self) -> bool:
        """Step over the letters of `12^{th}`."""
        braced = self.next == ("sign", "{")
        if self.ahead(int(braced))[1] not in _ORDINALS:
            return False
        if braced and self.ahead(2) != ("sign", "}"):
            return False
        self.at += 3 if braced else 1
        return True

    def _exponent(self) -> tree.Node:
        """Read an exponent: a group, or one signed factor with its own exponent."""
        self._deeper()
        exponent = self._signed(self._script_value)
        if self.take("^"):
            exponent = tree.Power(exponent, self._exponent())
        self.depth -= 1
        return exponent

    def _script_value(self) -> tree.Node:
        """Read what stands above or below; a number is not one in another base there."""
        kind, value = self.next
        if kind == "number" and self.ahead(1) == ("sign", "_"):
            self.at += 1
            return read_decimal(value)
        if kind in ("symbol", "constant") and self.ahead(1) == ("sign", "_"):
            self.at += 1
            return _NAMED.get(value) or tree.Symbol(value)
        return self.primary()

    def primary(self) -> tree.Node:
        """Read one number, name, function or bracket."""
        kind, value = self.tokens[self.at]
        if kind == "number":
            return self._number(value)
        if kind == "symbol":
            return self._symbol(value)
        if kind == "constant":
            self.at += 1
            return tree.Constant("pi" if value == "pi" else "infinity")
        if kind == "function":
            self.at += 1
            self._deeper()
            node = self.function(value)
            self.depth -= 1
            return node
        if kind == "sign":
            return self._enclosed(value)
        if kind == "accent":
            self.at += 1
            return self._accented(value)
        if kind == "env" and value.startswith("begin"):
            return self.environment()
        if kind == "word":
            return self._word(value)
        raise UnreadableError(f"unexpected {value or 'end'}")

    def _number(self, value: str) -> tree.Node:
        self.at += 1
        if self.tokens[self.at] == ("sign", "_"):
            digits = value.replace(",", "").replace(" ", "")
            if "." in digits:
                raise UnreadableError("a point in another base")
            self.at += 1
            return tree.Numeral(digits, self._base())
        return read_decimal(value)

    def _base(self) -> int:
        closing: list[str] = []
        while self.next in (("sign", "{"), ("sign", "(")):
            closing.append("}" if self.next[1] == "{" else ")")
            self.at += 1
        kind, value = self.next
        value = _BASE_WORDS.get(value, value)
        if kind not in ("number", "text", "word") or value not in _BASES:
            raise UnreadableError("no base")
        self.at += 1
        for sign in reversed(closing):
            self.expect(sign)
        return int(value)

    def _symbol(self, value: str) -> tree.Node:
        self.at += 1
        after = self.tokens[self.at]
        if value in _OPERATORS_ON_NAMES and after[0] == "symbol":
            # A difference of x is one name, no product.
            self.at += 1
            return tree.Symbol(f"{value} {after[1]}{self._index()}")
        named = _NAMED.get(value) if value not in self.bound else None
        if after[0] != "sign":
            return named or tree.Symbol(value)
        if named is not None and after[1] != "_":
            return named
        name = value + self._index() if after[1] in ("_", "'") else value
        return self._applied(name) if self.tokens[self.at] == ("sign", "(") else tree.Symbol(name)

    def _index(self) -> str:
        """Read index and primes behind a symbol, as part of its name."""
        name = ""
        while True:
            if self.take("'"):
                name += "'"
            elif self.take("_"):
                name += "_" + self._index_text()
            else:
                return name

    def _index_text(self) -> str:
        if not self.take("{"):
            kind, value = self.next
            if kind not in ("number", "symbol", "word", "text", "constant", "function"):
                raise UnreadableError("no index")
            self.at += 1
            return value
        parts: list[str] = []
        while not self.take("}"):
            if self.next == END:
                raise UnreadableError("an index is not closed")
            if self.next != ("sign", "{"):
                parts.append(self.next[1])
            self.at += 1
        return "".join(parts)

    def _applied(self, name: str) -> tree.Node:
        """Read f(x) as a function's value, and x(x+1) as a product."""
        argument, closing = self.ahead(1)[0], self.ahead(2) == ("sign", ")")
        one_symbol = argument == "symbol" and closing and self.ahead(1)[1] != name
        one_number = argument == "number" and closing and name[0].isupper()
        if not (name[0] in "fgh" or name == "Gamma" or one_symbol or one_number):
            return self._point(name) if len(name) == 1 and name.isupper() else tree.Symbol(name)
        inner = self.bracket()
        nodes = inner.items if isinstance(inner, tree.Items) else (inner,)
        return tree.Call("gamma" if name == "Gamma" else name, nodes)

    def _point(self, name: str) -> tree.Node:
        """Read `A(1, 2)`, a point or a number of choices, but `A(x + 1)` as a product."""
        at = self.at
        inner = self.bracket()
        if isinstance(inner, tree.Items) and len(inner.items) > 1:
            return tree.Call(name, inner.items)
        self.at = at
        return tree.Symbol(name)

    def _word(self, value: str) -> tree.Node:
        if value.startswith("\\"):
            self.at += 1
            return tree.Symbol(value + self._index())
        if not (self._isproduct_of(value) or is_name(value)):
            raise UnreadableError(f"the word {value}")
        self.tokens[self.at : self.at + 1] = [("symbol", letter) for letter in value]
        return self.primary()

    def _enclosed(self, value: str) -> tree.Node:
        if value == "$":
            while self.take("$"):
                pass
            return self._signed(self.primary)
        if value == "...":
            self.at += 1
            return tree.Symbol("...")
        if value in _CALLED:
            self.at += 1
            bars, self.bars = self.bars, 1 if value == "|" else 0
            node = self.expression()
            self.bars = bars
            self.expect(_CLOSING[value])
            return tree.Call(_CALLED[value], (node,))
        if value in ("(", "[", "{", "\\{", "]"):
            bars, self.bars = self.bars, 0
            node = self.bracket()
            self.bars = bars
            return node
        raise UnreadableError(f"unexpected {value}")

    def _accented(self, accent: str) -> tree.Node:
        """Read the name of a segment, vector or angle as one symbol."""
        accent = _ACCENTS.get(accent, accent)
        self.take("operatorname")
        letters: list[str] = []
        if self.take("{"):
            while not self.take("}"):
                if self.next == END:
                    raise UnreadableError("an accent is not closed")
                letters.append(self.next[1])
                self.at += 1
        else:
            while self.next[0] in ("symbol", "word", "number") and (
                not letters or accent not in _GEOMETRY
            ):
                letters.append(self.next[1])
                self.at += 1
        name = "".join(letters)
        if not name:
            raise UnreadableError("an accent over nothing")
        if accent in ("overline", "bar") and 1 < len(name) <= 4 and is_name(name):
            # A segment has its ends in any order.
            return tree.Product(tuple(map(tree.Symbol, sorted(name))))
        return tree.Symbol(name if accent == "angle" else f"{accent} {name}")


def _sum(terms: list[tree.Node]) -> tree.Node:
    return terms[0] if len(terms) == 1 else tree.Sum(tuple(terms))


def _over(factors: list[tree.Node], factor: tree.Node) -> tree.Node:
    """Divide; what stands behind `1/2%` and `1/2°` measures the fraction."""
    top = product_of(factors)
    if isinstance(factor, tree.Quantity) and isinstance(top, tree.Number):
        return tree.Quantity(tree.Quotient(top, factor.value), factor.unit)
    return tree.Quotient(top, factor)


def _crossed(factors: list[tree.Node], factor: tree.Node) -> list[tree.Node]:
    """Multiply; between two vectors the sign of multiplication is that of their cross product."""
    if factors[-1] == _NABLA or _is_vector(factors[-1]) and _is_vector(factor):
        return [*factors[:-1], tree.Call("cross", (factors[-1], factor))]
    return [*factors, factor]


def _is_vector(node: tree.Node) -> bool:
    return isinstance(node, tree.Symbol) and node.name.startswith("vec ")


def product_of(factors: list[tree.Node]) -> tree.Node:
    """Return the product; one factor is itself."""
    return factors[0] if len(factors) == 1 else tree.Product(tuple(factors))


def _primed(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Symbol):
        raise UnreadableError("a prime without a symbol")
    return tree.Symbol(node.name + "'")
