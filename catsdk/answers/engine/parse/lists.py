"""What statements between commas, semicolons and the words and, or make: lists, sets, logic."""

from __future__ import annotations

from catsdk.answers.engine.limits import UnreadableError
from catsdk.answers.engine.tree import Call, Items, Node, Relation, Symbol, Text

__all__ = ["LOGIC", "Separated", "is_proposition", "listed", "row_of", "rows_of"]

LOGIC = {"land": "and", "lor": "or", "=>": "implies", "<=>": "iff"}
_JOINING = ("lor", "and", "land")
_MARKS = frozenset([",", ";"])

# Each statement with the separator before it.
Separated = list[tuple[str, Node]]


def listed(found: Separated, kind: str) -> Node:
    """Make the list of statements, or of the groups in which they stand."""
    if not found and kind == "list":
        raise UnreadableError("it is empty")
    if len(found) == 1 and kind in ("list", "set"):
        return found[0][1]
    separators = {separator for separator, _ in found[1:]}
    if kind == "list":
        if not separators <= _MARKS and (joined := _joined(found) or _alternatives(found)):
            return joined
        if any(isinstance(node, Relation) for _, node in found):
            found = _distributed(found)
    rows = rows_of(found) if len(separators) > 1 else None
    if rows is not None:
        nodes = [row_of(row) for row in rows]
    else:
        nodes = [node for _, node in found]
        nodes = _excepted(nodes) if kind == "list" else nodes
    return Items("set" if kind == "set" else "list", tuple(nodes))


def rows_of(found: Separated) -> list[list[Node]] | None:
    """Part a list where two separators stand, as in `1, 2; 3, 4` and `1, 2 or 3, 4`.

    A word before the last item alone, as in `1, 2 and 3`, parts nothing, and equations are parted
    by their names.
    """
    separators = [separator for separator, _ in found[1:]]
    if len(set(separators)) < 2:
        return None
    outer = ";"
    if (
        "lor" in separators
        and not {"and", "land"}.isdisjoint(separators)
        and _is_of_one_name(found)
    ):
        raise UnreadableError("'and' next to 'or' without brackets")
    if ";" not in separators:
        if set(separators[:-1]) == {","}:
            return None
        outer = next(word for word in _JOINING if word in separators)
    rows: list[list[Node]] = []
    for separator, node in found:
        if separator == outer or not rows:
            rows.append([])
        rows[-1].append(node)
    return None if outer != ";" and _are_solutions(rows) else rows


def row_of(nodes: list[Node]) -> Node:
    """Make values that stand together a tuple; equations stay a list, whose names order them."""
    if len(nodes) == 1:
        return nodes[0]
    named = all(_name_of(node) for node in nodes)
    return Items("list" if named else "tuple", tuple(nodes))


def is_proposition(node: Node) -> bool:
    """Tell a letter that may be true or false, and what logic makes of such letters."""
    logic = isinstance(node, Call) and node.name in ("not", "and", "or", "implies", "iff")
    return logic or isinstance(node, Symbol)


def _joined(found: Separated) -> Node | None:
    """Make `p and q` of propositions between signs of logic; of values these make a list."""
    signs = {separator for separator, _ in found[1:]}
    nodes = [node for _, node in found]
    if signs.isdisjoint(LOGIC) or not all(map(is_proposition, nodes)):
        return None
    if len(signs) > 1:
        raise UnreadableError("'and' next to 'or' without brackets")
    return Call(LOGIC[signs.pop()], tuple(sorted(nodes, key=repr)))


def _alternatives(found: Separated) -> Node | None:
    """Make `x < 1 or x > 3` of inequalities; with commas they may hold together as well."""
    signs = {separator for separator, _ in found[1:]}
    nodes = tuple(node for _, node in found)
    relations = [node for node in nodes if isinstance(node, Relation)]
    if len(signs) != 1 or signs.isdisjoint(_JOINING) or len(relations) < len(nodes):
        return None
    if all(set(relation.operators) <= {"=", "~"} for relation in relations):
        return None
    return Call("either" if signs == {"lor"} else "both", nodes)


def _excepted(nodes: list[Node]) -> list[Node]:
    """Read `x != 1, 4` as x being neither; what else stands behind an inequality is not its."""
    first = nodes[0]
    if not isinstance(first, Relation) or first.operators != ("!=",):
        return nodes
    return [
        node if isinstance(node, Relation) else Relation((first.sides[0], node), ("!=",))
        for node in nodes
    ]


def _are_solutions(rows: list[list[Node]]) -> bool:
    """Tell whether the same names have values in each row, or one name in all of them."""
    names = [[_name_of(node) for node in row] for row in rows]
    every = {name for row in names for name in row}
    return None not in every and (len(every) == 1 or all(row == names[0] for row in names))


def _is_of_one_name(found: Separated) -> bool:
    """Tell whether one name has a value in each statement, or an end."""
    sides = [node.sides[0] for _, node in found if isinstance(node, Relation)]
    return len(sides) == len(found) and all(side == sides[0] for side in sides)


def _distributed(found: Separated) -> Separated:
    """Give each name its values where several names have some: `x = 1, 2 and y = 3, 4`."""
    names = {name for _, node in found if (name := _name_of(node))}
    if len(names) < 2 or all(isinstance(node, Relation) for _, node in found):
        return found
    named: Separated = []
    owner: Symbol | None = None
    for separator, node in found:
        owner = _name_of(node) if isinstance(node, Relation) else owner
        bare = owner is not None and not isinstance(node, Relation | Text)
        named.append((separator, Relation((owner, node), ("=",)) if owner and bare else node))
    return named


def _name_of(node: Node) -> Symbol | None:
    if isinstance(node, Relation) and node.operators == ("=",):
        name = node.sides[0]
        return name if isinstance(name, Symbol) else None
    return None
