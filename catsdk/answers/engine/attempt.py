"""One attempt of the bounded tiers at a pair of answers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.parse.brackets import brackets_nested
from catsdk.answers.engine.parse.currencies import amounts_written, currency_of_unit
from catsdk.answers.engine.parse.number_words import is_place, number_of
from catsdk.answers.engine.parse.reading import Reading, read
from catsdk.answers.engine.parse.wording import same_choice
from catsdk.answers.engine.structure.comparison import Comparison, Pair
from catsdk.answers.engine.structure.expressions import same_expression
from catsdk.answers.engine.structure.labels import label_of
from catsdk.answers.engine.traversal import always_defined, is_expression, with_symbols
from catsdk.answers.engine.tree import Call, Items, Node, Number, Quantity, Relation, Symbol, Text
from catsdk.answers.options import Options
from catsdk.answers.verdict import Cause, Verdict

__all__ = ["Pair", "attempt"]


def attempt(
    answer: str, reference: str, options: Options, decided: Mapping[Pair, bool | None]
) -> tuple[Verdict, list[Pair]]:
    """Return the verdict, and the pairs of expressions that it waits for where it is unknown.

    `decided` holds what was found out about such pairs since.
    """
    first, second = read(answer), read(reference)
    if first.node is None or second.node is None:
        return _chosen(answer, reference) or _unread(first, second), []
    alike = _same_qualifiers(first, second, options) and _same_amounts(
        answer, first, reference, second
    )
    alike = alike and not _nest_otherwise(first, second)
    if alike and first.node is second.node and always_defined(first.node):
        return Verdict("equal", "text"), []
    if alike and _same_tree(first, second):
        return Verdict("equal", "exact" if is_expression(first.node) else "structure"), []
    comparison = Comparison(options, Budget(), decided, special=first.special or second.special)
    try:
        comparison.budget.spend_on_text(len(answer) + len(reference))
        found = _found(first, second, comparison, alike=alike)
        if not found and (chosen := _chosen(answer, reference)):
            return chosen, []
    except LimitReachedError as error:
        return Verdict("unknown", cause="limit", detail=str(error)), comparison.pending
    except UndefinedError as error:
        return Verdict("unknown", cause="undefined", detail=str(error)), []
    except UndecidedError as error:
        return Verdict("unknown", cause="undecided", detail=str(error)), comparison.pending
    except RecursionError:
        return Verdict("unknown", cause="limit", detail="nested too deeply"), comparison.pending
    if found is None:
        cause: Cause = comparison.cause or "undecided"
        return Verdict("unknown", cause=cause, detail=comparison.detail), comparison.pending
    return Verdict("equal" if found else "different", comparison.tier), []


def _same_tree(first: Reading, second: Reading) -> bool:
    r"""Tell whether two texts say the same in other marks, as `1/2` and `\frac{1}{2}`."""
    if first.node is None or isinstance(first.node, Text) or first.node != second.node:
        return False
    beside = first.crossed == second.crossed and first.joined == second.joined
    return beside and always_defined(first.node)


def _found(first: Reading, second: Reading, comparison: Comparison, *, alike: bool) -> bool | None:
    assert first.node is not None
    assert second.node is not None
    found = _numbers(first.node, second.node, comparison)
    if found is None:
        found = _readings(first, second, comparison)
    if found is False and _same_figure(first, second, comparison):
        return comparison.open("a segment or an angle, and its measure")
    if not found:
        return found
    joined = {first.joined, second.joined}
    if joined == {"and", "or"} and not _are_regions(first, second):
        return comparison.open("one of them, or all of them")
    if joined == {"", "or"} and any(map(_is_tuple, (first.node, second.node))):
        return comparison.open("one of several, or a point")
    if _multiply_otherwise(first, second):
        return comparison.open("a cross product, and another product")
    if _nest_otherwise(first, second):
        return comparison.open("rows in brackets of their own, and others")
    if _is_place(first) != _is_place(second) and _is_count(first) != _is_count(second):
        return comparison.open("a place in an order, and a number")
    return found if alike else comparison.open("another currency, or another domain of the index")


def _is_tuple(node: Node | None) -> bool:
    return isinstance(node, Items) and node.kind == "tuple"


def _multiply_otherwise(first: Reading, second: Reading) -> bool:
    """Tell `a × b` from `a · b`, `ab` and `b × a`: with vectors these are other products."""
    return first.crossed != second.crossed


_ROWS = re.compile(r"\[(?:\[,{0,400}\],?){1,400}\]")


def _nest_otherwise(first: Reading, second: Reading) -> bool:
    """Tell `[[1], [2]]` and `[1, [2]]` from `[1, 2]`, but rows in brackets not from a matrix."""
    one, other = brackets_nested(first.text), brackets_nested(second.text)
    if one == other:
        return False
    matrices = [
        _ROWS.fullmatch(shape) is not None if shape else "\\begin" in reading.text
        for shape, reading in ((one, first), (other, second))
    ]
    return not all(matrices)


# Bars around the ends of a segment, and what says that an angle or a triangle is measured.
_BAR = re.compile(r"\\left\|?\||\\right\|?\||\\[lr]?[vV]ert(?![a-z])|\\\|")
_POINTS = re.compile(
    r"(?:\| ?|m ?(?=\\angle)|\\(?:angle|triangle) ?)"
    r"(?:\\(?:angle|vec|overline|overrightarrow)\b ?)?\{?([A-Z]{2,3}(?![A-Za-z]))\}? ?\|?"
)
# Without one of these neither of the two patterns changes a text.
_MARKED = re.compile(r"[A-Z]{2}|\\(?:left|right)?\\?\||[vV]ert")


def _same_figure(first: Reading, second: Reading, comparison: Comparison) -> bool:
    """Tell `|PQ|` and `m∠ABC` from other answers than `PQ` and `∠ABC`: many write one for both."""
    if not (_MARKED.search(first.text) or _MARKED.search(second.text)):
        return False
    bare = [_POINTS.sub(r" \1 ", _BAR.sub("|", each.text)) for each in (first, second)]
    if bare == [first.text, second.text]:
        return False
    left, right = (read(text.strip()).node for text in bare)
    return left is not None and right is not None and comparison.same(left, right) is not False


def _is_place(reading: Reading) -> bool:
    """Tell whether an answer is an ordinal in words: `the third`."""
    return isinstance(reading.node, Text) and is_place(reading.node.words)


_PLACE = re.compile(r"(?:st|nd|rd|th)\W{0,4}$")


def _is_count(reading: Reading) -> bool:
    """Tell whether an answer is a number, in words too, and not one such as `3rd`."""
    if isinstance(reading.node, Text):
        return not is_place(reading.node.words) and number_of(reading.node.words) is not None
    return isinstance(reading.node, Number) and not _PLACE.search(reading.text)


def _are_regions(first: Reading, second: Reading) -> bool:
    """Tell whether inequalities stand on both sides: the word between them is part of the sets."""
    return all(
        isinstance(each.node, Call) and each.node.name in ("either", "both")
        for each in (first, second)
    )


def _chosen(answer: str, reference: str) -> Verdict | None:
    choice = same_choice(answer, reference)
    return None if choice is None else Verdict("equal" if choice else "different", "text")


def _numbers(left: Node, right: Node, comparison: Comparison) -> bool | None:
    """Compare what most answers are, two numbers, without looking for structure."""
    if not (isinstance(left, Number) and isinstance(right, Number)):
        return None
    comparison.tier = "exact"
    return same_expression(left, right, comparison.options, comparison.budget).equal


def _readings(first: Reading, second: Reading, comparison: Comparison) -> bool | None:
    assert first.node is not None
    assert second.node is not None
    left, right = first.node, second.node
    if first.currency or second.currency:
        left, right = _in_dollars(first, second), _in_dollars(second, first)
    if first.choice and first.choice == second.choice:
        return True
    if isinstance(left, Text) != isinstance(right, Text):
        spoken, value = (first, right) if isinstance(left, Text) else (second, left)
        if spoken.stated is not None and _may_be_of(spoken, value):
            return comparison.same(spoken.stated, value)
    found = comparison.same(left, right)
    if found is False and (first.tens or second.tens):
        # Nobody has said whether such a logarithm is natural.
        found = comparison.same(first.tens or left, second.tens or right)
    if found is False and first.integers and second.integers:
        # Whatever the letter is that runs over the integers.
        old, new = first.integers, Symbol(second.integers)
        renamed = with_symbols(left, lambda each: new if each.name == old else each)
        found = comparison.same(renamed, right)
    if found is False and comparison.options.decimal_comma:
        for other, node in ((first.other, right), (second.other, left)):
            if other is not None and _fits(other, node) and comparison.same(other, node):
                return True
    return found


_OF_NO_NAME = re.compile(r"\b(?:answers?|results?|solutions?|values?|it)\b")


def _may_be_of(spoken: Reading, value: Node) -> bool:
    """Tell whether a sentence may speak of what an equation gives a value to.

    `Var(X) = 5`, which is read as words, does not say that `E(X) = 5`.
    """
    label = label_of(value) if isinstance(value, Relation) else None
    if label is None or isinstance(spoken.stated, Relation):
        return True
    words = spoken.node.words if isinstance(spoken.node, Text) else ""
    name = re.escape(label.name.lower()) if isinstance(label, Symbol) else "(?!)"
    return re.search(rf"(?<!\w){name}(?!\w)", words) is not None or (
        _OF_NO_NAME.search(words) is not None
    )


_CENTS = frozenset(["cent", "cents", "\u00a2"])


def _in_dollars(reading: Reading, other: Reading) -> Node:
    """Return the node; a sign of dollars counts beside cents."""
    node = reading.node
    assert node is not None
    cents = _unit_of(other.node) in _CENTS
    return (
        Quantity(node, "$")
        if cents and reading.currency == "dollar" and not _unit_of(node)
        else node
    )


def _same_qualifiers(first: Reading, second: Reading, options: Options) -> bool:
    """Tell whether what stands beside the values is the same: currency, domain of an index."""
    if first.domain and second.domain and first.domain != second.domain:
        return False
    if not (first.currency or second.currency or _unit_of(first.node)):
        return True
    one, other = _money(first), _money(second)
    if options.units == "ignore" or not (one or other):
        return True
    if one and other:
        return one == other
    # A sign of money beside a unit that is not money.
    bare = second if one else first
    unit = _unit_of(bare.node)
    return not (first.currency or second.currency) or not unit


def _same_amounts(answer: str, first: Reading, reference: str, second: Reading) -> bool:
    """Tell whether signs of money stand at the same items of two lists, where both have some."""
    if not (first.currency and second.currency):
        return True
    lists = [node for node in (first.node, second.node) if isinstance(node, Items)]
    if not lists:
        return True
    one, other = amounts_written(answer), amounts_written(reference)
    every = all(len(each) >= len(lists[0].items) for each in (one, other))
    return (every and len({amount[0] for amount in (*one, *other)}) == 1) or one == other


def _money(reading: Reading) -> str:
    return reading.currency or currency_of_unit(_unit_of(reading.node))


def _unit_of(node: Node | None) -> str:
    if isinstance(node, Relation):
        node = node.sides[-1]
    return node.unit if isinstance(node, Quantity) else ""


def _fits(other: Node, node: Node) -> bool:
    """Tell whether a second reading may count: a list against a list, a number against none."""
    return isinstance(other, Items) == isinstance(node, Items)


def _unread(first: Reading, second: Reading) -> Verdict:
    failed = second if second.node is None else first
    cause = failed.cause
    if failed is second and cause == "unparseable":
        cause = "reference unparseable"
    return Verdict("unknown", cause=cause, detail=failed.detail)
