"""Words beside numbers: numbers in words, units, what is counted, money, choices."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catsdk.answers.engine.parse import assertions, counting, currencies, notation, units, wording
from catsdk.answers.engine.parse.number_words import number_of
from catsdk.answers.engine.tree import Items, Number, Symbol, Text
from tests.answers.engine.trees import tree_of


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("twenty-one", Fraction(21)),
        ("one hundred and five", Fraction(105)),
        ("three quarters", Fraction(3, 4)),
        ("a dozen", Fraction(12)),
        ("seven cats", None),
        ("", None),
    ],
)
def test_a_number_in_words_is_one_only_if_every_word_belongs_to_it(
    words: str, value: Fraction | None
) -> None:
    assert number_of(words) == value


def test_units_of_one_dimension_have_sizes_that_convert() -> None:
    metre, hour = units.factor_of("m"), units.factor_of("km / h")
    assert metre is not None
    assert units.factor_of("km") == (metre[0], Fraction(1000))
    assert hour is not None
    assert hour[1] == Fraction(5, 18)
    assert units.factor_of("apples") is None


def test_a_letter_that_may_be_a_variable_is_no_unit_by_itself() -> None:
    assert not units.is_unit("m")
    assert units.is_unit("meters")


def test_the_case_of_an_abbreviation_tells_milli_from_mega() -> None:
    assert units.with_cased_units("5 mW and 5 MW") == "5 milliwatt and 5 megawatt"


def test_scales_and_money_are_known_by_their_unit() -> None:
    assert units.scale_of("fahrenheit") == "F"
    assert units.is_money("dollars")
    assert units.unit_of("percent") == "%"
    assert currencies.currency_written("€5") == "euro"
    assert currencies.currency_of_unit("yen") == "yen"
    assert currencies.currency_of_unit("cats") == ""
    assert currencies.amounts_written("€5 and $3") == ["$3", "€5"]


@pytest.mark.parametrize("words", ["apples", "ways", "people in the room", "per day"])
def test_words_that_say_what_is_counted_leave_the_number_as_it_is(words: str) -> None:
    assert counting.names_what_counts(words)


@pytest.mark.parametrize("words", ["not", "less than", "wrong"])
def test_words_that_deny_or_compare_count_nothing(words: str) -> None:
    assert not counting.names_what_counts(words)


def test_more_words_behind_the_same_noun_say_the_same() -> None:
    assert counting.same_words("apples", "apples in total")
    assert not counting.same_words("apples", "pears")


def test_a_sentence_asserts_its_value_with_the_unit_unless_it_denies_or_doubts() -> None:
    assert assertions.asserted_value("The area is 5 cm.") == "5 cm"
    assert assertions.asserted_value("It is not 5.") is None
    assert assertions.asserted_value("perhaps 5") is None
    assert assertions.changes_value("squared")
    assert not assertions.changes_value("apples")


def test_a_choice_is_one_letter_however_it_is_written() -> None:
    assert wording.choice_letters("(C)") == wording.choice_letters("c") == "C"
    assert wording.choice_letters("cat") is None
    assert wording.same_choice("B", "(B) 25") is True
    assert wording.same_choice("A", "(B) 25") is False
    assert wording.is_undecided("A or B")
    assert not wording.is_undecided("A")


def test_words_may_stand_for_a_number_or_a_set() -> None:
    assert wording.text_as_node(Text("seven")) == Number(Fraction(7))
    assert wording.text_as_node(Text("no solution")) == Items("set", ())
    assert wording.same_text(Text("the cat"), Text("cat")) is True
    assert wording.same_text(Text("cat"), Text("dog")) is False
    assert wording.mentions(Text("there are 5 of them"), Fraction(5))


def test_a_mixed_number_is_a_sum_and_names_may_be_vectors() -> None:
    assert tree_of("2 1/2") == tree_of("2 + 1/2")
    assert notation.is_name("ABC")
    assert not notation.is_name("Ab")
    assert notation.may_be_vector(Symbol("a"))
    assert not notation.may_be_vector(Number(Fraction(2)))
