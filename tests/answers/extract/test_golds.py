"""Gold answers are reduced to their final answer, and short ones stay as they are."""

import math

import pytest

from catsdk.answers.extract.golds import gold_answer, gold_answers

SOLUTION = (
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n"
    "Natalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May."
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"{SOLUTION}\n#### 72", "72"),
        (SOLUTION, "72"),
        (r"Thus $x = 3$, so the area is $\boxed{9}$.", "9"),
        ("The answer is 72.", "72"),
        ('{"answer": 1e5}', "1e5"),
        ("<answer>72</answer>", "72"),
        (" 72 clips ", "72 clips"),
    ],
)
def test_a_gold_text_is_reduced_to_its_final_answer(text: str, answer: str) -> None:
    assert gold_answer(text) == answer


@pytest.mark.parametrize(
    "text",
    [
        "72",
        "x = 5 or x = -5",
        "5 or 6",
        "No solution: the lines are parallel",
        "No solution is possible",
        "not enough information",
        "Paris",
        "(B)",
        "17 × 23",
        "Mix 3 cups of flour.",
        "maybe",
    ],
)
def test_a_gold_text_that_is_an_answer_stays_as_it_is(text: str) -> None:
    assert gold_answer(text) == text


def test_a_list_holds_the_answers_that_are_accepted() -> None:
    assert gold_answers(["#### 72", "72", 72.5, None]) == ("72", "72.5")
    assert gold_answers(("a", ["b"])) == ("a", "b")
    assert gold_answers("[1, 2]") == ("[1, 2]",)


@pytest.mark.parametrize("nothing", [None, "", math.nan, [], [None]])
def test_an_empty_cell_has_no_answer(nothing: object) -> None:
    assert gold_answers(nothing) == ()


def test_what_is_neither_text_nor_number_is_refused() -> None:
    with pytest.raises(TypeError, match="a text or a number, not {'a': 1}"):
        gold_answers({"a": 1})
