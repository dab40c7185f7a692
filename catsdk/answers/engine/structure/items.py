"""Whether two lists, sets, tuples or ratios are the same, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import gcd
from typing import Protocol

from catsdk.answers.engine.numeric.evaluate import rational_of
from catsdk.answers.engine.structure.labels import by_names, has_usual_order, names_of
from catsdk.answers.engine.structure.quantities import (
    units_on_one_side,
    units_stand_apart,
    with_shared_unit,
)
from catsdk.answers.engine.tree import Items, Node, Quotient, Relation
from catsdk.answers.options import Options

__all__ = ["Comparer", "nesting", "same_items"]


class Comparer(Protocol):
    """What collections need of the comparison they are part of."""

    options: Options

    def ordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Compare position by position."""
        ...

    def unordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Match each item of one side with another item of the other side."""
        ...

    def match(self, item: Node, rest: Sequence[Node]) -> tuple[int, bool | None]:
        """Return the place of the one in `rest` that is the same, and whether there is one."""
        ...

    def under(self, options: Options, left: Items, right: Items) -> bool | None:
        """Compare two collections of items under other options."""
        ...

    def open(self, detail: str) -> bool | None:
        """Return unknown, and remember why."""
        ...


def same_items(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare two collections of items, each of any kind."""
    kinds = {left.kind, right.kind}
    ratios = [node.kind in ("ratio", "clock") for node in (left, right)]
    if any(ratios):
        return _ratios(left, right, comparer) if all(ratios) else False
    first, second = ([nesting(item) for item in node.items] for node in (left, right))
    if sorted(first) != sorted(second) and (any(first) or any(second)):
        return comparer.open("a set, and its member")
    if comparer.options.units == "convert" and units_stand_apart(left, right):
        return _with_units(left, right, comparer)
    if kinds == {"tuple", "set"} and len(left.items) == len(right.items) > 1:
        # A set has no order, so that one would be each of the points in its members.
        points = all(isinstance(item, Items) for item in (*left.items, *right.items))
        compare = comparer.unordered if points else comparer.ordered
        found = compare(left.items, right.items)
        return comparer.open("a set, and a tuple") if found else found
    if "tuple" in kinds:
        found = _tuples(left, right, comparer)
        return comparer.open("a set, and its member") if found and first != second else found
    if len(left.items) != len(right.items):
        return _of_other_length(left, right, comparer)
    if kinds == {"list"}:
        return _lists(left, right, comparer)
    found = comparer.unordered(left.items, right.items)
    named = (names_of(left) is None) is not (names_of(right) is None)
    return comparer.open("a set, and values with names") if found and named else found


def _lists(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare lists of one length, whose order counts where one side names its values."""
    if comparer.options.ordered:
        return comparer.ordered(left.items, right.items)
    if (names_of(left) is None) is not (names_of(right) is None):
        return _named(left, right, comparer)
    found = comparer.unordered(left.items, right.items)
    if found and units_on_one_side(left, right) and not comparer.ordered(left.items, right.items):
        return comparer.open("values in another order than their units")
    return found


def _of_other_length(left: Items, right: Items, comparer: Comparer) -> bool | None:
    if {left.kind, right.kind} == {"list"} and comparer.options.ordered:
        return False
    found = _repeated(left, right, comparer)
    if found is False and sorted(map(repr, _leaves(left))) == sorted(map(repr, _leaves(right))):
        return comparer.open("the same items in other groups")
    return found


def _with_units(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare lists of which each has units at some items: none may then be left out.

    `5 m, 6` is not `6 m, 5`, though each of its values is one there whose unit is left out.
    """
    strict = replace(comparer.options, units="strict", percent="fraction")
    found = comparer.under(strict, with_shared_unit(left), with_shared_unit(right))
    return found or comparer.open("units at other places")


def _tuples(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare in order; points without brackets around all of them may stand in any order."""
    points = all(isinstance(item, Items) for item in (*left.items, *right.items))
    if left.kind == right.kind or not points:
        found = comparer.ordered(by_names(left).items, by_names(right).items)
        values = _are_values_of_one(left) or _are_values_of_one(right)
        return (
            comparer.open("several values of one name, and a point") if found and values else found
        )
    if comparer.ordered(left.items, right.items):
        return True
    found = comparer.unordered(left.items, right.items)
    return comparer.open("points in another order") if found else found


def _are_values_of_one(node: Items) -> bool:
    """Tell solutions such as `x = 3, x = 4`."""
    names = [item.sides[0] for item in node.items if isinstance(item, Relation)]
    return len(names) == len(node.items) > 1 and all(name == names[0] for name in names)


def _named(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare `a = 3, b = 4` with values that have no names, which stand in their order."""
    named, other = (left, right) if names_of(left) else (right, left)
    if comparer.ordered(by_names(named).items, other.items):
        return True
    if not has_usual_order(names_of(named) or []) and comparer.ordered(named.items, other.items):
        return True
    found = comparer.unordered(left.items, right.items)
    return comparer.open("values in another order than their names") if found else found


def _repeated(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare without repetitions, which count in a list of numbers only."""
    first, second = _distinct(left, comparer), _distinct(right, comparer)
    if len(first) == len(left.items) and len(second) == len(right.items):
        return False
    return comparer.unordered(first, second)


def _distinct(node: Items, comparer: Comparer) -> list[Node]:
    if node.kind == "list" and not all(isinstance(item, Items) for item in node.items):
        return list(node.items)
    kept: list[Node] = []
    for item in dict.fromkeys(node.items):
        if comparer.match(item, kept)[1] is not True:
            kept.append(item)
    return kept


def _ratios(left: Items, right: Items, comparer: Comparer) -> bool | None:
    """Compare proportions; two that may be times of day are the same as they stand only."""
    if left.kind == right.kind == "clock":
        same, ratio = comparer.ordered(left.items, right.items), replace(left, kind="ratio")
        if same is False and _ratios(ratio, right, comparer):
            return comparer.open("times of day, or ratios")
        return same
    if left.kind != right.kind and not _is_reduced(left, right):
        same = comparer.ordered(left.items, right.items)
        return same or (same if same is None else comparer.open("a time of day, or a ratio"))
    if len(left.items) != len(right.items):
        return False
    last = (left.items[-1], right.items[-1])
    if any(rational_of(item) == 0 for item in last):
        return comparer.ordered(left.items, right.items)
    first, second = (
        [Quotient(item, node.items[-1]) for item in node.items[:-1]] for node in (left, right)
    )
    return comparer.ordered(first, second)


def nesting(node: Node) -> str:
    """Write the sets that an item is made of, so that {1} is told from 1, and both from {{1}}."""
    if not isinstance(node, Items) or node.kind != "set":
        return ""
    return "{" + "".join(sorted(map(nesting, node.items))) + "}"


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Items):
        for item in node.items:
            yield from _leaves(item)
    else:
        yield node


def _is_reduced(left: Items, right: Items) -> bool:
    """Tell whether the one that is surely a ratio is in its lowest terms."""
    ratio = left if left.kind == "ratio" else right
    values = [rational_of(item) for item in ratio.items]
    if any(value is None or value.denominator != 1 for value in values):
        return True
    return gcd(*(value.numerator for value in values if value is not None)) == 1
