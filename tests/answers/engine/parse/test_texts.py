"""Boxes and formulas in a text are found where they begin and end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catsdk.answers.engine.parse import boxes, sentences

PIECES = st.sampled_from(
    [
        "{",
        "}",
        "\\frac",
        "\\text{",
        "\\{",
        "\\}",
        "\\\\",
        "\\,",
        "\\",
        "1",
        "x",
        " ",
        "\n",
        "é",
        "{2}",
    ]
)


def test_the_last_box_counts_and_those_that_belong_together_are_one_answer() -> None:
    for text, content in (
        (r"We try \boxed{1}. It fails. So it is \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and \boxed{2}", "1, 2"),
    ):
        found = boxes.joined_boxes(text)
        assert found is not None
        assert found[2] == content
    assert boxes.joined_boxes("none") is None


@given(st.lists(PIECES, max_size=9).map("".join), st.sampled_from(["", ".", "}", "$ m"]))
def test_a_single_box_is_read_as_it_is_where_the_text_speaks_of_boxes(
    content: str, behind: str
) -> None:
    text = f"so \\boxed{{{content}}}{behind}"
    assert boxes.joined_boxes(text) == boxes.joined_boxes(f"{text} box")


def test_a_box_in_a_formula_is_told_from_one_in_a_sentence() -> None:
    for text, factor in (
        (r"2\boxed{5}", True),
        (r"-\boxed{5}", True),
        (r"\boxed{5}^2", True),
        (r"$x = \boxed{5}$.", False),
        (r"Step 2 gives \boxed{5} apples - as asked", False),
    ):
        found = boxes.joined_boxes(text)
        assert found is not None
        assert boxes.is_factor(text, found[0], found[1]) is factor


def test_a_box_that_does_not_close_is_seen() -> None:
    assert boxes.ends_in_box(r"so \boxed{3")
    assert not boxes.ends_in_box(r"\boxed{3}")


def test_formulas_and_numbers_are_found_with_their_places() -> None:
    assert sentences.formulas_and_numbers("is 5 and $x$") == [(3, 4, "5"), (9, 12, "x")]


def test_the_last_of_formula_and_number_counts() -> None:
    assert sentences.last_expression("we get $x=2$, then 7") == "7"
    assert sentences.last_expression("7 then $x=2$") == "x=2"
    assert sentences.last_expression("nothing") is None
