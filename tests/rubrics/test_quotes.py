"""A quote counts when the response really holds it, however it is dressed."""

from time import process_time

import pytest

from catsdk.rubrics.quotes import Quotable, stands_in

RESPONSE = (
    "First, take **50 mg** of the drug.\nThen wait\u200b two hours \u2014 don\u2019t drive. `x=1`"
)


@pytest.mark.parametrize(
    "quote",
    [
        "take 50 mg of the drug",
        '"take 50 mg of the drug."',
        "TAKE 50 MG",
        "drug. Then   wait two hours",
        "wait two hours - don't drive",
        "take ... drug ... drive",
        "First [...] two hours",
        "\u201cdon\u2019t drive\u201d",
        "x=1",
    ],
)
def test_words_that_stand_there_are_found_despite_their_look(quote: str) -> None:
    assert stands_in(quote, RESPONSE)


@pytest.mark.parametrize(
    "quote",
    [
        "take 500 mg",
        "take 5 mg",
        "drive ... take",
        "do drive",
        "...",
        "",
        '""',
        "**",
        "x=2",
        "- \u2026 -",
    ],
)
def test_words_that_do_not_stand_there_are_not_found(quote: str) -> None:
    assert not stands_in(quote, RESPONSE)


@pytest.mark.parametrize("quote", ["a" + " " * 19_000 + "b", "a" + " [" * 9_000, "." * 20_000])
def test_a_quote_made_to_be_slow_is_not(quote: str) -> None:
    start = process_time()
    assert not stands_in(quote, RESPONSE)
    assert process_time() - start < 1


@pytest.mark.parametrize(
    ("quote", "response"),
    [
        ("safe", "This drug is unsafe."),
        ("safe", "This drug is un-safe."),
        ("toxic", "It is non-toxic"),
        ("sugar", "a sugar-free drink"),
        ("50 mg", "Take 250 mg"),
        ("5 mg", "Take 0.5 mg"),
        ("5 mg", "Take .5 mg"),
        ("5 mg", "Take 3-5 mg"),
        ("1", "It is 1/2 of it"),
        ("12", "12,500 people"),
        ("500", "12,500 people"),
        ("10", "10^6 cells"),
        ("5 degrees", "It was -5 degrees"),
        ("5 degrees", "It was \u22125 degrees"),
        ("can", "You can't drive"),
        ("\u5b89\u5168", "\u8fd9\u4e2a\u836f\u4e0d\u5b89\u5168"),
        ("You should ... exceed 50 mg", "You should never exceed 50 mg"),
        ("Sie sollten ... fahren", "Sie sollten danach nicht fahren"),
        ("Il faut ... conduire", "Il faut alors ne pas conduire"),
        ("take it ... at night", "take it" + " and wait" * 100 + " at night"),
        (" ... ".join("abcdefg"), " ".join("abcdefg")),
    ],
)
def test_a_quote_that_says_something_else_than_the_response_is_not_found(
    quote: str, response: str
) -> None:
    assert not stands_in(quote, response)


@pytest.mark.parametrize(
    ("quote", "response"),
    [
        ("safe", "It is unsafe there, but safe here."),
        ("50 mg", "Take 250 mg, or better 50 mg."),
        ("5 hours", "Wait\u20145 hours are enough"),
        ("-5 degrees", "It was \u22125 degrees"),
        ("the patient", "the patient's dose"),
        ("\u5b89\u5168", "\u8fd9\u4e2a\u836f\u5f88\u5b89\u5168"),
        ("\uc11c\uc6b8", "\uc11c\uc6b8\uc740 \ud06c\ub2e4"),
        ("Take it. ... Drive home", "Take it. Do not wait. Drive home"),
        ("take ... home", "take the train and not the car, or take the tram home"),
        ("x \\\\frac{1}{2}", "x \\frac{1}{2}\\times\\beta"),
        ("one\\ntwo", "one\ntwo"),
        ("B", "B"),
    ],
)
def test_whole_words_and_numbers_are_found_wherever_they_stand(quote: str, response: str) -> None:
    assert stands_in(quote, response)


def test_a_letter_or_two_show_nothing_but_a_number_does() -> None:
    quotable = Quotable("E. of a the 7 \u4e0d\u884c")
    assert [quotable.is_told_by(quote) for quote in ("a", "of", "E.")] == [False] * 3
    assert [quotable.is_told_by(quote) for quote in ("the", "7", "\u4e0d\u884c")] == [True] * 3


def test_a_response_of_one_letter_is_shown_by_that_letter() -> None:
    assert Quotable("B.").is_told_by("B")


@pytest.mark.parametrize(
    "response",
    ["a" + "\u0301" * 120_000, ("a" + "\u0301" * 31) * 5_000, "a" * 200_000, "a " * 100_000],
    ids=["marks", "many marks", "letters", "words"],
)
def test_a_response_made_to_be_slow_is_not_and_is_normalised_once(response: str) -> None:
    quotable = Quotable(response)
    start = process_time()
    quotable.holds("b")
    first = process_time() - start
    for _ in range(20):
        quotable.holds("b ... a ... a")
    assert first < 1
    assert process_time() - start < 4
