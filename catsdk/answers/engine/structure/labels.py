"""What an equation gives a value to: `x = 5`, `f(x) = 2x`, `AB = 4`, `2 + 2 = 4`."""

from __future__ import annotations

from catsdk.answers.engine.traversal import symbols_of, undefined_in
from catsdk.answers.engine.tree import (
    FUNCTIONS,
    Call,
    Constant,
    Items,
    Node,
    Power,
    Product,
    Quotient,
    Relation,
    Symbol,
    Text,
)

__all__ = [
    "as_meant",
    "by_names",
    "has_usual_order",
    "is_label",
    "is_point",
    "label_of",
    "names_of",
    "value_of",
]


# What logic and sets make of statements is not a name of a value.
_JOINING = frozenset(
    ["not", "and", "or", "implies", "iff", "either", "both", "setminus", "cap", "residue"]
)


def is_label(node: Node) -> bool:
    """Tell whether `node` is a name: a symbol, a function's value, a segment, a tuple of names."""
    match node:
        case Symbol() | Text():
            return True
        case Items("tuple" | "ratio" | "clock", items):
            return bool(items) and all(map(is_label, items))
        case Call("abs", (inner,)):
            return is_label(inner)
        case Call(name, _):
            return name not in FUNCTIONS and name not in _JOINING
        case Product(factors):
            return all(isinstance(factor, Symbol) for factor in factors)
        case Quotient(top, bottom):
            return is_label(top) and is_label(bottom)
        case Power(Symbol(), _) | Constant("e" | "i"):
            return isinstance(node, Constant)
        case _:
            return False


def label_of(relation: Relation) -> Node | None:
    """Return the name that a chain of equations gives a value to, if it begins or ends with one."""
    if len(relation.sides) < 2 or not set(relation.operators) <= {"=", "~"}:
        return None
    first, last = relation.sides[0], relation.sides[-1]
    if is_label(first) and not any(_speaks_of(side, first) for side in relation.sides[1:]):
        return first
    two = len(relation.sides) == 2 and is_label(last) and not _speaks_of(first, last)
    return last if two else None


def _speaks_of(value: Node, label: Node) -> bool:
    """Tell whether the value of a name holds the name, as in `x = x^2`, which is to be solved."""
    if isinstance(label, Call) and label.name != "abs":
        return label.name in undefined_in(value)
    return value != label and not symbols_of(label).isdisjoint(symbols_of(value))


def value_of(relation: Relation) -> Node | None:
    """Return the value that a chain of equations ends in; `None` if it is an equation to solve.

    What stands behind "about" is left out, unless only a name stands before it.
    """
    if not set(relation.operators) <= {"=", "~"}:
        return None
    sides = _before_about(relation)
    first, last = sides[0], sides[len(sides) - 1]
    if len(sides) == 1:
        return first
    label = label_of(Relation(sides, relation.operators[: len(sides) - 1]))
    if label is not None:
        return first if label is last and label is not first else last
    if len(sides) > 2:
        return None if is_label(first) else last
    closed = [not symbols_of(side) and not isinstance(side, Text) for side in sides]
    return last if all(closed) else None


def _before_about(relation: Relation) -> tuple[Node, ...]:
    if "~" not in relation.operators:
        return relation.sides
    cut = relation.operators.index("~") + 1
    before = relation.sides[:cut]
    return relation.sides if len(before) == 1 and is_label(before[0]) else before


def is_point(node: Node) -> bool:
    """Tell `A(1, 2)`, a capital letter before a tuple."""
    return (
        isinstance(node, Call)
        and len(node.name) == 1
        and node.name.isupper()
        and len(node.arguments) > 1
    )


def as_meant(point: Node, other: Node) -> Node | None:
    """Read `A(1, 2)` as its place beside a tuple, `C(5, 2)` and `P(5, 2)` as numbers beside one."""
    if not isinstance(point, Call):
        return None
    if isinstance(other, Items):
        return Items("tuple", point.arguments)
    name = {"C": "binomial", "P": "permutations"}.get(point.name)
    return Call(name, point.arguments) if name and len(point.arguments) == 2 else None


def by_names(node: Items) -> Items:
    """Bring `y = 2, x = 1` into the order of the names, in which a tuple has its values."""
    names = [
        item.sides[0].name
        if isinstance(item, Relation) and isinstance(item.sides[0], Symbol)
        else ""
        for item in node.items
    ]
    if node.kind != "list" or "" in names or len(set(names)) < len(names):
        return node
    order = sorted(range(len(names)), key=names.__getitem__)
    return Items(node.kind, tuple(node.items[at] for at in order))


def names_of(node: Items) -> list[str] | None:
    """Return the different names that each item of a list gives a value to; `None` without."""
    names: list[str] = []
    for item in node.items:
        label = label_of(item) if isinstance(item, Relation) else None
        if label is None:
            return None
        names.append(label.name if isinstance(label, Symbol) else repr(label))
    return names if len(names) > 1 and len(set(names)) == len(names) else None


def has_usual_order(names: list[str]) -> bool:
    """Tell letters that belong together, as x and y do, from others, which stand as written."""
    if not all(len(name) == 1 for name in names):
        return False
    letters = sorted(map(ord, names))
    return letters[-1] - letters[0] <= 2 * (len(letters) - 1)
