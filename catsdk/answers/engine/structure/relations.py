"""Whether equations and inequalities are the same, as statements or by the value they give."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from catsdk.answers.engine.arithmetic.normal_form import Normaliser
from catsdk.answers.engine.arithmetic.polynomials import (
    Form,
    Rational,
    added,
    negated,
    scaled,
    single,
)
from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError
from catsdk.answers.engine.parse.wording import text_as_node
from catsdk.answers.engine.structure.claims import claims_nothing
from catsdk.answers.engine.structure.labels import label_of, value_of
from catsdk.answers.engine.structure.pieces import is_set_operation
from catsdk.answers.engine.structure.regions import FLIPPED, region_of
from catsdk.answers.engine.structure.witnesses import tell_apart
from catsdk.answers.engine.traversal import symbols_of, undefined_in, with_symbols
from catsdk.answers.engine.tree import (
    Call,
    Interval,
    Items,
    Node,
    Quantity,
    Relation,
    Symbol,
    Text,
    Union,
)
from catsdk.answers.options import Options

__all__ = ["Comparer", "needs_solving", "same_relation"]


class Comparer(Protocol):
    """What relations need of the comparison they are part of."""

    options: Options
    budget: Budget

    def same(self, left: Node, right: Node) -> bool | None:
        """Compare two nodes."""
        ...

    def ask(self, left: Node, right: Node) -> bool | None:
        """Leave a pair to the symbolic tier."""
        ...

    def open(self, detail: str) -> bool | None:
        """Return unknown, and remember why."""
        ...

    def ordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Compare position by position."""
        ...


def _value_in(relation: Relation, comparer: Comparer) -> Node | None:
    """Return what a chain of equations ends in; `None` if it stands for itself."""
    return value_of(relation) if comparer.options.labels else None


def same_relation(left: Relation, right: Node, comparer: Comparer) -> bool | None:
    """Compare a chain of relations with another answer.

    What has to be solved first is left open, unless a point tells the two apart.
    """
    if left == right:
        return True
    for each in (left, right):
        if isinstance(each, Relation) and claims_nothing(each, comparer.budget):
            return comparer.open("an identity or a contradiction, which claims nothing")
    if isinstance(right, Relation):
        return _two_relations(left, right, comparer)
    value = _value_in(left, comparer)
    if value is not None:
        found = comparer.same(value, right)
        solvable = found is False and _is_set(right) and isinstance(label_of(left), Call)
        return _ask_unless_apart(left, right, comparer) if solvable else found
    other = right.value if isinstance(right, Quantity) else right
    if isinstance(other, Text):
        meaning = text_as_node(other)
        if meaning is None:
            return comparer.open("a relation and words")
        return comparer.same(left, meaning)
    region = region_of(left)
    if not _is_set(other):
        return False if region else _with_expression(left, other, comparer)
    if region and not needs_solving(other):
        return comparer.same(region[1], other)
    return _ask_unless_apart(left, other, comparer)


def _ask_unless_apart(left: Node, right: Node, comparer: Comparer) -> bool | None:
    """Leave two statements to be solved, unless a point tells them apart."""
    several = any(map(needs_solving, (left, right)))
    if not several and tell_apart(left, right, comparer.budget):
        return False
    return comparer.ask(left, right)


def needs_solving(node: Node) -> bool:
    """Tell whether several statements stand together that do not each give a name a value."""
    if not isinstance(node, Items):
        return False
    relations = [item for item in node.items if isinstance(item, Relation)]
    values = [value_of(relation) for relation in relations]
    if None in values:
        return True
    # Values that hold variables, as in `x = 2y, y = 1` and `y = x^2, y = 4`, make a system.
    return len(relations) > 1 and any(value is not None and symbols_of(value) for value in values)


def _is_set(node: Node) -> bool:
    return isinstance(node, Interval | Items | Union) or is_set_operation(node)


def _with_expression(left: Relation, right: Node, comparer: Comparer) -> bool | None:
    """Compare an equation with what it may give: a number, or one of its variables."""
    if set(left.operators) != {"="} or value_of(left) is not None:
        return False
    names, others = symbols_of(left), symbols_of(right)
    if len(names - others) != 1 or others - names:
        return False
    return comparer.ask(left, right) if others else _ask_unless_apart(left, right, comparer)


def _two_relations(left: Relation, right: Relation, comparer: Comparer) -> bool | None:
    first, second = label_of(left), label_of(right)
    if first is not None and second is not None:
        return _named(left, right, first, second, comparer)
    if first is None and second is None or set(left.operators) | set(right.operators) != {"="}:
        regions = region_of(left), region_of(right)
        if regions[0] and regions[1]:
            if regions[0][0] == regions[1][0]:
                return comparer.same(regions[0][1], regions[1][1])
            # `x < y` is also `y > x`.
            return _statements(left, right, comparer)
    values = value_of(left), value_of(right)
    if values[0] is not None and values[1] is not None:
        found = comparer.same(values[0], values[1])
        unlike = undefined_in(left) and undefined_in(right) and left.sides[0] != right.sides[0]
        return comparer.open("values of two expressions") if found and unlike else found
    return _statements(left, right, comparer)


def _named(
    left: Relation, right: Relation, first: Node, second: Node, comparer: Comparer
) -> bool | None:
    """Compare two values with names: other names, other things, functions and values aside."""
    one, other = value_of(left), value_of(right)
    if one is None or other is None:
        return _statements(left, right, comparer)
    if _are_values_elsewhere(first, second, comparer):
        return comparer.same(one, other) and comparer.open("values of a function at two places")
    match first, second:
        case Call(_, (Symbol(name),)), Call(_, (Symbol(again),)) if first != second:
            renamed = with_symbols(one, lambda each: Symbol(again) if each.name == name else each)
            return comparer.same(renamed, other)
        case _ if first == second or _is_function(first) or _is_function(second):
            return comparer.same(one, other)
        case _:
            return _statements(left, right, comparer)


def _are_values_elsewhere(first: Node, second: Node, comparer: Comparer) -> bool:
    """Tell E(X) from V(X), `f(0)` from `f(1)`, P(A) from P(B); `f(x)` and `f(t)` are the same."""
    if not (isinstance(first, Call) and isinstance(second, Call)) or first == second:
        return False
    if first.name != second.name or first.name == "abs":
        return True
    match first.arguments, second.arguments:
        case (Symbol(name),), (Symbol(again),):
            return name != again and (name[0].isupper() or again[0].isupper())
        case places, others:
            return comparer.ordered(places, others) is not True


def _is_function(label: Node) -> bool:
    """Tell the value of a function, and the length of a segment, from `|x|`, whose x has a sign."""
    return isinstance(label, Call) and not (
        label.name == "abs" and isinstance(label.arguments[0], Symbol)
    )


def _statements(left: Relation, right: Relation, comparer: Comparer) -> bool | None:
    """Compare what the two say: by sides, or with everything brought to one side."""
    flipped = tuple(FLIPPED[operator] for operator in reversed(right.operators))
    unknown = False
    for sides, operators in ((right.sides, right.operators), (right.sides[::-1], flipped)):
        found = comparer.ordered(left.sides, sides) if operators == left.operators else False
        if found:
            return True
        unknown |= found is None
    if len(left.sides) == 2 == len(right.sides) and _same_ratio(left, right, comparer.budget):
        return True
    if not symbols_of(left) and not symbols_of(right):
        return None if unknown else False
    return _ask_unless_apart(left, right, comparer)


def _same_ratio(left: Relation, right: Relation, budget: Budget) -> bool:
    """Tell whether each says the same of one difference of sides, up to a factor."""
    try:
        ratio = _ratio(left, right, budget)
    except (UndecidedError, LimitReachedError):
        return False
    if ratio is None:
        return False
    operator = right.operators[0] if ratio > 0 else FLIPPED[right.operators[0]]
    return operator == left.operators[0]


def _ratio(left: Relation, right: Relation, budget: Budget) -> Fraction | None:
    """Return c > 0 or c < 0 such that left side minus right side are c times each other's."""
    normaliser = Normaliser(budget)
    first, second = (_difference(relation, normaliser) for relation in (left, right))
    if any(not form.top or (form.rational is not None) for form in (first, second)):
        # `x != x` and `0x > 1` say nothing of x.
        return None
    equations = left.operators[0] in ("=", "!=") and right.operators[0] in ("=", "!=")
    if equations:
        # Where both have a value, a quotient is zero where its top is.
        if _is_never_zero(first) or _is_never_zero(second):
            return None
        first, second = (_without_fractions(form, normaliser) for form in (first, second))
    common = next((key for key in sorted(first.top) if key in second.top), None)
    if common is None:
        return None
    ratio = Fraction(first.top[common]) / second.top[common]
    difference = added(first, negated(scaled(second, ratio)), budget)
    zero = normaliser.is_zero(difference)
    if zero is None:
        raise UndecidedError("the equations hold functions")
    return ratio if zero else None


def _is_never_zero(form: Form) -> bool:
    """Tell what `0x = 1` and `1/x = 0` ask to be zero: they hold nowhere, as others do."""
    (term, *others) = form.top
    return not others and all(power < 0 for _, power in term)


def _without_fractions(form: Form, normaliser: Normaliser) -> Form:
    """Return the top of a quotient, multiplied by what its terms are divided by: `y - 6/x`."""
    top = Form(form.top, {(): 1})
    lowest: dict[str, Rational] = {}
    for term in form.top:
        for atom, power in term:
            lowest[atom] = min(power, lowest.get(atom, 0))
    for atom, power in lowest.items():
        if power < 0 and atom[0] not in "#@~":
            top = normaliser.multiply(top, single(atom, -power))
    return top


def _difference(relation: Relation, normaliser: Normaliser) -> Form:
    left, right = relation.sides
    return added(normaliser.form(left), negated(normaliser.form(right)), normaliser.budget)
