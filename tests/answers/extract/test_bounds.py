"""No text makes the search for its answer long, and no answer is longer than a bound."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.answers.extract import (
    ANYWHERE,
    BOXED,
    MAX_ANSWER,
    STATED,
    Extraction,
    extract_answer,
)

HOSTILE = [
    r"\( ", r"\[ ", "$ ", "$$ ", r"\boxed{", "{", "**", "** a ", "the answer is ", "answer: 5 or ",
    "A: \n", "#### \n", "<answer>", '{"answer": "', '"answer":', '{"a":', "1,", "1 ", "= ", "1=1 ",
    "is ", "it is 5, ", '"', ". ", "\n", " ", "a", "word ", "not ", "A. ", "(", "_", r"\frac{",
    "<think>", "1+", "x ", "5 or ", "5 and ", "答案是", "wait, ", "```\n", "solution ", "final ",
    "1", "-", r"\text{a} ", "$a=b$ ", "5 m ", "**5** ", "seven ", "1:", "1/", "1e1", "$5 ",
    "The answer is 1,2,3 or x^2 = **",
    "if 1 ", "put your answer ", "needs to form ", "either a ", "many students ", "5! ",
    "5 times as ", "选A", "? \nQ", "&", "n't ", "5\n6\n", "\n \n", "<tool_call>", "Bob's answer ",
    "for even ",
]  # fmt: skip


PIECES = [
    *(
        "The answer is ",
        "Answer: ",
        "So ",
        "x = ",
        "42",
        "7",
        "-3",
        "1/2",
        " or ",
        " and ",
        " not ",
    ),
    *(
        "maybe ",
        "**",
        "$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\boxed{",
        "}",
        "{",
        '"answer": ',
        '"',
        ",",
    ),
    *(
        "\n",
        "\n\n",
        ". ",
        "?",
        "#### ",
        "<answer>",
        "</answer>",
        "<think>",
        "</think>",
        "(B)",
        "= ",
    ),
    *("...", "…", "\\frac{1}{2}", "apples", " is ", "```", "\ud800", "\u0000", "答案是", "٣", "²"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.booleans())
def test_whatever_the_text_there_is_an_answer_with_its_rule_or_neither(
    text: str, cut: bool
) -> None:
    found = ANYWHERE.extract(text, cut=cut)
    assert (found.answer is None) == (found.rule is None)
    assert found.answer is None or 0 < len(found.answer.strip()) <= MAX_ANSWER


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_no_long_time(piece: str) -> None:
    text = piece * (51_000 // len(piece))
    part = text[:19_000]
    for hostile in (text, f"The answer is {part}", f"{part} is 5.", rf"\boxed{{5}} {part} = 5"):
        start = time.process_time()
        ANYWHERE.extract(hostile)
        # A tenth of that is usual; the bound leaves room for slow machines.
        assert time.process_time() - start < 0.3


def test_a_box_of_over_a_thousand_characters_is_no_answer_and_nothing_else_is_taken() -> None:
    assert STATED.extract(r"\boxed{5" + "+1" * 600 + "}") == Extraction(None, None)
    assert ANYWHERE.extract(r"It is \boxed{" + "7 " * 30_000 + "}").answer is None
    assert extract_answer("x" * 1_000_000 + r"\boxed{1}") == "1"


def test_the_last_box_counts_however_many_there_are() -> None:
    assert BOXED.extract(r"\boxed{" * 3_000 + "1" + "}" * 3_000).answer is None
    assert BOXED.extract(r"\boxed{1} then " * 1_500 + r"\boxed{2}").answer == "2"


def test_thinking_that_began_before_the_part_that_is_searched_is_not_searched() -> None:
    assert extract_answer("<think>" + "hmm " * 6_000 + r"\boxed{41}") is None
    assert (
        extract_answer("<think>" + "hmm " * 6_000 + r"\boxed{41}</think>The answer is 42.") == "42"
    )
