"""Expressions, statements and collections are decided, or left open where a doubt remains."""

from __future__ import annotations

import pytest

from catsdk.answers.engine.limits import Budget, UndefinedError
from catsdk.answers.engine.structure.claims import claims_nothing
from catsdk.answers.engine.structure.comparison import Comparison
from catsdk.answers.engine.structure.expressions import infinity_of, same_expression
from catsdk.answers.engine.structure.items import nesting, same_items
from catsdk.answers.engine.structure.relations import needs_solving, same_relation
from catsdk.answers.engine.structure.witnesses import tell_apart
from catsdk.answers.options import Options
from tests.answers.engine.trees import cases_of, items_of, relation_of, tree_of


@pytest.mark.parametrize(
    ("left", "right", "equal", "tier"),
    [
        ("x+x", "2x", True, "exact"),
        ("x", "y", False, "exact"),
        ("0.333", "1/3", False, "exact"),
        (r"\pi", "e+x", False, "numeric"),
    ],
)
def test_expressions_are_decided_by_the_first_tier_that_can(
    left: str, right: str, equal: bool, tier: str
) -> None:
    found = same_expression(tree_of(left), tree_of(right), Options(), Budget())
    assert (found.equal, found.tier) == (equal, tier)


def test_an_expression_without_a_value_is_the_same_as_nothing() -> None:
    with pytest.raises(UndefinedError):
        same_expression(tree_of("1/0"), tree_of("1"), Options(), Budget())


@pytest.mark.parametrize(
    ("text", "sign"), [(r"\infty", 1), (r"-\infty", -1), (r"2+\infty", 2), ("2", 0)]
)
def test_infinity_is_told_by_its_sign_and_place(text: str, sign: int) -> None:
    assert infinity_of(tree_of(text)) == sign


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        x=2 ≡ 2
        x=2 ≢ 3
        x=2 ≢ y=2
        x>1 ≡ 1<x
        x \ne 1 ≢ x=1
        """
    ),
)
def test_a_relation_is_its_value_or_another_writing_of_itself(
    left: str, right: str, same: bool
) -> None:
    found = same_relation(relation_of(left), tree_of(right), Comparison(Options(), Budget()))
    assert found is same


def test_equations_of_several_names_need_solving_and_values_of_names_do_not() -> None:
    assert needs_solving(tree_of("x+y=3, x-y=1"))
    assert not needs_solving(tree_of("x=2, y=1"))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        x > 1 ≢ x > 2
        x^2=4 ≢ x=2
        y = 2x ≢ y = 3x
        2y=4x ≡ y=2x
        x > 1 ≡ x > 1
        """
    ),
)
def test_a_point_at_which_one_statement_holds_tells_them_apart(
    left: str, right: str, same: bool
) -> None:
    assert tell_apart(tree_of(left), tree_of(right), Budget()) is not same


@pytest.mark.parametrize(
    ("text", "nothing"), [("x=x", True), ("x+1=2+x-1", True), ("0=1", True), ("x=2", False)]
)
def test_an_identity_says_nothing(text: str, nothing: bool) -> None:
    assert claims_nothing(relation_of(text), Budget()) is nothing


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        (1,2) ≢ (2,1)
        1, 2 ≡ 2, 1
        \{1,2\} ≡ \{2,1\}
        1, 2 ≢ 1, 3
        1, 2 ≢ 1, 2, 3
        """
    ),
)
def test_the_order_of_items_counts_in_a_tuple_alone(left: str, right: str, same: bool) -> None:
    found = same_items(items_of(left), items_of(right), Comparison(Options(), Budget()))
    assert found is same


def test_sets_of_sets_are_told_by_their_nesting() -> None:
    assert len({nesting(tree_of(text)) for text in ("1", r"\{1, 2\}", r"\{\{1\}, 2\}")}) == 3


def test_what_the_bounded_tiers_leave_open_is_asked_and_may_be_given_decided() -> None:
    left, right = tree_of(r"\int_0^1 x dx"), tree_of("1/2")
    first = Comparison(Options(), Budget())
    assert first.same(left, right) is None
    (pair,) = first.pending
    for decision in (True, False):
        again = Comparison(Options(), Budget(), {pair: decision})
        assert again.same(left, right) is decision
        assert again.pending == []
