"""The syntax tree of an answer: nodes that do not change, and their form as plain JSON.

Expressions are `Number`, `Constant`, `Symbol`, `Sum`, `Product`, `Quotient`, `Power`, `Call` and
`PlusMinus`; around them stand `Quantity`, `Interval`, `Items`, `Union`, `Matrix`, `Relation`,
`Numeral` and `Text`. A minus is a product with -1. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias, TypeVar, cast, dataclass_transform

__all__ = [
    "FUNCTIONS",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "Call",
    "Constant",
    "Interval",
    "Items",
    "JsonTree",
    "Matrix",
    "Node",
    "Number",
    "Numeral",
    "PlusMinus",
    "Power",
    "Product",
    "Quantity",
    "Quotient",
    "Relation",
    "Sum",
    "Symbol",
    "Text",
    "Union",
    "from_json",
    "to_json",
]

T = TypeVar("T")

MAX_DEPTH = 100
MAX_DIGITS = 2_000

JsonTree: TypeAlias = "str | int | bool | None | list[JsonTree]"
Kind = Literal["tuple", "set", "list", "ratio", "clock"]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~"]

# What `Call.name` may be with a meaning; any other name is a function that nobody defined.
# Arguments: root (x, n); log (x, base); binomial (n, k); mod (a, m); gcd, lcm, min, max (x, ...);
# permutations (n, k); integral (body, symbol) or (body, symbol, low, high); sum and product
# (body, symbol, low, high); limit (body, symbol, point); derivative (body, symbol); det (matrix).
_NAMES = """
sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc
sinh cosh tanh coth sech csch arcsinh arccosh arctanh
ln log exp root abs floor ceil sign factorial double_factorial gamma binomial permutations
mod gcd lcm min max re im arg conjugate
integral sum product limit derivative det transpose
"""
FUNCTIONS = frozenset(_NAMES.split())


@dataclass_transform(frozen_default=True)
def _node(cls: type[T]) -> type[T]:
    """Make a class a node: frozen, without a dictionary, equal to what has equal parts.

    Type checkers hold it to be frozen; when it runs nothing does, since a frozen class takes three
    times as long to make, and reading makes dozens of nodes.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@_node
class Number:
    """An exact rational; `places` counts the decimals written, `None` if it is not a decimal."""

    value: Fraction
    places: int | None = None


@_node
class Constant:
    """A number with a name."""

    name: Literal["pi", "e", "i", "infinity"]


@_node
class Symbol:
    """A free variable, with its index and primes: `x`, `x_1`, `alpha`, `y'`."""

    name: str


@_node
class Sum:
    """Terms that are added."""

    terms: tuple[Node, ...]


@_node
class Product:
    """Factors that are multiplied, in their order."""

    factors: tuple[Node, ...]


@_node
class Quotient:
    """One expression over another."""

    top: Node
    bottom: Node


@_node
class Power:
    """`base` to the power `exponent`."""

    base: Node
    exponent: Node


@_node
class Call:
    """A function of `FUNCTIONS`, or an undefined one such as f, of its arguments."""

    name: str
    arguments: tuple[Node, ...]


@_node
class PlusMinus:
    """`left` plus or minus `right`; `upper` is the sign that is read first."""

    left: Node
    right: Node
    upper: Literal["+", "-"] = "+"


@_node
class Quantity:
    """A value with its unit: `%`, `$`, `degree`, `m`, or the word that was written."""

    value: Node
    unit: str


@_node
class Interval:
    """The numbers between two ends; `closed` tells of each end whether it belongs."""

    low: Node
    high: Node
    closed: tuple[bool, bool]


@_node
class Items:
    """Several answers: a tuple has an order, a set and a list (commas alone) have none.

    A clock is a ratio that may be a time of day: `2:30`.
    """

    kind: Kind
    items: tuple[Node, ...]


@_node
class Union:
    """A union of intervals and sets."""

    parts: tuple[Node, ...]


@_node
class Matrix:
    """Rows of equal length; a vector in angle or round brackets is `Items` instead."""

    rows: tuple[tuple[Node, ...], ...]


@_node
class Relation:
    """A chain of sides with one operator fewer; `~` stands for "about"."""

    sides: tuple[Node, ...]
    operators: tuple[Operator, ...]


@_node
class Numeral:
    """Digits in a stated base."""

    digits: str
    base: int


@_node
class Text:
    """Words, in lower case."""

    words: str


Node: TypeAlias = (
    Number
    | Constant
    | Symbol
    | Sum
    | Product
    | Quotient
    | Power
    | Call
    | PlusMinus
    | Quantity
    | Interval
    | Items
    | Union
    | Matrix
    | Relation
    | Numeral
    | Text
)


def to_json(node: Node) -> JsonTree:
    """Return `node` as nested lists, each beginning with the name of its kind.

    Examples: `["Number", "1", "2", null]`, `["Symbol", "x"]`, `["Sum", [...], [...]]`,
    `["Call", "sin", [...]]`, `["Interval", [...], [...], true, false]`,
    `["Matrix", [[...], [...]], [[...], [...]]]`, `["Relation", ["="], [...], [...]]`.
    """
    kind = type(node).__name__
    match node:
        case Number(value, places):
            return [kind, str(value.numerator), str(value.denominator), places]
        case Constant(name) | Symbol(name) | Text(name):
            return [kind, name]
        case Numeral(digits, base):
            return [kind, digits, base]
        case Sum(nodes) | Product(nodes) | Union(nodes):
            return [kind, *map(to_json, nodes)]
        case Call(name, nodes) | Items(name, nodes):
            return [kind, name, *map(to_json, nodes)]
        case Quotient(first, second) | Power(first, second):
            return [kind, to_json(first), to_json(second)]
        case _:
            return [kind, *_outer(node)]


def _outer(node: PlusMinus | Quantity | Interval | Matrix | Relation) -> list[JsonTree]:
    match node:
        case PlusMinus(left, right, upper):
            return [upper, to_json(left), to_json(right)]
        case Quantity(value, unit):
            return [unit, to_json(value)]
        case Interval(low, high, (first, last)):
            return [to_json(low), to_json(high), first, last]
        case Matrix(rows):
            return [[to_json(cell) for cell in row] for row in rows]
        case Relation(sides, operators):
            return [list(operators), *map(to_json, sides)]


def from_json(value: object, depth: int = MAX_DEPTH) -> Node:
    """Return the node that `to_json` wrote as `value`.

    Raises:
        ValueError: `value` is not a tree, or deeper than `depth`.
    """
    try:
        kind, *parts = cast("list[object]", value)
        return _READERS[cast("str", kind)](parts, depth - 1)
    except (TypeError, LookupError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(f"not a tree: {type(error).__name__}") from error


def _nodes(values: object, depth: int) -> tuple[Node, ...]:
    if depth < 0:
        raise ValueError("not a tree: too deep")
    return tuple(from_json(value, depth) for value in cast("list[object]", values))


def _integer(value: object) -> int:
    if not isinstance(value, str) or len(value) > 2 * MAX_DIGITS:
        raise ValueError("not a tree: not an integer, or too long")
    return int(value)


def _word(value: object, allowed: tuple[str, ...] = ()) -> str:
    if not isinstance(value, str) or (allowed and value not in allowed):
        raise ValueError("not a tree: not a word of those allowed")
    return value


def _number(parts: list[object], _: int) -> Number:
    top, bottom, places = parts
    return Number(Fraction(_integer(top), _integer(bottom)), cast("int | None", places))


def _interval(parts: list[object], depth: int) -> Interval:
    low, high, first, last = parts
    start, end = _nodes([low, high], depth)
    return Interval(start, end, (bool(first), bool(last)))


def _matrix(parts: list[object], depth: int) -> Matrix:
    return Matrix(tuple(_nodes(row, depth) for row in parts))


def _plus_minus(parts: list[object], depth: int) -> PlusMinus:
    upper, left, right = parts
    first, second = _nodes([left, right], depth)
    return PlusMinus(first, second, cast('Literal["+", "-"]', _word(upper, ("+", "-"))))


def _relation(parts: list[object], depth: int) -> Relation:
    operators, *sides = parts
    known = ("=", "!=", "<", "<=", ">", ">=", "~")
    words = [_word(each, known) for each in cast("list[object]", operators)]
    return Relation(_nodes(sides, depth), cast("tuple[Operator, ...]", tuple(words)))


_CONSTANTS = ("pi", "e", "i", "infinity")
_KINDS = ("tuple", "set", "list", "ratio", "clock")
_READERS: dict[str, Callable[[list[object], int], Node]] = {
    "Number": _number,
    "Constant": lambda parts, _: Constant(cast("Literal['pi']", _word(parts[0], _CONSTANTS))),
    "Symbol": lambda parts, _: Symbol(_word(parts[0])),
    "Text": lambda parts, _: Text(_word(parts[0])),
    "Numeral": lambda parts, _: Numeral(_word(parts[0]), cast("int", parts[1])),
    "Sum": lambda parts, depth: Sum(_nodes(parts, depth)),
    "Product": lambda parts, depth: Product(_nodes(parts, depth)),
    "Union": lambda parts, depth: Union(_nodes(parts, depth)),
    "Call": lambda parts, depth: Call(_word(parts[0]), _nodes(parts[1:], depth)),
    "Items": lambda parts, depth: Items(
        cast("Kind", _word(parts[0], _KINDS)), _nodes(parts[1:], depth)
    ),
    "Quotient": lambda parts, depth: Quotient(*_nodes(parts, depth)),
    "Power": lambda parts, depth: Power(*_nodes(parts, depth)),
    "Quantity": lambda parts, depth: Quantity(from_json(parts[1], depth), _word(parts[0])),
    "PlusMinus": _plus_minus,
    "Interval": _interval,
    "Matrix": _matrix,
    "Relation": _relation,
}
