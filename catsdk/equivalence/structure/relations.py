"""Whether equations and inequalities are the same, as statements or by the value they give."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from catsdk.equivalence.arithmetic.normal_form import Normaliser
from catsdk.equivalence.arithmetic.polynomials import Form, added, negated, scaled
from catsdk.equivalence.limits import Budget, LimitReachedError, UndecidedError
from catsdk.equivalence.options import Options
from catsdk.equivalence.structure.labels import label_of, value_of
from catsdk.equivalence.structure.regions import FLIPPED, region_of, regions_of
from catsdk.equivalence.tree import (
    Call,
    Interval,
    Items,
    Node,
    Quantity,
    Relation,
    Symbol,
    Union,
)
from catsdk.equivalence.walk import with_symbols

__all__ = ["Comparer", "same_relation"]


class Comparer(Protocol):
    """What relations need of the comparison they are part of."""

    options: Options
    budget: Budget

    def same(self, left: Node, right: Node) -> bool | None:
        """Compare two nodes."""
        ...

    def ordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Compare position by position."""
        ...


def _value_in(relation: Relation, comparer: Comparer) -> Node | None:
    """Return what a chain of equations ends in; `None` where it stands for itself."""
    return value_of(relation) if comparer.options.labels else None


def same_relation(left: Relation, right: Node, comparer: Comparer) -> bool | None:
    """Compare a chain of relations with another answer."""
    if isinstance(right, Relation):
        return _two_relations(left, right, comparer)
    value = _value_in(left, comparer)
    if value is not None:
        return comparer.same(value, right)
    region = region_of(left)
    other = right.value if isinstance(right, Quantity) else right
    if isinstance(other, Items) and (listed := regions_of(other)):
        other = listed[1]
    if region is None or not isinstance(other, Interval | Union | Items):
        return False
    return comparer.same(region[1], other)


def _two_relations(left: Relation, right: Relation, comparer: Comparer) -> bool | None:
    first, second = label_of(left), label_of(right)
    if first is not None and second is not None:
        return _named(left, right, first, second, comparer)
    if first is None and second is None or set(left.operators) | set(right.operators) != {"="}:
        regions = region_of(left), region_of(right)
        if regions[0] and regions[1]:
            same_variable = regions[0][0] == regions[1][0]
            return comparer.same(regions[0][1], regions[1][1]) if same_variable else False
    values = value_of(left), value_of(right)
    if values[0] is not None and values[1] is not None:
        return comparer.same(values[0], values[1])
    return _statements(left, right, comparer)


def _named(
    left: Relation, right: Relation, first: Node, second: Node, comparer: Comparer
) -> bool | None:
    """Compare two values with names; other names mean other things, except a function's."""
    one, other = value_of(left), value_of(right)
    if one is None or other is None:
        return _statements(left, right, comparer)
    match first, second:
        case Call(_, (Symbol(name),)), Call(_, (Symbol(again),)) if first != second:
            renamed = with_symbols(one, lambda each: Symbol(again) if each.name == name else each)
            return comparer.same(renamed, other)
        case _ if first == second or isinstance(first, Call) or isinstance(second, Call):
            return comparer.same(one, other)
        case _:
            return _statements(left, right, comparer)


def _statements(left: Relation, right: Relation, comparer: Comparer) -> bool | None:
    """Compare what the two say: by sides, or with everything brought to one side."""
    flipped = tuple(FLIPPED[operator] for operator in reversed(right.operators))
    unknown = False
    for sides, operators in ((right.sides, right.operators), (right.sides[::-1], flipped)):
        found = comparer.ordered(left.sides, sides) if operators == left.operators else False
        if found:
            return True
        unknown |= found is None
    if len(left.sides) != 2 or len(right.sides) != 2:
        return None if unknown else False
    try:
        ratio = _ratio(left, right, comparer.budget)
    except (UndecidedError, LimitReachedError):
        return None
    if ratio is None:
        return False
    operator = right.operators[0] if ratio > 0 else FLIPPED[right.operators[0]]
    return operator == left.operators[0]


def _ratio(left: Relation, right: Relation, budget: Budget) -> Fraction | None:
    """Return c > 0 or c < 0 such that left side minus right side are c times each other's."""
    normaliser = Normaliser(budget)
    first, second = (_difference(relation, normaliser) for relation in (left, right))
    if not first.top or not second.top:
        return Fraction(1) if not first.top and not second.top else None
    equations = left.operators[0] in ("=", "!=") and right.operators[0] in ("=", "!=")
    if equations:
        # Where both have a value, a quotient is zero where its top is.
        first, second = Form(first.top, {(): 1}), Form(second.top, {(): 1})
    common = next((key for key in sorted(first.top) if key in second.top), None)
    if common is None:
        return None
    ratio = Fraction(first.top[common]) / second.top[common]
    difference = added(first, negated(scaled(second, ratio)), budget)
    zero = normaliser.is_zero(difference)
    if zero is None:
        raise UndecidedError("the equations hold functions")
    return ratio if zero else None


def _difference(relation: Relation, normaliser: Normaliser) -> Form:
    left, right = relation.sides
    return added(normaliser.form(left), negated(normaliser.form(right)), normaliser.budget)
