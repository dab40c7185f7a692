"""Thinking is told from the answer, in a whole text and in one that streams in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.core.thinking import AnswerStream, split_thinking, without_thinking

TAGGED = st.lists(
    st.sampled_from(
        ["<think>", "</think>", "[THINK]", "[/THINK]", "<", "think", "/", ">", " ", "\n", "a"]
    ),
    max_size=12,
).map("".join)


def streamed(pieces: list[str]) -> str:
    """What reaches the reader of a stream."""
    told: list[str] = []
    stream = AnswerStream(told.append)
    for piece in pieces:
        stream.feed(piece)
    stream.end()
    assert all(told)
    return "".join(told)


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("42", None, "42"),
        ("<think>six sevens</think>\n\n42\n", "six sevens", "42"),
        ("  <think>a</think>42", "a", "42"),
        ("<think></think>42", None, "42"),
        ("<think>cut off before the ans", "cut off before the ans", ""),
        ("begun by the template</think>42", "begun by the template", "42"),
        ("the tag <think> stands in the text", None, "the tag <think> stands in the text"),
        ("a <think> b </think> c", None, "a <think> b </think> c"),
        ("<think>a</think>\n<think>b</think>42", "a\nb", "42"),
        ("<think>a</think><think>cut off", "a\ncut off", ""),
        ("<think>a</think>42</think>", "a", "42</think>"),
        ("a</think>42 <think>", "a", "42 <think>"),
        ("<thinking>a</thinking>42", "a", "42"),
        ("[THINK]a[/THINK]42", "a", "42"),
        ("◁think▷a◁/think▷42", "a", "42"),
        ("<|channel|>analysis<|message|>a<|end|><|channel|>final<|message|>42", "a<|end|>", "42"),
    ],
)
def test_thinking_is_split_from_the_answer(text: str, thinking: str | None, answer: str) -> None:
    assert split_thinking(text) == (thinking, answer)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a <think>b</think> c", "a \n c"),
        ("<think>a</think>b<think>c</think>d", "\nb\nd"),
        ("a</think>b", "b"),
        ("a<think>b", "a"),
        ("<think>[THINK]a[/THINK]b</think>c", "\nc"),
        ("no tags", "no tags"),
    ],
)
def test_thinking_is_left_out_wherever_it_stands(text: str, rest: str) -> None:
    assert without_thinking(text) == rest


@given(st.data(), TAGGED)
def test_a_stream_joins_to_the_answer_however_it_is_cut(data: st.DataObject, text: str) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    begun_by_template = not text.lstrip().startswith(("<think>", "[THINK]")) and (
        "</think>" in text or "[/THINK]" in text
    )
    answer = text if begun_by_template else split_thinking(text)[1]
    assert streamed(pieces) == answer


def test_an_answer_streams_as_it_comes_and_thinking_never() -> None:
    told: list[str] = []
    stream = AnswerStream(told.append)
    for piece in ("<thi", "nk>six ", "sevens</th", "ink>\n", "forty", "-two"):
        stream.feed(piece)
    assert told == ["forty", "-two"]


def test_a_text_that_could_have_become_thinking_is_told_at_the_end() -> None:
    assert streamed(["<thi"]) == "<thi"
