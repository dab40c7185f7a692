"""The parser of whole answers: lists, brackets, intervals, sets, matrices, relations, units."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import cast

from catsdk.answers.engine.limits import UnreadableError
from catsdk.answers.engine.parse.brackets import enclosed, lone_values, matrix_of
from catsdk.answers.engine.parse.counting import names_what_counts
from catsdk.answers.engine.parse.functions import FunctionParser
from catsdk.answers.engine.parse.lexer import END, Token, tokens_of
from catsdk.answers.engine.parse.lists import (
    LOGIC,
    Separated,
    is_proposition,
    listed,
    row_of,
    rows_of,
)
from catsdk.answers.engine.parse.units import SCALES, is_unit, unit_of
from catsdk.answers.engine.traversal import symbols_of
from catsdk.answers.engine.tree import (
    Call,
    Constant,
    Interval,
    Items,
    Matrix,
    Node,
    Number,
    Operator,
    Product,
    Quantity,
    Relation,
    Sum,
    Symbol,
    Text,
    Union,
)

__all__ = ["parse", "parse_with_crosses"]

# The word "and" makes a list of values, the sign of logic a proposition.
_WORDS = frozenset(["and", "land", "lor"])
_SEPARATORS = frozenset([",", ";", *_WORDS])
_INFINITY = Constant("infinity")
_MINUS_INFINITY = Product((Number(Fraction(-1)), _INFINITY))
_REALS = Interval(_MINUS_INFINITY, _INFINITY, (False, False))
_SETS = {"R": _REALS, "\\R": _REALS}
_SET_SIGNS = frozenset(["cup", ":", "setminus", "cap"])
_UNIT_KINDS = frozenset(["text", "word"])
_CLOSING_BRACES, _CLOSING_BRACKETS = frozenset(["}"]), frozenset([")", "]", "["])
_MARKS = frozenset(["'", '"', "$", "¢"])
_ORDINALS = frozenset(["st", "nd", "rd", "th"])

_CONDITIONAL = (Text("if"), Text("for"), Text("when"), Text("where"))

_VECTOR = re.compile(r"\\(?:math(?:bf|bb|cal)|bm|boldsymbol|vec|hat|over(?:right)?arrow)(?![a-z])")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4])(?::[0-5]\d){1,2}", re.ASCII)


def parse(text: str, log_base: Node | None = None) -> Node:
    """Return the tree of a cleaned answer; `log` without a base has this one, or is natural.

    Raises:
        UnreadableError: the grammar does not know it.
        LimitReachedError: it is too deep or has too many tokens or digits.
    """
    return parse_with_crosses(text, log_base)[0]


def parse_with_crosses(text: str, log_base: Node | None = None) -> tuple[Node, str]:
    """Do what `parse` does; return also what stands on both sides of each cross between names."""
    parser = AnswerParser(tokens_of(text))
    parser.log_base = log_base
    parser.vectors = "\\times" in text and _VECTOR.search(text) is not None
    node = parser.answer()
    if parser.next != END:
        raise UnreadableError(f"{parser.next[1]} is left over")
    return node, "; ".join(parser.crossed)


class AnswerParser(FunctionParser):
    """Reads what answers are made of besides expressions."""

    def __init__(self, tokens: list[Token]) -> None:
        """Read `tokens` from the first."""
        super().__init__(tokens)
        # In which set each name is said to be.
        self.members: dict[Node, Node] = {}

    def answer(self) -> Node:
        """Read statements between commas, semicolons and the words and, or."""
        return listed(self._statements(frozenset()), "list")

    def _statements(self, ends: frozenset[str]) -> Separated:
        """Read statements up to one of the signs of `ends`; each with the separator before it."""
        found: Separated = []
        separator = ""
        while True:
            kind, value = self.tokens[self.at]
            if kind == "end":
                break
            # Where a statement is due, `[` opens one.
            if kind == "sign" and value in ends and not (value == "[" and (separator or not found)):
                break
            if kind == "sign" and value in _SEPARATORS:
                separator = value if separator in ("", ",") else separator
                self.at += 1
                continue
            if found and not separator:
                break
            found.append((separator, self._statement()))
            separator = ""
        if separator in _WORDS or (found and found[0][0] in _WORDS):
            raise UnreadableError("a word that joins nothing")
        return found

    def _statement(self) -> Node:
        """Read one side, or a chain of relations between sides."""
        side = self._side()
        if self.tokens[self.at][0] != "relation":
            return side
        sides = [side]
        operators: list[Operator] = []
        while self.tokens[self.at][0] == "relation":
            operator = self.tokens[self.at][1]
            self.at += 1
            if operator == "->":
                raise UnreadableError("a map or a limit")
            side = self._side()
            if operator == "cong":
                named = isinstance(sides[-1], Symbol | Product) and isinstance(
                    side, Symbol | Product
                )
                side, operator = (Symbol(f"cong {side}"), "~") if named else (side, "~")
            if operator == "==":
                side, operator = _congruence(side), "="
            if operator in ("=>", "<=>") and is_proposition(sides[-1]) and is_proposition(side):
                sides[-1] = Call(LOGIC[operator], (sides[-1], side))
            elif operator == "in":
                self._add_member(sides[-1], side)
                sides, operators = [side], []
            elif operator in ("=>", "<=>"):
                # What is said of the left side is the answer; so is a conclusion.
                if not (operators or isinstance(sides[0], Symbol)):
                    raise UnreadableError("a conclusion from no statement")
                sides, operators = [side], []
            else:
                sides.append(side)
                operators.append(cast("Operator", operator))
        return Relation(tuple(sides), tuple(operators)) if operators else sides[0]

    def _add_member(self, member: Node, group: Node) -> None:
        """Leave a name out that a set is of, unless other sets have other names."""
        if isinstance(member, Number) or isinstance(group, Symbol):
            raise UnreadableError("a member of a set that is not given")
        self.members[member] = group
        if len(set(self.members.values())) > 1:
            raise UnreadableError("several names, each in a set of its own")

    def _side(self) -> Node:
        """Read an expression with its unit, a ratio, or a union of sets."""
        if (alone := self.alone()) is not None:
            return alone
        start = self.at
        first = self._measured()
        kind, sign = self.tokens[self.at]
        if sign == "-" and isinstance(first, Interval):
            # What is left behind a named set can only be taken away from it.
            self.at += 1
            return Call("setminus", (first, self._measured()))
        if kind != "sign" or sign not in _SET_SIGNS:
            return first
        parts = [first]
        while self.next[0] == "sign" and self.next[1] in _SET_SIGNS:
            sign = self.next[1]
            several = isinstance(parts[-1], Interval | Text | Items) or symbols_of(parts[-1])
            if sign == ":" and self.bars and several:
                break  # the condition of a set: of those x in R for which
            self.at += 1
            part = self._measured()
            if sign == "cap" and isinstance(parts[-1], Union):
                raise UnreadableError("a union and an intersection without brackets")
            if sign == "cup":
                parts[-1] = Union((*_parts(parts[-1]), *_parts(part)))
            elif sign == ":":
                parts.append(part)
            else:
                parts[-1] = Call(sign, (parts[-1], part))
        if len(parts) == 1:
            return parts[0]
        return _time(self.tokens[start : self.at]) or _ratio(parts)

    def _measured(self) -> Node:
        node = self._plain()
        kind, value = self.tokens[self.at]
        if kind not in _UNIT_KINDS and not (
            kind == "sign" and (value in _MARKS or value == "pmod")
        ):
            return node
        if self.take("pmod"):
            return Call("residue", (node, self.primary()))
        unit = self._unit(node) if self._may_have_unit(node) else None
        if unit is None:
            return node
        head, _, tail = unit.partition(" ")
        if head in SCALES:
            node, unit = _times(node, Fraction(SCALES[head])), tail
            if tail and not names_what_counts(tail):
                raise UnreadableError("words after a value that are not a unit")
        if unit and self.next[0] == "number":
            rest = self._measured()
            if not isinstance(rest, Quantity):
                raise UnreadableError("a number without its unit")
            return Sum((Quantity(node, unit), rest))
        return Quantity(node, unit) if unit else node

    def _may_have_unit(self, node: Node) -> bool:
        """A word behind variables is a unit only if it is known as one, or stands in a text."""
        kind, value = self.next
        return kind != "word" or is_unit(value) or not symbols_of(node)

    def _plain(self) -> Node:
        """Read a text, a named set, or an expression."""
        kind, value = self.tokens[self.at]
        if kind == "text":
            self.at += 1
            return Text(" ".join(value.lower().split()))
        if kind == "word" and value in ("\\emptyset", "\\mathbb", "\\R"):
            return self._named_set(value)
        return self.terms()

    def _named_set(self, value: str) -> Node:
        self.at += 1
        if value == "\\emptyset":
            return Items("set", ())
        name = value
        if value == "\\mathbb":
            braced = self.take("{")
            name = self.next[1]
            if self.next == END:
                raise UnreadableError("a set without a name")
            self.at += 1
            if braced:
                self.expect("}")
        if self.next == ("sign", "^"):
            raise UnreadableError("a power of a set")
        return _SETS.get(name) or Text(f"the set {name}")

    def _unit(self, node: Node) -> str | None:
        """Read the words behind a value: its unit, or what it counts."""
        words: list[str] = []
        while True:
            kind, value = self.next
            word = kind == "text" or (kind == "word" and not value.startswith("\\"))
            goes_on = self._continues(kind, value, words) or self._mark(node, value, words)
            if not (word or goes_on):
                break
            words.append(value)
            self.at += 1
        if not words:
            return None
        if words[0] in _ORDINALS and len(words) == 1:
            return ""
        unit = unit_of(" ".join(words))
        one = isinstance(node, Number) and node.value == 1
        if unit.partition(" ")[0] not in SCALES and not names_what_counts(unit, one=one):
            raise UnreadableError("words after a value that are not a unit")
        return unit

    def _continues(self, kind: str, value: str, words: list[str]) -> bool:
        """Tell whether a token goes on with a unit: `/`, a power, a letter, a full stop."""
        if not words:
            # `5 / day`, where the value has been read and a word follows.
            return False
        if kind == "sign":
            return value in ("/", "^", ".", "{", "}", "-", "$", "(", ")") and self._in_unit(value)
        return kind == "symbol" or (kind == "number" and words[-1] in ("^", "{"))

    def _in_unit(self, value: str) -> bool:
        kind, after = self.ahead(1)
        if value == "}":
            return self.tokens[self.at - 1][0] == "number"
        if value == ".":
            return True
        if value in "()":
            return False
        return kind in ("word", "symbol", "text", "number") or after == "{"

    def _mark(self, node: Node, value: str, words: list[str]) -> bool:
        """Tell whether the token is a sign for feet, inches or money behind a number."""
        return not words and isinstance(node, Number) and value in _MARKS

    def bracket(self) -> Node:
        """Read a group, a tuple, a set, or an interval."""
        opening = self.tokens[self.at][1]
        self.at += 1
        if opening == "\\{":
            return self._set()
        ends = _CLOSING_BRACES if opening == "{" else _CLOSING_BRACKETS
        nested = opening in "[{" and self.tokens[self.at] == ("sign", opening)
        start = self.at
        inner = self._statements(ends)
        closing = self.tokens[self.at][1]
        if closing not in ends:
            raise UnreadableError(f"{opening} is not closed")
        several = nested or opening == "{" and len(inner) > 1
        lone = lone_values(self.tokens[start : self.at]) if several else []
        self.at += 1
        if opening == "{":
            if not inner:
                raise UnreadableError("braces around nothing")
            if len(inner) == len(lone) > 1:
                # A member in braces of its own is a set: {{1}, 2}.
                inner = [
                    (sign, Items("set", (node,)) if alone else node)
                    for (sign, node), alone in zip(inner, lone, strict=True)
                ]
            return listed(inner, "set")
        if nested and closing == "]" and (matrix := matrix_of([node for _, node in inner], lone)):
            return matrix
        return enclosed(opening, closing, inner)

    def _set(self) -> Node:
        if self.next[0] == "symbol" and self.ahead(1)[1] in ("|", "\\mid", ":"):
            # The set of those of which something is said.
            self.at += 2
            found = self._statements(frozenset(["\\}"]))
            self.expect("\\}")
            return listed(found, "list")
        self.bars = 1
        found = self._statements(frozenset(["\\}", "|", "\\mid", ":"]))
        if self.next[1] in ("|", "\\mid", ":") and len(found) == 1:
            self.at += 1
            said = self._statements(frozenset(["\\}"]))
            self.expect("\\}")
            condition = listed(said, "list")
            member = found[0][1]
            return condition if _is_any(member) else Items("tuple", (member, condition))
        self.expect("\\}")
        rows = rows_of(found)
        return Items("set", tuple(map(row_of, rows) if rows else (node for _, node in found)))

    def environment(self) -> Node:
        """Read a matrix, an array, or the rows of cases and alignments."""
        name = self.next[1].removeprefix("begin").rstrip("*")
        self.at += 1
        if name == "array":
            self._column_form()
        rows = self._rows()
        kind, value = self.next
        if kind != "env" or not value.startswith("end"):
            raise UnreadableError(f"{name} has no end")
        self.at += 1
        if name in ("cases", "dcases", "rcases"):
            return listed([(",", _piece(row)) for row in rows], "list")
        if name in ("aligned", "align", "gathered", "split"):
            cells = [(",", cell) for row in rows for cell in row]
            return listed(cells, "list")
        if not rows or any(len(row) != len(rows[0]) for row in rows):
            raise UnreadableError("rows of different length")
        matrix = Matrix(tuple(map(tuple, rows)))
        return Call("det", (matrix,)) if name == "vmatrix" else matrix

    def _column_form(self) -> None:
        self.expect("{")
        while not self.take("}"):
            if self.next == END:
                raise UnreadableError("an array without columns")
            self.at += 1

    def _rows(self) -> list[list[Node]]:
        rows: list[list[Node]] = [[]]
        ends = frozenset(["&", "\\\\"])
        while self.next != END and self.next[0] != "env" or self.next[1].startswith("begin"):
            if self.take("\\\\"):
                rows.append([])
            elif not self.take("&"):
                rows[-1].append(listed(self._cell(ends), "list"))
        return [row for row in rows if row]

    def _cell(self, ends: frozenset[str]) -> Separated:
        found: Separated = []
        while True:
            found.append((",", self._statement()))
            if not (self.take(",") or self.take("and")):
                return found
            if self.next[1] in ends or self.next[0] == "env":
                return found


def _is_any(member: Node) -> bool:
    """Tell whether all numbers or points are meant before the condition of a set."""
    if isinstance(member, Items):
        return member.kind == "tuple" and all(isinstance(item, Symbol) for item in member.items)
    return member == _REALS or member == Text("the set C") or isinstance(member, Symbol)


def _piece(row: list[Node]) -> Node:
    """Make a value with its condition a tuple; equations that hold together stay a list."""
    cells = [cell for cell in row if cell not in _CONDITIONAL]
    if len(cells) == 1 and isinstance(cells[0], Items) and cells[0].kind == "list":
        cells = list(cells[0].items)
    if len(cells) == 1:
        return cells[0]
    equations = all(isinstance(cell, Relation) and cell.operators == ("=",) for cell in cells)
    return Items("list" if equations else "tuple", tuple(cells))


def _time(tokens: list[Token]) -> Node | None:
    """Read `2:30` as what may be a time of day, and `2:05`, which is not a ratio, as one."""
    written = "".join(value for _, value in tokens)
    if not _CLOCK.fullmatch(written):
        return None
    hour, *rest = written.split(":")
    if any(part.startswith("0") for part in rest) or (len(hour) == 2 and hour.startswith("0")):
        return Text(":".join([str(int(hour)), *rest]))
    return Items("clock", tuple(Number(Fraction(int(part))) for part in (hour, *rest)))


def _ratio(parts: list[Node]) -> Node:
    """Make a proportion; words that stand behind its last number alone may deny or turn it."""
    last = parts[-1]
    if isinstance(last, Quantity) and not isinstance(parts[0], Quantity):
        if last.unit != "ratio":
            raise UnreadableError("words behind a ratio")
        last = last.value
    return Items("ratio", (*parts[:-1], last))


def _times(node: Node, scale: Fraction) -> Node:
    """Return what `2.5 million` counts."""
    if isinstance(node, Number):
        return Number(node.value * scale)
    return Product((node, Number(scale)))


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Union) else (node,)


def _congruence(side: Node) -> Node:
    r"""Read `3 \mod 5` behind a sign of congruence as a class of numbers, not as a number."""
    return (
        Call("residue", side.arguments) if isinstance(side, Call) and side.name == "mod" else side
    )
