"""One way of writing each sign, and nothing around an answer."""

from __future__ import annotations

import pytest

from catsdk.answers.engine.limits import MAX_TEXT, LimitReachedError
from catsdk.answers.engine.parse.cleaning import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("½ π", r"\frac{1}{2} \pi"),
        ("$5$", "5"),
        (r"\(5\)", "5"),
        ("= 5", "5"),
        (r"\text{The answer is }5", "5"),
        ("5 hours and 3 minutes", "5 hours 3 minutes"),
        ("\u22125", "-5"),
    ],
)
def test_what_means_the_same_is_written_alike(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_denial_before_a_value_stays() -> None:
    assert "not" in clean(r"\text{The answer is not }5")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(LimitReachedError):
        clean("1+" * MAX_TEXT)
