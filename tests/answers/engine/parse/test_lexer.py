"""Numbers and signs are told apart, however a number is grouped or repeats."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine.limits import MAX_TOKENS, LimitReachedError
from catsdk.answers.engine.parse.lexer import read_decimal, repeating, tokens_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,000", Fraction(1000)),
        ("12,34,567", Fraction(1_234_567)),
        ("1'000", Fraction(1000)),
        ("0.5", Fraction(1, 2)),
        ("0.1666...", Fraction(1, 6)),
        (r"0.\overline{3}", Fraction(1, 3)),
        ("0.(142857)", Fraction(1, 7)),
        ("1e3", Fraction(1000)),
    ],
)
def test_a_number_has_one_value_however_it_is_written(text: str, value: Fraction) -> None:
    assert read_decimal(text).value == value


def test_written_decimals_are_counted_and_an_exact_number_has_none() -> None:
    assert read_decimal("0.50").places == 2
    assert read_decimal("0.(3)").places is None


def test_a_repeating_decimal_may_begin_with_fixed_digits() -> None:
    assert repeating("0", "1", "6") == Fraction(1, 6)
    assert repeating("1", "", "9") == 2


def test_letters_commands_and_signs_are_tokens_of_their_kinds() -> None:
    assert tokens_of(r"2x + \frac{1}{3}") == [
        ("number", "2"), ("symbol", "x"), ("sign", "+"), ("function", "frac"), ("sign", "{"),
        ("number", "1"), ("sign", "}"), ("sign", "{"), ("number", "3"), ("sign", "}"),
    ]  # fmt: skip


def test_too_many_tokens_are_refused() -> None:
    with pytest.raises(LimitReachedError):
        tokens_of("+1" * MAX_TOKENS)
