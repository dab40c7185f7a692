"""A quote counts when the response really holds it, however it is dressed."""

from time import process_time

import pytest

from catsdk.rubrics.quotes import stands_in

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
