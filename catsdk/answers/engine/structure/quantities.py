"""Whether values with units are the same: percent, money, degrees, lengths, times."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from catsdk.answers.engine import tree
from catsdk.answers.engine.parse.counting import same_words
from catsdk.answers.engine.parse.units import factor_of, is_radian, measures, scale_of
from catsdk.answers.options import Options

__all__ = [
    "Comparer",
    "is_compound",
    "same_quantity",
    "units_on_one_side",
    "units_stand_apart",
    "with_shared_unit",
    "without_letters",
]

_DEGREE = tree.Quotient(tree.Constant("pi"), tree.Number(Fraction(180)))
# What one of a unit is where the other side writes a number alone: an arc, dollars.
_OTHER_SIZES: dict[str, tree.Node] = {
    "degree": _DEGREE,
    **dict.fromkeys(["cent", "cents", "¢"], tree.Number(Fraction(1, 100))),
}
_POINTS = frozenset(["point", "points", "pts"])
_ZERO_CELSIUS = tree.Number(Fraction(27315, 100))
_HUNDRED = tree.Number(Fraction(100))
# Single letters that stand for a unit behind a number, where the other side is a bare number.
_LETTERS = frozenset("mgshLlVWJN")


class Comparer(Protocol):
    """What quantities need of the comparison they are part of."""

    options: Options

    def same(self, left: tree.Node, right: tree.Node) -> bool | None:
        """Compare two nodes."""
        ...

    def open(self, detail: str) -> bool | None:
        """Return unknown, and remember why."""
        ...


def same_quantity(left: tree.Quantity, right: tree.Node, comparer: Comparer) -> bool | None:
    """Compare a value with a unit with another answer."""
    if not isinstance(right, tree.Quantity) and (lettered := without_letters(right)):
        right = lettered
    if isinstance(right, tree.Quantity):
        return _two(left, right, comparer)
    if left.unit == "%":
        return _percent(left, right, comparer)
    if comparer.options.units == "strict":
        return False
    same = comparer.same(left.value, right)
    other = _OTHER_SIZES.get(left.unit)
    if same is not False or other is None:
        return same
    return comparer.same(tree.Product((left.value, other)), right)


def _percent(left: tree.Quantity, right: tree.Node, comparer: Comparer) -> bool | None:
    policy = comparer.options.percent
    found: bool | None = False
    if policy != "fraction":
        found = comparer.same(left.value, right)
    if not found and policy != "number":
        share = comparer.same(tree.Quotient(left.value, _HUNDRED), right)
        found = share if share or found is False else None
    return found


def _two(left: tree.Quantity, right: tree.Quantity, comparer: Comparer) -> bool | None:
    if left.unit == right.unit or comparer.options.units == "ignore":
        return comparer.same(left.value, right.value)
    if "%" in (left.unit, right.unit):
        share, other = (left, right) if left.unit == "%" else (right, left)
        if other.unit.startswith("of "):
            return comparer.same(tree.Quotient(share.value, _HUNDRED), other.value)
        found = _percent(share, other.value, comparer)
        counted = found and not _is_share(other.unit)
        return comparer.open("a percentage and a unit") if counted else found
    scales = scale_of(left.unit), scale_of(right.unit)
    if all(scales):
        return comparer.same(_kelvin(left.value, scales[0]), _kelvin(right.value, scales[1]))
    for one, other in ((left, right), (right, left)):
        if is_radian(one.unit) and other.unit.startswith("degree"):
            return comparer.same(one.value, tree.Product((other.value, _DEGREE)))
    first, second = factor_of(left.unit), factor_of(right.unit)
    if first is None or second is None:
        return _without_sizes(left, right, comparer)
    if first[0] != second[0]:
        return False
    if first[1] == second[1]:
        return comparer.same(left.value, right.value)
    return comparer.same(
        tree.Product((left.value, tree.Number(first[1]))),
        tree.Product((right.value, tree.Number(second[1]))),
    )


def _is_share(unit: str) -> bool:
    """Tell percent, with words behind, from percentage points, and from all other units."""
    first, *rest = unit.split() or [""]
    return first in ("percent", "percentage", "pct") and _POINTS.isdisjoint(rest)


def _without_sizes(left: tree.Quantity, right: tree.Quantity, comparer: Comparer) -> bool | None:
    """Compare the numbers of units that are not known to measure the same."""
    if comparer.options.units == "strict":
        return False
    same = comparer.same(left.value, right.value)
    if same_words(left.unit, right.unit):
        return same
    if same is False and not (measures(left.unit) and measures(right.unit)):
        return False
    return comparer.open("units whose sizes are not known")


def units_stand_apart(left: tree.Items, right: tree.Items) -> bool:
    """Tell whether both of two lists have units, and not at each of their items."""
    marked = [[_unit_at_end(item) != "" for item in node.items] for node in (left, right)]
    return all(map(any, marked)) and not all(map(all, marked))


def units_on_one_side(left: tree.Items, right: tree.Items) -> bool:
    """Tell `5 cats, 6 dogs` beside `5, 6`: several units, which say what each value is of."""
    one, other = ([_unit_at_end(item) for item in node.items] for node in (left, right))
    return any(
        len(set(named)) > 1 and not any(bare) for named, bare in ((one, other), (other, one))
    )


def with_shared_unit(node: tree.Items) -> tree.Items:
    """Give the unit that stands behind the last of several values to each: `5, 6 and 7 m`."""
    *others, last = node.items
    last = without_letters(last) or last
    if (
        not isinstance(last, tree.Quantity)
        or node.kind == "tuple"
        or any(map(_unit_at_end, others))
    ):
        return node
    return tree.Items(node.kind, (*(tree.Quantity(item, last.unit) for item in others), last))


def _unit_at_end(node: tree.Node) -> str:
    last = node.sides[-1] if isinstance(node, tree.Relation) else node
    last = without_letters(last) or last
    return last.unit if isinstance(last, tree.Quantity) else ""


def _kelvin(value: tree.Node, scale: str) -> tree.Node:
    if scale == "F":
        value = tree.Product(
            (tree.Sum((value, tree.Number(Fraction(-32)))), tree.Number(Fraction(5, 9)))
        )
    return value if scale == "K" else tree.Sum((value, _ZERO_CELSIUS))


def is_compound(node: tree.Node) -> bool:
    """Tell `5 feet 3 inches` and the like, which is not a number in a unit of its own."""
    return isinstance(node, tree.Sum) and all(
        isinstance(term, tree.Quantity) and term.unit not in ("%", "degree") for term in node.terms
    )


def without_letters(node: tree.Node) -> tree.Quantity | None:
    """Read `48 g` and `55 m/s`, which look like products of variables, as quantities."""
    match node:
        case tree.Product((tree.Number() as value, tree.Symbol(name))) if name in _LETTERS:
            return tree.Quantity(value, name)
        case tree.Product(
            (tree.Number() as value, tree.Power(tree.Symbol(name), tree.Number(power)))
        ) if name in _LETTERS and power in (2, 3):
            return tree.Quantity(value, f"{name}^{power}")
        case tree.Quotient(
            tree.Product((tree.Number() as value, tree.Symbol(name))),
            tree.Power(tree.Symbol("s"), tree.Number()),
        ) if name in _LETTERS:
            return tree.Quantity(value, f"{name}/s^2")
        case tree.Quotient(
            tree.Product((tree.Number() as value, tree.Symbol(name))), tree.Symbol(other)
        ) if name in _LETTERS and other in _LETTERS:
            return tree.Quantity(value, f"{name}/{other}")
        case _:
            return None
