"""Values with error bounds: different is proven at a point, and what has no value is refused."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from catsdk.answers.engine.limits import Budget, LimitReachedError, UndecidedError, UndefinedError
from catsdk.answers.engine.numeric.evaluate import Evaluator, NotRealError
from catsdk.answers.engine.numeric.fields import doubles, precise
from catsdk.answers.engine.numeric.separation import separation_bits
from catsdk.answers.engine.numeric.values import same_value, value_of
from tests.answers.engine.trees import cases_of, tree_of


@pytest.mark.parametrize(
    ("text", "value"), [(r"\sqrt{2}+1", 1 + math.sqrt(2)), ("2^{0.5}", math.sqrt(2)), ("5!", 120.0)]
)  # fmt: skip
def test_a_value_lies_within_its_error_bound(text: str, value: float) -> None:
    found, error = value_of(tree_of(text), Budget())
    assert abs(found - value) <= error + 1e-15 * value
    assert error < 1e-12


def test_more_digits_have_a_smaller_error() -> None:
    node = tree_of(r"\sqrt{2}")
    rough, fine = (
        Evaluator(field, {}, Budget()).value(node)[1] * field.epsilon
        for field in (doubles(), precise(50))
    )
    assert fine < rough * 1e-30


@pytest.mark.parametrize(
    ("left", "right", "same"),
    cases_of(
        r"""
        \sin^2 x+\cos^2 x ≡ 1
        \sqrt{2+\sqrt{3}} ≡ \frac{\sqrt{6}+\sqrt{2}}{2}
        x^2 ≢ x
        \pi ≢ 3.14159265358979
        """
    ),
)
def test_expressions_are_the_same_where_they_agree_at_every_point(
    left: str, right: str, same: bool
) -> None:
    assert same_value(tree_of(left), tree_of(right), Budget()) is same


@pytest.mark.parametrize(
    ("text", "error"),
    [("1/0", UndefinedError), ("1, 2", UndecidedError), ("10^{10^{10}}", LimitReachedError)],
)
def test_what_has_no_value_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        value_of(tree_of(text), Budget())


def test_a_symbol_has_the_value_of_the_point_and_none_without() -> None:
    node = tree_of("x+1")
    found, _ = Evaluator(doubles(), {"x": Fraction(1, 2)}, Budget()).value(node)
    assert found == 1.5
    with pytest.raises(UndecidedError, match="x has no value"):
        Evaluator(doubles(), {}, Budget()).value(node)


def test_over_the_reals_the_root_of_a_negative_number_has_no_value_but_the_cube_root_has() -> None:
    real = Evaluator(doubles(), {}, Budget(), real=True)
    with pytest.raises(NotRealError):
        real.value(tree_of(r"\sqrt{-1}"))
    assert real.value(tree_of(r"\sqrt[3]{-8}"))[0] == pytest.approx(-2)


def test_algebraic_numbers_are_separated_by_a_known_number_of_bits() -> None:
    left, right = tree_of(r"\sqrt{2}"), tree_of("1")
    bits = separation_bits(left, right, 10_000)
    assert bits is not None
    assert abs(math.sqrt(2) - 1) > 2.0**-bits
    assert separation_bits(tree_of(r"\pi"), right, 10_000) is None
