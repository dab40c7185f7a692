"""The response of a synthesis that is streamed is the one that is read from the whole reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.core.errors import StructuredOutputError
from catsdk.prompts.prompt import load
from catsdk.prompts.reply import read_sections
from catsdk.prompts.sections import ResponseStream, asks_for_sections

REPLIES = [
    "# SUMMARY\nThey agree.\n\n# UNIFIED RESPONSE\nIt is 4.\n\n\\boxed{4}\n",
    "**Summary:** x\n**Unified Response:** It is 4.",
    "## 1. Summary\nx\n## 2. Unified response\n\n**It** is 4.\n",
    "# SUMMARY\nx\n# UNIFIED RESPONSE\n**Bold** and more **\n",
    "# SUMMARY\nthe unified response is good\n# UNIFIED RESPONSE:\nyes\n# UNIFIED RESPONSE\nno",
    "# UNIFIED RESPONSE\n\n\n   spaced   ",
]


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_pieces_join_to_the_response(reply: str, size: int) -> None:
    stream = ResponseStream(sectioned=True)
    pieces = [stream.feed(reply[at : at + size]) for at in range(0, len(reply), size)]
    response, _ = read_sections(reply)
    assert response.startswith("".join(pieces))
    if size == 1:
        assert "".join(pieces) == response
        # No later than its first word is there, and piece by piece.
        assert sum(map(bool, pieces)) > 1


WORDS = st.sampled_from(
    [
        "# ",
        "**",
        "UNIFIED RESPONSE",
        "unified response",
        "SUMMARY",
        ":",
        "\n",
        " ",
        "x",
        "4",
        "*",
        "_",
    ]
)


@given(st.lists(WORDS, max_size=14), st.integers(1, 5))
def test_no_piece_is_ever_taken_back(words: list[str], size: int) -> None:
    reply = "".join(words)
    stream = ResponseStream(sectioned=True)
    told = "".join(stream.feed(reply[at : at + size]) for at in range(0, len(reply), size))
    try:
        response, _ = read_sections(reply)
    except StructuredOutputError:
        assert not told
    else:
        assert response.startswith(told)


def test_of_a_reply_without_sections_everything_is_the_response() -> None:
    stream = ResponseStream(sectioned=False)
    assert [stream.feed(piece) for piece in (" \n", "It ", "is", " 4. ")] == [
        "",
        "It",
        " is",
        " 4.",
    ]


def test_a_long_summary_takes_no_longer_than_its_length() -> None:
    stream = ResponseStream(sectioned=True)
    assert not any(stream.feed("a line of the summary\n") for _ in range(20_000))
    assert stream.feed("# UNIFIED RESPONSE\nyes") == "yes"


def test_the_prompts_say_whether_they_ask_for_sections() -> None:
    assert asks_for_sections(load("english", "synthesize"))
    assert asks_for_sections(load("english", "synthesize_freeform_blind"))
    assert not asks_for_sections(load("box", "synthesize_blind"))
