"""Each policy decides the pairs that it is about."""

import pytest

from catsdk.answers.compare import same
from catsdk.answers.options import Options
from catsdk.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("options", "answer", "reference", "equal"),
    [
        (Options(percent="either"), "28%", "28", True),
        (Options(percent="either"), "28%", "0.28", True),
        (Options(percent="fraction"), "28%", "28", False),
        (Options(percent="fraction"), "28%", "0.28", True),
        (Options(percent="number"), "28%", "28", True),
        (Options(percent="number"), "28%", "0.28", False),
        (Options(units="convert"), "1 hour", "60 minutes", True),
        (Options(units="ignore"), "5 cm", "5 km", True),
        (Options(units="strict"), "5 cm", "5", False),
        (Options(units="strict"), "5 cm", "0.05 m", True),
        (Options(ordered=False), "1, 2", "2, 1", True),
        (Options(ordered=True), "1, 2", "2, 1", False),
        (Options(ordered=True), "1, 2", "1, 2", True),
        (Options(labels=True), "x = 5", "5", True),
        (Options(labels=False), "x = 5", "5", False),
        (Options(omitted_base=True), "204_5", "204", True),
        (Options(omitted_base=False), "204_5", "204", False),
        (Options(omitted_base=False), "204_5", "54", True),
        (Options(open_intervals=True), "(1,2)", "1 < x < 2", True),
        (Options(open_intervals=False), "(1,2)", "1 < x < 2", False),
        (Options(ratios=True), "1:2", "1/2", True),
        (Options(ratios=False), "1:2", "1/2", False),
        (Options(decimal_comma=True), "1,22", "1.22", True),
        (Options(decimal_comma=False), "1,22", "1.22", False),
        (Options(rounded_places=6), "0.333333", "1/3", True),
        (Options(rounded_places=None), "0.333333", "1/3", False),
        (Options(rounded_places=2), "0.33", "1/3", False),
        (Options(rounded_places=3), "3.142", r"\pi", True),
        (Options(absolute=0.01), "3.14", r"\pi", True),
        (Options(absolute=0.001), "3.14", r"\pi", False),
        (Options(relative=0.01), "100", "101", True),
        (Options(relative=0.001), "100", "101", False),
    ],
)
def test_a_policy_decides(options: Options, answer: str, reference: str, *, equal: bool) -> None:
    assert same(answer, reference, options).equal is equal
    assert same(reference, answer, options).equal is equal


@pytest.mark.parametrize("name", ["percent", "units"])
def test_a_word_that_is_no_policy_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match=name):
        Options(**{name: "sometimes"})  # type: ignore[arg-type]
