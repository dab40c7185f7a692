"""Whole answers become trees: brackets, lists, rows, logic; what is no answer is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine import tree
from catsdk.answers.engine.limits import MAX_NESTING, LimitReachedError, UnreadableError
from catsdk.answers.engine.parse.brackets import enclosed, lone_values, matrix_of
from catsdk.answers.engine.parse.lexer import tokens_of
from catsdk.answers.engine.parse.lists import (
    Separated,
    is_proposition,
    listed,
    row_of,
    rows_of,
)
from catsdk.answers.engine.parse.statements import parse, parse_with_crosses
from tests.answers.engine.trees import items_of, tree_of

ONE, TWO, THREE, FOUR = (tree.Number(Fraction(at)) for at in (1, 2, 3, 4))
X, Y = tree.Symbol("x"), tree.Symbol("y")


def is_one(name: tree.Symbol, value: tree.Node) -> tree.Relation:
    return tree.Relation((name, value), ("=",))


def test_brackets_say_what_stands_in_them() -> None:
    pair: Separated = [("", ONE), (",", TWO)]
    assert enclosed("(", ")", pair) == tree.Items("tuple", (ONE, TWO))
    assert enclosed("[", ")", pair) == tree.Interval(ONE, TWO, (True, False))
    assert enclosed("(", ")", [("", ONE)]) == ONE
    with pytest.raises(UnreadableError, match="closed by"):
        enclosed("[", ")", [("", ONE)])


def test_rows_of_equal_length_are_a_matrix_and_others_are_none() -> None:
    row = tree.Interval(ONE, TWO, (True, True))
    assert matrix_of([row, row], [False, False]) == tree.Matrix(((ONE, TWO), (ONE, TWO)))
    assert matrix_of([row, tree.Items("tuple", (ONE, TWO, THREE))], [False, False]) is None
    assert matrix_of([ONE, TWO], [True, True]) == tree.Matrix(((ONE,), (TWO,)))


def test_a_value_in_braces_of_its_own_is_told_from_a_bare_one() -> None:
    assert lone_values(tokens_of("{1},2,{3,4}")) == [True, False, False]


def test_two_separators_part_rows() -> None:
    found: Separated = [("", ONE), (",", TWO), (";", THREE), (",", FOUR)]
    assert rows_of(found) == [[ONE, TWO], [THREE, FOUR]]
    assert rows_of(found[:2]) is None
    # The word before the last item alone parts nothing.
    assert rows_of([("", ONE), (",", TWO), ("and", THREE)]) is None


def test_values_in_a_row_are_a_tuple_and_equations_a_list() -> None:
    assert row_of([ONE, TWO]) == tree.Items("tuple", (ONE, TWO))
    equations = is_one(X, ONE), is_one(Y, TWO)
    assert row_of([*equations]) == tree.Items("list", equations)


def test_signs_of_logic_join_propositions_but_make_a_list_of_values() -> None:
    p, q = tree.Symbol("p"), tree.Symbol("q")
    assert is_proposition(p)
    assert not is_proposition(ONE)
    assert listed([("", p), ("land", q)], "list") == tree.Call("and", (p, q))
    assert listed([("", ONE), ("land", TWO)], "list") == tree.Items("list", (ONE, TWO))
    with pytest.raises(UnreadableError, match="next to .or"):
        listed([("", p), ("land", q), ("lor", p)], "list")


def test_nothing_between_separators_is_refused() -> None:
    with pytest.raises(UnreadableError):
        listed([], "list")


def test_each_name_has_the_values_that_follow_it() -> None:
    assert items_of("x = 1, 2 and y = 3, 4").items == (
        tree.Items("list", (is_one(X, ONE), is_one(X, TWO))),
        tree.Items("list", (is_one(Y, THREE), is_one(Y, FOUR))),
    )


@pytest.mark.parametrize(
    ("text", "node"),
    [
        (r"\{1, 2\}", tree.Items("set", (ONE, TWO))),
        (
            "x < 1 or x > 3",
            tree.Call(
                "either", (tree.Relation((X, ONE), ("<",)), tree.Relation((X, THREE), (">",)))
            ),
        ),
        (
            r"[1, 2) \cup [3, 4)",
            tree.Union(
                (tree.Interval(ONE, TWO, (True, False)), tree.Interval(THREE, FOUR, (True, False)))
            ),
        ),
        (
            r"\mathbb{R}",
            tree.Interval(tree_of(r"-\infty"), tree.Constant("infinity"), (False, False)),
        ),
        (r"\emptyset", tree.Items("set", ())),
        ("2 km", tree.Quantity(TWO, "km")),
    ],
)
def test_an_answer_has_one_tree(text: str, node: tree.Node) -> None:
    assert tree_of(text) == node


@pytest.mark.parametrize("text", ["(1, 2", "x \\to 3", "1 + ", "\\begin{matrix} 1"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse(text)


def test_depth_is_bounded() -> None:
    with pytest.raises((LimitReachedError, UnreadableError)):
        parse("(" * (MAX_NESTING + 9) + "1" + ")" * (MAX_NESTING + 9))


def test_a_cross_between_names_is_reported_for_they_may_be_vectors() -> None:
    assert parse_with_crosses(r"a \times b")[1] != ""
    assert parse_with_crosses(r"2 \times 3")[1] == ""
