"""Whether a relation claims anything: identities and contradictions say nothing about a problem."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from catsdk.answers.engine import tree
from catsdk.answers.engine.arithmetic.rationals import arithmetic_of
from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.evaluate import Evaluator, rational_of
from catsdk.answers.engine.numeric.fields import doubles
from catsdk.answers.engine.numeric.values import value_of as number_of
from catsdk.answers.engine.structure.expressions import same_expression
from catsdk.answers.engine.structure.labels import label_of
from catsdk.answers.engine.traversal import symbols_of
from catsdk.answers.options import DEFAULT

__all__ = ["claims_nothing"]

_STEPS = 3_000
_EQUATING = frozenset(["=", "~"])
# Values further from each other than this share of them are not about the same.
_ABOUT = 0.1
_EXPRESSIONS = (
    tree.Number
    | tree.Constant
    | tree.Symbol
    | tree.Sum
    | tree.Product
    | tree.Quotient
    | tree.Power
    | tree.Call
)


def claims_nothing(relation: tree.Relation, budget: Budget) -> bool:
    """Tell whether a relation holds always, or never, whatever its variables are.

    So do `2 = 2`, `x + y = y + x`, `1 < 2`, `2 + 2 = 5` and `x = 3 = 4`. A calculation such as
    `7 * 9 = 63` claims its value, also where that is rounded.
    """
    if not _EQUATING.issuperset(relation.operators):
        return not symbols_of(relation)
    if _gives_value(relation):
        return False
    about = [
        pair
        for pair, operator in zip(pairwise(relation.sides), relation.operators, strict=True)
        if operator == "~"
    ]
    pairs = [
        pair
        for pair, operator in zip(pairwise(relation.sides), relation.operators, strict=True)
        if operator == "="
    ]
    # What stands between two values, as in `99 = x = 4`, does not join them.
    values = [side for side in relation.sides if _is_closed(_value(side))] if not about else []
    own = budget.lend(_STEPS)
    try:
        if any(_contradicts(*pair, own) for pair in (*pairs, *pairwise(values))):
            return True
        if not pairs and any(_is_far(*pair, own) for pair in about):
            return True
        return bool(pairs) and len(pairs) == len(relation.operators) and _is_identity(relation, own)
    finally:
        budget.take_back(own)


def _gives_value(relation: tree.Relation) -> bool:
    """Tell `x = 5`, which most equations are, without computing: a name and a value without it."""
    if relation.operators != ("=",):
        return False
    name, value = relation.sides
    if not isinstance(name, tree.Symbol):
        name, value = value, name
    return isinstance(name, tree.Symbol) and name.name not in symbols_of(value)


def _contradicts(left: tree.Node, right: tree.Node, budget: Budget) -> bool:
    """Tell whether two values without variables differ by more than a rounding."""
    left, right = _value(left), _value(right)
    if _is_negative_size(left, right) or _is_negative_size(right, left):
        return True
    for number, other in ((left, right), (right, left)):
        if _is_collection(other) and arithmetic_of(number, budget) is not None:
            return True
        if isinstance(other, tree.Quantity) and other.unit == "%":
            share = tree.Quotient(other.value, tree.Number(Fraction(100)))
            return all(_contradicts(number, each, budget) for each in (other.value, share))
    if not _is_closed(left) or not _is_closed(right):
        return False
    if _equal(left, right, budget) is not False:
        return False
    return not _is_rounded(left, right, budget)


def _is_collection(node: tree.Node) -> bool:
    """Tell what no number can be: a set, an interval, a point, a matrix; a ratio can be one."""
    if isinstance(node, tree.Items):
        return node.kind not in ("ratio", "clock")
    return isinstance(node, tree.Interval | tree.Union | tree.Matrix)


def _is_negative_size(size: tree.Node, value: tree.Node) -> bool:
    """Tell `|x| = -7`, which no x fulfils."""
    number = rational_of(value) if isinstance(size, tree.Call) and size.name == "abs" else None
    return number is not None and number < 0


def _is_far(left: tree.Node, right: tree.Node, budget: Budget) -> bool:
    """Tell whether two values without variables are not even about the same."""
    left, right = _value(left), _value(right)
    if not _is_closed(left) or not _is_closed(right):
        return False
    try:
        (one, _), (other, _) = number_of(left, budget), number_of(right, budget)
    except (LimitReachedError, UndecidedError, UndefinedError):
        return False
    return abs(one - other) > _ABOUT * max(abs(one), abs(other))


def _is_identity(relation: tree.Relation, budget: Budget) -> bool:
    label = label_of(relation)
    if isinstance(label, tree.Symbol) and relation.sides.count(label) == 1 == len(
        relation.operators
    ):
        value = relation.sides[1] if relation.sides[0] is label else relation.sides[0]
        if label.name not in symbols_of(value):
            return False
    if not symbols_of(relation):
        # A calculation gives a value; the same number twice does not.
        same = all(side == relation.sides[0] for side in relation.sides)
        return same or all(_is_plain(side) for side in relation.sides)
    if _differ_somewhere(relation.sides, budget):
        return False
    return all(_equal(one, other, budget) is True for one, other in pairwise(relation.sides))


def _differ_somewhere(sides: tuple[tree.Node, ...], budget: Budget) -> bool:
    """Tell whether sides differ at one point: so most equations are told from identities."""
    names = sorted(frozenset[str]().union(*map(symbols_of, sides)))
    if not all(isinstance(side, _EXPRESSIONS) for side in sides):
        return False
    point = {name: Fraction(17 + 9 * at, 11) for at, name in enumerate(names)}
    evaluator = Evaluator(doubles(), point, budget, real=False)
    try:
        values = [evaluator.value(side) for side in sides]
    except (LimitReachedError, UndecidedError, UndefinedError):
        return False
    return any(
        abs(one - other) > 8 * (error + more) * doubles().epsilon
        for (one, error), (other, more) in pairwise(values)
    )


def _equal(left: tree.Node, right: tree.Node, budget: Budget) -> bool | None:
    if left == right:
        return True
    if not isinstance(left, _EXPRESSIONS) or not isinstance(right, _EXPRESSIONS):
        return None
    try:
        return same_expression(left, right, DEFAULT, budget).equal
    except (LimitReachedError, UndecidedError, UndefinedError):
        return None


def _value(node: tree.Node) -> tree.Node:
    return node.value if isinstance(node, tree.Quantity) and node.unit != "%" else node


def _is_closed(node: tree.Node) -> bool:
    return (
        isinstance(node, _EXPRESSIONS)
        and not isinstance(node, tree.Symbol)
        and not symbols_of(node)
    )


def _is_plain(node: tree.Node) -> bool:
    node = _value(node)
    if isinstance(node, tree.Product) and node.factors[0] == tree.Number(Fraction(-1)):
        return len(node.factors) == 2 and _is_plain(node.factors[1])
    return isinstance(node, tree.Number | tree.Constant)


def _is_rounded(left: tree.Node, right: tree.Node, budget: Budget) -> bool:
    for decimal, exact in ((left, right), (right, left)):
        if not isinstance(decimal, tree.Number) or not decimal.places:
            continue
        try:
            value = rational_of(exact)
            found = value if value is not None else Fraction(number_of(exact, budget)[0].real)
        except (LimitReachedError, UndecidedError, UndefinedError):
            continue
        off = (abs(found) - abs(decimal.value)) * 10**decimal.places
        if Fraction(-1, 2) <= off < 1:
            return True
    return False
