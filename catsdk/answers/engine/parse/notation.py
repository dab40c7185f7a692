"""Writings that mean something else than their parts: mixed numbers, choices, names of segments."""

from __future__ import annotations

from fractions import Fraction

from catsdk.answers.engine.tree import (
    Call,
    Constant,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)

__all__ = ["choices", "is_mixed", "is_name", "may_be_vector"]


def choices(base: Node, exponent: Node) -> Node:
    """Read C_5^2 as the number of choices of 2 out of 5; C_1 and C_2 may be constants."""
    if isinstance(base, Symbol) and base.name.startswith("C_") and isinstance(exponent, Number):
        index = base.name[2:]
        if index.isdecimal() and 2 < int(index[:4]) >= exponent.value >= 0:
            return Call("binomial", (Number(Fraction(int(index))), exponent))
    return Power(base, exponent)


def is_mixed(whole: Node, part: Node) -> bool:
    """Tell 1 1/2, which is a sum, from a product of a number and a fraction."""
    return (
        isinstance(whole, Number)
        and whole.places is None
        and whole.value.denominator == 1
        and isinstance(part, Quotient)
        and isinstance(part.top, Number)
        and isinstance(part.bottom, Number)
        and 0 < part.top.value < part.bottom.value
    )


def is_name(word: str) -> bool:
    """Tell the name of a segment or an angle, such as `ABC`."""
    return len(word) <= 4 and word.isascii() and word.isupper()


def may_be_vector(node: Node) -> bool:
    """Tell a name, and multiples and sums of names, which may all be vectors."""
    match node:
        case Symbol() | Constant("i"):
            return True
        case Sum(terms):
            return all(map(may_be_vector, terms))
        case Product(factors):
            others = [factor for factor in factors if not isinstance(factor, Number)]
            return len(others) == 1 and may_be_vector(others[0])
        case Quotient(top, Number()):
            return may_be_vector(top)
        case Call("cross", _):
            return True
        case _:
            return False
