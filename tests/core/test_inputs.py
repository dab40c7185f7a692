"""Wrong input is refused with its value and the fix."""

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import MAX_ROLLOUTS, check_count, check_prompt
from catsdk.core.types import Message


@pytest.mark.parametrize("n", [0, -1, 10**9, MAX_ROLLOUTS + 1, 2.0, True, "8", None])
def test_a_count_out_of_range_is_named(n: Any) -> None:
    with pytest.raises(InvalidInputError, match="give a whole number of rollouts from 1 to 1024"):
        check_count(n)


def test_the_bounds_of_a_count_are_allowed() -> None:
    assert (check_count(1), check_count(MAX_ROLLOUTS)) == (1, MAX_ROLLOUTS)


@pytest.mark.parametrize(
    ("prompt", "fix"),
    [
        ("", "give a text that is not empty"),
        (" \n", "give a text that is not empty"),
        ([], "without a user message"),
        ([{"role": "system", "content": "x"}], "without a user message"),
        ([{"role": "user", "content": ""}], "without a user message"),
        ([{"role": "robot", "content": "x"}], "message 0 of the prompt is .*robot"),
        ([{"role": "user", "content": 7}], "message 0 of the prompt is .*7"),
        ([{"role": "user", "content": "x"}, 5], "message 1 of the prompt is 5"),
        (["plain"], "message 0 of the prompt is 'plain'"),
        (5, "give a string or a list of chat messages"),
        (None, "give a string or a list of chat messages"),
    ],
)
def test_a_wrong_prompt_is_named_with_its_fix(prompt: Any, fix: str) -> None:
    with pytest.raises(InvalidInputError, match=fix):
        check_prompt(prompt)


def test_an_error_does_not_repeat_a_huge_value() -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_prompt([{"role": "user", "content": ["x" * 10_000]}])
    assert len(str(caught.value)) < 400


def test_text_and_chat_become_messages() -> None:
    message = Message(role="user", content="hello")
    assert check_prompt("hello") == (message,)
    assert check_prompt([{"role": "user", "content": "hello"}, message]) == (message, message)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (
            {"role": "user", "content": "6*7?", "name": None, "tool_calls": None},
            {"role": "user", "content": "6*7?"},
        ),
        (
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "q", "url": None},
                    {"type": "image", "text": None, "url": "https://x"},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "text", "text": "q"}, {"type": "image", "url": "https://x"}],
            },
        ),
    ],
)
def test_a_key_without_a_value_is_absent(given: Any, read: Any) -> None:
    assert check_prompt([given]) == check_prompt([read]) == (Message.model_validate(read),)


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ({"role": "user", "content": "q", "nmae": "bob"}, "the key 'nmae' is not known"),
        ({"role": "user", "content": [{"type": "text", "text": "q", "x": 1}]}, "'x' is not known"),
        ({"role": "user", "content": None}, "'content': Field required"),
        ({"content": "q"}, "'role': Field required"),
        ({"role": "user", "content": 7}, "at 'content'"),
    ],
)
def test_a_wrong_message_is_refused_by_the_name_of_its_key(message: Any, key: str) -> None:
    with pytest.raises(InvalidInputError, match=key):
        check_prompt([message])
