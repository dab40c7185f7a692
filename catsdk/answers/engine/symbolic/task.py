"""What a worker does: compare two trees by sympy."""

from __future__ import annotations

import sys

from catsdk.answers.engine.symbolic.convert import to_sympy
from catsdk.answers.engine.symbolic.engine import Expression, sympy
from catsdk.answers.engine.symbolic.expressions import Answer, same_expression
from catsdk.answers.engine.symbolic.frames import Json
from catsdk.answers.engine.symbolic.sets import is_set, same_set
from catsdk.answers.engine.symbolic.statements import is_statement, same_statement
from catsdk.answers.engine.tree import Node, from_json

__all__ = ["compare", "warm_up"]

# sympy calls itself several times for one level of an expression.
_RECURSION = 6_000
_REASON = 300


def compare(payload: Json) -> Json:
    """Return the answer and a reason for `[left, right]`, two trees in their JSON form."""
    if not isinstance(payload, list) or len(payload) != 2:
        raise ValueError("not two trees")
    left, right = map(from_json, payload)
    sympy.core.random.seed(0)
    try:
        return [_compare(left, right), ""]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001, whatever sympy raises, it has not decided
        return ["unknown", f"{type(error).__name__}: {error}"[:_REASON]]


def warm_up() -> None:
    """Do a little of everything once, so that what sympy loads late is loaded before forking."""
    sys.setrecursionlimit(_RECURSION)
    x = sympy.Symbol("x", real=True)
    k = sympy.Symbol("k", integer=True)
    same_expression(sympy.sqrt(5 + 2 * sympy.sqrt(6)), sympy.sqrt(2) + sympy.sqrt(3))
    same_expression(sympy.Integral(sympy.sin(x), (x, 0, 1)), 1 - sympy.cos(1))
    same_expression(sympy.Sum(1 / k**2, (k, 1, sympy.oo)), sympy.pi**2 / 6)
    same_expression(sympy.Limit(sympy.sin(x) / x, x, 0), sympy.Integer(1))
    sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2 - sympy.exp(x) * x)
    sympy.solveset(x**2 > 4, x, sympy.S.Reals)


def _compare(left: Node, right: Node) -> Answer:
    if is_statement(left) or is_statement(right):
        return same_statement(left, right)
    if is_set(left) and is_set(right):
        return same_set(left, right)
    one, other = to_sympy(left, real=True), to_sympy(right, real=True)
    if one.is_Matrix or other.is_Matrix:
        return _same_matrix(one, other)
    return same_expression(one, other)


def _same_matrix(one: Expression, other: Expression) -> Answer:
    if not (one.is_Matrix and other.is_Matrix) or one.shape != other.shape:
        return "different"
    answers = {same_expression(*cells) for cells in zip(one, other, strict=True)}
    for answer in ("different", "unknown"):
        if answer in answers:
            return answer
    return "equal"
