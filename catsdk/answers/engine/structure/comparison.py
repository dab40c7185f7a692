"""Whether two answers of any kind are the same: lists, sets, intervals, matrices, quantities."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from catsdk.answers.engine.limits import (
    Budget,
    LimitReachedError,
    UndecidedError,
    UndefinedError,
)
from catsdk.answers.engine.numeric.evaluate import rational_of
from catsdk.answers.engine.parse.units import is_money
from catsdk.answers.engine.parse.wording import mentions, same_text, speaks_of_numbers, text_as_node
from catsdk.answers.engine.structure.expressions import same_expression
from catsdk.answers.engine.structure.items import nesting, same_items
from catsdk.answers.engine.structure.labels import as_meant, is_point
from catsdk.answers.engine.structure.pieces import (
    is_set_operation,
    joined_intervals,
    same_pieces,
    sets_listed,
)
from catsdk.answers.engine.structure.quantities import (
    is_compound,
    same_quantity,
    without_letters,
)
from catsdk.answers.engine.structure.regions import readings_of
from catsdk.answers.engine.structure.relations import needs_solving, same_relation
from catsdk.answers.engine.structure.simplify import simplified
from catsdk.answers.engine.traversal import holds_matrices, worth
from catsdk.answers.engine.tree import (
    Call,
    Constant,
    Interval,
    Items,
    Matrix,
    Node,
    Number,
    Numeral,
    Power,
    Product,
    Quantity,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Text,
    Union,
)
from catsdk.answers.options import Options
from catsdk.answers.verdict import NOTHING, Cause, Tier

__all__ = ["Comparison", "Pair"]

Pair: TypeAlias = tuple[Node, Node]

_MOST_ITEMS = 150
_TIME = re.compile(r"\d{1,2}(?::\d\d){1,2}")
_TIERS: tuple[Tier, ...] = ("text", "exact", "structure", "numeric", "symbolic", "engine")
_WORK = {tier: at for at, tier in enumerate(_TIERS)}


class Comparison:
    """Compares two answers part by part; `None` stands for unknown.

    Parts that the bounded tiers leave open are in `pending`. Their decisions, made elsewhere, may
    be given as `decided` to the next attempt.
    """

    def __init__(
        self,
        options: Options,
        budget: Budget,
        decided: Mapping[Pair, bool | None] | None = None,
        *,
        special: bool = True,
    ) -> None:
        """Compare under `options` within `budget`; `special` as in `simplified`."""
        self.special = special
        self._matched: dict[tuple[int, int], bool | None] = {}
        self.options = options
        self.budget = budget
        self.decided = decided or {}
        self.pending: list[Pair] = []
        self.tier: Tier = "text"
        self.cause: Cause = ""
        self.detail = ""

    def same(self, left: Node, right: Node) -> bool | None:
        """Compare two nodes of any kind; the order of the two does not matter."""
        self.budget.spend(24)
        if type(left) in _PLAIN and type(right) in _PLAIN and not self.special:
            return self.leaf(left, right)
        sums = isinstance(left, Sum) or isinstance(right, Sum)
        for one, other in ((left, right), (right, left)) if sums else ():
            if is_compound(one) and not is_compound(other) and _rank(other) == 0:
                # A number alone does not say which of the units it counts, unless it is money.
                whole = simplified(one)
                money = isinstance(whole, Quantity) and is_money(whole.unit)
                return money and isinstance(whole, Quantity) and self.leaf(whole.value, other)
        left = simplified(left, special=self.special)
        right = simplified(right, special=self.special)
        lefts, rights = readings_of(left), readings_of(right)
        if len(lefts) == 1 == len(rights):
            return self._same(lefts[0], rights[0])
        found: bool | None = False
        for one in lefts:
            for other in rights:
                same = self._same(one, other)
                if same:
                    return True
                found = None if same is None else found
        return found

    def _same(self, left: Node, right: Node) -> bool | None:
        if isinstance(left, Call) or isinstance(right, Call):
            calls = {_call_of(left), _call_of(right)}
            if "residue" in calls or calls == {"mod"}:
                return self._residues(left, right)
            if (pair := _point_and_other(left, right)) is not None:
                return self._point(*pair)
        if _rank(left) < _rank(right):
            left, right = right, left
        match left:
            case Relation():
                return self._structural(same_relation(left, right, self))
            case Text():
                return self._text(left, right)
            case _ if _is_collection(left):
                return self._structural(self._collections(left, right))
            case Quantity():
                return same_quantity(left, right, self)
            case Numeral():
                return self._numerals(left, right)
            case _:
                return self.leaf(left, right)

    def _point(self, point: Node, other: Node) -> bool | None:
        """Compare A(1, 2), a point with its name, or C(5, 2), a number of choices."""
        meant = as_meant(point, other)
        found = self._same(meant, other) if meant is not None else None
        return found if isinstance(other, Items) else found or self.open("a name")

    def _residues(self, left: Node, right: Node) -> bool | None:
        """Compare classes of numbers: nobody says that a number stands for its class.

        `3 mod 5` and `3 mod 7` are one number, and two classes.
        """
        if not (isinstance(left, Call) and isinstance(right, Call) and left.name == right.name):
            return self.open("a class of numbers and something else")
        (one, modulus), (other, another) = left.arguments, right.arguments
        same = self.same(modulus, another)
        if left.name == "mod":
            found = self.leaf(left, right)
            return self.open("remainders, or classes of numbers") if found and not same else found
        return same and self.leaf(Call("mod", (one, modulus)), Call("mod", (other, modulus)))

    def leaf(self, left: Node, right: Node) -> bool | None:
        """Compare two expressions."""
        if self.options.units != "strict":
            left, right = _bare(left, right), _bare(right, left)
        # To look a pair up means to go through both trees.
        if self.decided and (left, right) in self.decided:
            self._note("symbolic")
            return self.decided[left, right]
        try:
            decision = same_expression(left, right, self.options, self.budget)
        except UndefinedError as error:
            self._unknown("undefined", str(error))
            return None
        except UndecidedError as error:
            self.pending.append((left, right))
            self._unknown("undecided", str(error))
            return None
        except LimitReachedError as error:
            self.pending.append((left, right))
            self._unknown("limit", str(error))
            return None
        self._note(decision.tier)
        if not decision.equal or isinstance(left, Number) or isinstance(right, Number):
            return decision.equal
        if left != right and (holds_matrices(left) or holds_matrices(right)):
            return self.open("a product of matrices in another order")
        if left != right and _are_capitals(left) and _are_capitals(right):
            return self.open("capital letters in another order")
        return True

    def ask(self, left: Node, right: Node) -> bool | None:
        """Leave a pair to the symbolic tier: what that decided before, else unknown."""
        if self.decided and (left, right) in self.decided:
            self._note("symbolic")
            return self.decided[left, right]
        if any(isinstance(each, Items) and any(map(nesting, each.items)) for each in (left, right)):
            return self.open("a set of sets, which is not a set of solutions")
        self.pending.append((left, right))
        return self.open("it has to be solved")

    def open(self, detail: str) -> bool | None:
        """Return unknown, and remember why."""
        self._unknown("undecided", detail)
        return None

    def ordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Compare position by position."""
        if len(left) != len(right):
            return False
        found: bool | None = True
        for first, second in zip(left, right, strict=True):
            same = self.same(first, second)
            if same is False:
                return False
            found = found and same
        return found

    def unordered(self, left: Sequence[Node], right: Sequence[Node]) -> bool | None:
        """Match each item of one side with another item of the other side."""
        if len(left) != len(right):
            return False
        # Equal nodes and equal numbers meet without a comparison.
        others, rest = _without_common(left, right, lambda node: node)
        others, rest = _without_common(others, rest, _number_or_self)
        if len(others) > _MOST_ITEMS:
            raise LimitReachedError("too many items")
        open_items = list[Node]()
        for item in others:
            at, same = self.match(item, rest)
            if same:
                del rest[at]
            else:
                open_items.append(item)
        if not open_items:
            return True
        if all(self.match(item, rest)[1] is False for item in open_items):
            return False
        # Both ways, so that the order of the two sides does not matter.
        alone = any(self.match(item, right)[1] is False for item in open_items)
        return False if alone or any(self.match(item, left)[1] is False for item in rest) else None

    def match(self, item: Node, rest: Sequence[Node]) -> tuple[int, bool | None]:
        """Return the place of the one in `rest` that is the same as `item`, and if there is one."""
        unknown = False
        for at, other in enumerate(rest):
            # An item that fits nowhere is compared again with what others have taken.
            key = id(item), id(other)
            if key not in self._matched:
                alike = nesting(item) == nesting(other)
                self._matched[key] = self.same(item, other) if alike else None
            same = self._matched[key]
            if same:
                return at, True
            unknown |= same is None
        return -1, None if unknown else False

    def _note(self, tier: Tier) -> None:
        """Remember the tier that had the most work."""
        if _WORK[tier] > _WORK[self.tier]:
            self.tier = tier

    def _structural(self, same: bool | None) -> bool | None:
        self._note("structure")
        return same

    def _unknown(self, cause: Cause, detail: str) -> None:
        self.cause, self.detail = self.cause or cause, self.detail or detail

    def _text(self, left: Text, right: Node) -> bool | None:
        if not left.words and isinstance(right, Text) and not right.words:
            return self.open(NOTHING)
        meaning = text_as_node(left)
        if meaning is not None:
            return self.same(meaning, right)
        if isinstance(right, Text):
            other = text_as_node(right)
            found = self.same(other, left) if other is not None else same_text(left, right)
            return self.open("words that say more, or with other marks") if found is None else found
        if isinstance(right, Product) and all(isinstance(each, Symbol) for each in right.factors):
            spelled = "".join(each.name for each in right.factors if isinstance(each, Symbol))
            return same_text(left, Text(spelled.lower()))
        if isinstance(right, Symbol):
            return left.words.strip("(). ").lower() == right.name.lower()
        if isinstance(right, Items) and (time := _clock(right)) and _TIME.fullmatch(left.words):
            return left.words == time
        if _TIME.fullmatch(left.words):
            return False
        value = rational_of(right.value if isinstance(right, Quantity) else right)
        spoken = mentions(left, value) or speaks_of_numbers(left)
        return self.open("words that speak of numbers") if spoken else False

    def _numerals(self, left: Numeral, right: Node) -> bool | None:
        if isinstance(right, Numeral):
            if left.base == right.base:
                return left.digits.lstrip("0").lower() == right.digits.lstrip("0").lower()
            return self._worths(left, right)
        value = rational_of(right)
        if value is None:
            return self.leaf(left, right)
        if self.options.omitted_base:
            return str(value) == left.digits.lstrip("0")
        return self._worths(left, value)

    def _worths(self, left: Numeral, right: Numeral | Fraction) -> bool | None:
        try:
            return worth(left) == (worth(right) if isinstance(right, Numeral) else right)
        except UndefinedError as error:
            self._unknown("undefined", str(error))
            return None

    def _collections(self, left: Node, right: Node) -> bool | None:
        if isinstance(right, Quantity):
            right = right.value
        if needs_solving(left) or needs_solving(right):
            return self._by_parts_or_ask(left, right)
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Union) and (listed := sets_listed(other)):
                joined = joined_intervals(listed)
                return self._structural(
                    self.same(one, joined) if joined else self.open("several sets, or their union")
                )
        if not _may_have_pieces(left, right):
            return self._by_kind(left, right)
        found = same_pieces(left, right, self)
        if found is not None:
            return found
        return self._by_parts_or_ask(left, right)

    def _by_parts_or_ask(self, left: Node, right: Node) -> bool | None:
        """Take equal parts for equal wholes; else the wholes have to be solved, not the parts."""
        waiting = len(self.pending)
        try:
            if self._by_kind(left, right):
                return True
        except LimitReachedError as error:
            self._unknown("limit", str(error))
        del self.pending[waiting:]
        return self.ask(left, right)

    def _by_kind(self, left: Node, right: Node) -> bool | None:
        match left, right:
            case Interval(), Interval():
                return self._intervals(left, right)
            case Union(parts), Union(others):
                return self.unordered(parts, others)
            case Matrix(rows), Matrix(others):
                if len(rows) != len(others) or len(rows[0]) != len(others[0]):
                    return False
                return self.ordered(
                    [c for row in rows for c in row], [c for r in others for c in r]
                )
            case Items(), Items():
                return same_items(left, right, self)
            case Call(name, parts), Call(again, others) if name == again:
                return self.ordered(parts, others)
            case _:
                return self._mixed(left, right)

    def _intervals(self, left: Interval, right: Interval) -> bool | None:
        if left.closed != right.closed:
            return False
        if [nesting(left.low), nesting(left.high)] != [nesting(right.low), nesting(right.high)]:
            return self.open("a set, and its member")
        return self.ordered((left.low, left.high), (right.low, right.high))

    def under(self, options: Options, left: Items, right: Items) -> bool | None:
        """Compare two collections of items under other options."""
        own, self.options = self.options, options
        self._matched.clear()
        found = same_items(left, right, self)
        self.options = own
        self._matched.clear()
        return found

    def _mixed(self, left: Node, right: Node) -> bool | None:
        """Compare two kinds: each side may be readable as the other."""
        for one, other in ((left, right), (right, left)):
            match one, other:
                case Interval(low, high, closed), Items(kind, items) if len(items) == 2:
                    open_pair = kind == "tuple" and closed == (False, False)
                    pair = kind == "list" and closed == (True, True)
                    if pair or (open_pair and self.options.open_intervals):
                        return self.ordered((low, high), items)
                    return False
                case Interval(low, high, (True, True)), Matrix(rows):
                    cells = [cell for row in rows for cell in row]
                    return self.ordered((low, high), cells) if len(cells) == 2 else False
                case Matrix(rows), Items(kind, items) if 1 in (len(rows), len(rows[0])):
                    found = self.ordered([cell for row in rows for cell in row], items)
                    return self.open("a vector, and a set") if found and kind == "set" else found
                case Items("ratio" | "clock", items), _ if len(items) == 2 and not _is_collection(
                    other
                ):
                    same = self._quotient(items[0], items[1], other)
                    if same and one.kind == "clock" and other != Quotient(*items):
                        return self.open("a time of day, or a ratio")
                    return same
                case Items("set", items), Union(parts):
                    return self.unordered(items, parts)
                case Items(_, (item,)), _ if not _is_collection(other):
                    return self.open("a set of a set") if nesting(item) else self.same(item, other)
                case _:
                    continue
        return False

    def _quotient(self, top: Node, bottom: Node, other: Node) -> bool | None:
        if not self.options.ratios or rational_of(bottom) == 0:
            return False
        return self.same(Quotient(top, bottom), other)


def _may_have_pieces(left: Node, right: Node) -> bool:
    """Tell sets of real numbers of two kinds, or in parts, from lists, tuples and intervals."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Union) or is_set_operation(one):
            return True
        if isinstance(one, Interval) and isinstance(other, Items) and other.kind == "set":
            return True
    return False


def _bare(node: Node, other: Node) -> Node:
    """Leave out a letter behind a number that is a unit, where the other is a number alone."""
    if not isinstance(node, Product | Quotient):
        return node
    quantity = without_letters(node) if rational_of(other) is not None else None
    return node if quantity is None else quantity.value


def _are_capitals(node: Node) -> bool:
    """Tell IV, CBA and the like, whose letters may stand for places, matrices or numerals."""
    return isinstance(node, Product) and all(
        isinstance(factor, Symbol) and factor.name.isupper() for factor in node.factors
    )


def _rank(node: Node) -> int:
    if isinstance(node, Call):
        return _RANKS[Union] if is_set_operation(node) else 0
    return _RANKS.get(type(node), 0)


# Expressions that `simplified` leaves as they are, without plus-minus and matrices.
_PLAIN: frozenset[type[Node]] = frozenset([Number, Symbol, Constant, Quotient, Power])
_RANKS: dict[type[Node], int] = {
    Relation: 5,
    Text: 4,
    Items: 3,
    Union: 3,
    Interval: 3,
    Matrix: 3,
    Quantity: 2,
    Numeral: 1,
}


def _is_collection(node: Node) -> bool:
    return isinstance(node, Items | Union | Interval | Matrix) or is_set_operation(node)


def _without_common(
    left: Sequence[Node], right: Sequence[Node], key: Callable[[Node], Hashable]
) -> tuple[list[Node], list[Node]]:
    """Take off both sides, one for one, what has the same key."""
    places: dict[Hashable, list[int]] = {}
    for at, item in enumerate(right):
        places.setdefault(key(item), []).append(at)
    rest, taken = list[Node](), set[int]()
    for item in left:
        if same := places.get(key(item)):
            taken.add(same.pop())
        else:
            rest.append(item)
    return rest, [item for at, item in enumerate(right) if at not in taken]


def _number_or_self(node: Node) -> Hashable:
    value = rational_of(node)
    return node if value is None else value


def _point_and_other(left: Node, right: Node) -> Pair | None:
    for one, other in ((left, right), (right, left)):
        if is_point(one) and not is_point(other) and not isinstance(other, Relation):
            return one, other
    return None


def _call_of(node: Node) -> str:
    return node.name if isinstance(node, Call) else ""


def _clock(node: Items) -> str | None:
    """Write `16:30`, which reads as a ratio, as a time of day."""
    values = [rational_of(item) for item in node.items]
    if node.kind != "clock" or len(values) != 2 or None in values:
        return None
    hour, minute = values
    return f"{hour}:{int(minute or 0):02}"
