"""What stands in brackets: a group, a tuple, an interval, or the rows of a matrix."""

from __future__ import annotations

from catsdk.answers.engine.limits import UnreadableError
from catsdk.answers.engine.parse.lexer import Token
from catsdk.answers.engine.parse.lists import Separated, listed
from catsdk.answers.engine.tree import Interval, Items, Matrix, Node

__all__ = ["brackets_nested", "enclosed", "lone_values", "matrix_of"]

_TURNS = {"(": 1, "[": 1, "{": 1, "\\{": 1, ")": -1, "]": -1, "}": -1, "\\}": -1}


def enclosed(opening: str, closing: str, inner: Separated) -> Node:
    """Make what the kind of brackets says: a group, a tuple, an interval, or a list of tuples."""
    nodes = tuple(node for _, node in inner)
    plain = opening == "(" and closing == ")"
    if opening == "[" and closing == "]" and len(nodes) > 1 and all(map(_is_tuple, nodes)):
        return Items("list", nodes)
    if plain and len(nodes) == 1:
        return nodes[0]
    if plain or len(nodes) > 2:
        return _tuple_of(inner) if nodes else Items("tuple", ())
    if len(nodes) == 2:
        return Interval(*nodes, (opening == "[", closing == "]"))
    if len(nodes) == 1 and opening == "[" and closing == "]":
        return nodes[0]
    raise UnreadableError(f"{opening} is closed by {closing}")


def lone_values(tokens: list[Token]) -> list[bool]:
    """Tell of each part between commas whether it is one value in braces or brackets of its own."""
    found: list[bool] = []
    depth, start = 0, 0
    for at, (kind, value) in enumerate([*tokens, ("sign", ",")]):
        turn = _TURNS.get(value, 0) if kind == "sign" else 0
        depth += turn
        if kind == "sign" and value in ",;" and depth == 0:
            part = tokens[start:at]
            ends = [value for _, value in (*part[:1], *part[-1:])]
            inner = [value for _, value in part[1:-1]]
            plain = {",", ";", "{", "}", "[", "]"}.isdisjoint(inner)
            found.append(ends in (["{", "}"], ["[", "]"]) and plain)
            start = at + 1
    return found


def matrix_of(nodes: list[Node], lone: list[bool]) -> Matrix | None:
    """Make a matrix of rows in square brackets, of which those of two look like intervals."""
    if len(nodes) == len(lone) > 1 and all(lone):
        return Matrix(tuple((node,) for node in nodes))
    rows = [
        (node.low, node.high)
        if isinstance(node, Interval) and node.closed == (True, True)
        else node.items
        if isinstance(node, Items) and node.kind == "tuple"
        else ()
        for node in nodes
    ]
    widths = {len(row) for row in rows}
    return Matrix(tuple(rows)) if len(widths) == 1 and widths != {0} else None


def _tuple_of(inner: Separated) -> Node:
    """Make a tuple; a matrix where semicolons part rows of equal length."""
    separators = {separator for separator, _ in inner[1:]}
    if len(separators) > 1:
        rows = listed(inner, "list")
        if isinstance(rows, Items) and separators == {",", ";"}:
            return rows
    return Items("tuple", tuple(node for _, node in inner))


def _is_tuple(node: Node) -> bool:
    return isinstance(node, Items) and node.kind == "tuple"


def brackets_nested(text: str) -> str:
    """Return the square brackets of a text with the commas in them where some stand in others.

    `[[1], [2]]` gives `[[],[]]`, and `[1, 2)`, in which none does, nothing.
    """
    if text.count("[") < 2:
        return ""
    shape: list[str] = []
    around: list[str] = []
    nested = False
    for sign in text:
        if sign in "[(":
            nested |= sign == "[" and "[" in around
            around.append(sign)
        elif sign in "])" and around:
            opened = around.pop()
            sign = "]" if opened == "[" else ")"
        if sign in "[]" or (sign == "," and around and around[-1] == "["):
            shape.append(sign)
    return "".join(shape) if nested else ""
