"""What an expression is made of, and what it needs to have a value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine import traversal
from catsdk.answers.engine.tree import Number, Numeral
from tests.answers.engine.trees import tree_of


def test_a_letter_that_a_sum_runs_over_is_not_free() -> None:
    assert traversal.symbols_of(tree_of("x+y^2")) == {"x", "y"}
    assert traversal.symbols_of(tree_of(r"\sum_{k=1}^{n} k")) == {"n"}


@pytest.mark.parametrize(("text", "defined"), [("1/2", True), ("1/x", False), (r"\log x", False)])
def test_only_division_by_plain_numbers_is_surely_defined(text: str, defined: bool) -> None:
    assert traversal.always_defined(tree_of(text)) is defined


def test_a_function_without_a_definition_is_named() -> None:
    assert traversal.undefined_in(tree_of("f(2)+1")) == {"f"}
    assert traversal.undefined_in(tree_of(r"\sin 2")) == frozenset()


def test_a_capital_letter_with_an_inverse_may_be_a_matrix() -> None:
    assert traversal.holds_matrices(tree_of("A^{-1} B"))
    assert not traversal.holds_matrices(tree_of("x^{-1} y"))


def test_symbols_are_replaced_wherever_they_stand() -> None:
    assert traversal.with_symbols(tree_of("2x+x"), lambda _: Number(Fraction(3))) == tree_of(
        "2(3)+3"
    )


def test_digits_in_a_base_are_worth_their_places() -> None:
    node = tree_of("101_2")
    value = (
        Fraction(traversal.worth(node)) if isinstance(node, Numeral) else getattr(node, "value", 0)
    )
    assert value == 5
