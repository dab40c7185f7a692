"""Exact arithmetic: equal expressions have one form, and what is uncertain is not decided."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine.arithmetic import polynomials
from catsdk.answers.engine.arithmetic.normal_form import Normaliser
from catsdk.answers.engine.arithmetic.rationals import arithmetic_of
from catsdk.answers.engine.arithmetic.sines import sine_of_turn
from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from tests.answers.engine.trees import tree_of


def difference_is_zero(left: str, right: str) -> bool | None:
    forms = Normaliser(Budget())
    other = polynomials.negated(forms.form(tree_of(right)))
    return forms.is_zero(forms.plus(forms.form(tree_of(left)), other))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("(x+1)^2", "x^2+2x+1"),
        (r"\sqrt{8}", r"2\sqrt{2}"),
        (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),
        (r"2^{1/2} 3^{1/2}", r"\sqrt{6}"),
        (r"\sin(\pi/6)", "1/2"),
        (r"\log_2 8", "3"),
        ("5!", "120"),
        ("x/y + 1", "(x+y)/y"),
    ],
)
def test_equal_expressions_have_one_form(left: str, right: str) -> None:
    assert difference_is_zero(left, right) is True


@pytest.mark.parametrize(
    ("left", "right"), [("x", "y"), ("x/y", "x/z"), (r"\sqrt{2}", r"\sqrt{3}"), ("2^{10}", "1023")]
)
def test_different_expressions_differ(left: str, right: str) -> None:
    assert difference_is_zero(left, right) is False


def test_constants_that_may_depend_on_each_other_are_not_decided() -> None:
    assert difference_is_zero(r"\pi", "e + x") is None


@pytest.mark.parametrize(
    ("text", "error"),
    [("1/0", UndefinedError), (r"\infty", UndecidedError), ("1, 2", UndecidedError)],
)
def test_what_has_no_form_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Normaliser(Budget()).form(tree_of(text))


def test_a_form_ends_with_its_budget() -> None:
    with pytest.raises(LimitReachedError):
        Normaliser(Budget(20)).form(tree_of("(x+1)^9"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/2+1/3", Fraction(5, 6)),
        ("2^10", Fraction(1024)),
        ("2^{-2}", Fraction(1, 4)),
        ("50 %", Fraction(1, 2)),
        ("2^1000", None),
        ("x+1", None),
        ("1/0", None),
    ],
)
def test_plain_arithmetic_has_a_rational_value_or_none(text: str, value: Fraction | None) -> None:
    assert arithmetic_of(tree_of(text), Budget()) == value


def test_sines_of_common_angles_are_exact() -> None:
    assert sine_of_turn(Fraction(1, 12)) == polynomials.constant(Fraction(1, 2))
    assert sine_of_turn(Fraction(1, 4)) == polynomials.constant(1)
    assert sine_of_turn(Fraction(1, 7)) is None


def test_forms_add_multiply_and_divide_as_fractions_do() -> None:
    budget, x = Budget(), polynomials.single("x")
    square = polynomials.multiplied(x, x, budget)
    assert polynomials.raised(x, 2, budget) == square
    assert polynomials.divided(square, x, budget) == x
    assert polynomials.added(x, polynomials.negated(x), budget).rational == 0
    assert polynomials.scaled(polynomials.constant(3), Fraction(1, 3)).rational == 1
    with pytest.raises(UndefinedError):
        polynomials.divided(x, polynomials.constant(0), budget)


def test_equal_forms_share_a_key_and_a_number_its_prime_factors() -> None:
    budget, x, y = Budget(), polynomials.single("x"), polynomials.single("y")
    one, other = polynomials.added(x, y, budget), polynomials.added(y, x, budget)
    assert polynomials.key_of(one) == polynomials.key_of(other)
    assert polynomials.key_of(one) != polynomials.key_of(x)
    assert polynomials.factors_of(12) == {"#2": 2, "#3": 1}
