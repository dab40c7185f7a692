"""Completions from elsewhere are read as a provider's: thinking apart, the assistant's words."""

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.sampled import completion_of
from catsdk.core.types import Completion, Message, TextPart, ThinkingPart


def test_thinking_of_a_text_is_kept_apart() -> None:
    read = completion_of("<think>six sevens</think>42", model="m")
    assert read == Completion(text="42", reasoning="six sevens", model="m")


def test_a_completion_keeps_its_fields() -> None:
    given = Completion(text="<think>b</think>42", reasoning="a", finish_reason="length")
    assert completion_of(given) == given.model_copy(update={"text": "42", "reasoning": "a\nb"})
    assert completion_of(completion_of(given)) == completion_of(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"role": "assistant", "content": "a"}, "a"),
        ([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}], "a\nb"),
        ([{"role": "assistant", "content": None}], ""),
        ([{"role": "assistant"}], ""),
        ([{"role": "assistant", "content": []}], ""),
        ([{"role": "assistant", "content": ["a", {"text": "b"}]}], "ab"),
        ([{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}], "a"),
        ([{"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}], ""),
        ([{"role": "tool", "content": "t"}, {"role": "assistant", "content": "a"}], "a"),
        ([{"role": "user", "content": "u"}, {"role": "system", "content": "s"}], ""),
        ([], ""),
    ],
)
def test_only_the_assistants_words_are_the_text(given: Any, text: str) -> None:
    assert completion_of(given).text == text


def test_thinking_that_stands_beside_the_content_is_the_reasoning() -> None:
    said = {"role": "assistant", "content": "42", "reasoning_content": "six sevens"}
    assert completion_of([said]).reasoning == "six sevens"


@pytest.mark.parametrize("given", [7, None, [7], [["a"]], [{"role": "assistant", "content": 7}]])
def test_what_is_no_text_and_no_messages_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="give a text, or messages with `role`"):
        completion_of(given)


def test_blocks_of_anthropic_and_items_of_responses_are_read_as_what_was_said() -> None:
    blocks = [
        {"type": "thinking", "thinking": "six sevens", "signature": "s"},
        {"type": "text", "text": "42"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"x": "43"}},
    ]
    read = completion_of([{"role": "assistant", "content": blocks}])
    assert (read.text, read.reasoning) == ("42", "six sevens")
    items: list[dict[str, Any]] = [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "43"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "42"}],
        },
    ]
    assert completion_of(items).text == "42"
    assert completion_of([{"role": "assistant", "content": None, "refusal": "no"}]).text == "no"


def test_messages_of_catsdk_and_of_an_sdk_are_read_alike() -> None:
    chat = pytest.importorskip("openai.types.chat")
    sdk = chat.ChatCompletionMessage.model_validate({"role": "assistant", "content": "42"})
    own = Message(role="assistant", content=(ThinkingPart(text="t"), TextPart(text="42")))
    assert completion_of(sdk).text == completion_of([sdk]).text == completion_of(own).text == "42"
    assert completion_of([own]).reasoning == "t"
    assert completion_of([Message(role="user", content="u"), own]).text == "42"
