"""Chats as users have them are read: OpenAI's, Anthropic's, transformers', the SDKs' objects."""

from __future__ import annotations

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_prompt
from catsdk.core.types import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
)

ASKED: dict[str, Any] = {"role": "user", "content": "How warm is it in Paris?"}
WEATHER = ToolCall(id="c1", name="weather", arguments='{"city": "Paris"}')
CALLED = Message(role="assistant", content="", tool_calls=(WEATHER,))
GAVE = Message(role="tool", content="21", tool_call_id="c1")
FUNCTION = {"name": "weather", "arguments": '{"city": "Paris"}'}
OPENAI: list[dict[str, Any]] = [
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": FUNCTION}
    ]},
    {"role": "tool", "tool_call_id": "c1", "content": "21"},
]  # fmt: skip
RESPONSES: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs", "summary": []},
    {"type": "function_call", "id": "fc", "call_id": "c1", "status": "completed", **FUNCTION},
    {"type": "function_call_output", "call_id": "c1", "output": "21"},
]
ANTHROPIC: list[dict[str, Any]] = [
    {"role": "assistant", "content": [
        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}}
    ]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "c1", "content": "21",
         "cache_control": {"type": "ephemeral"}}
    ]},
]  # fmt: skip
TRANSFORMERS: list[dict[str, Any]] = [
    {"role": "assistant", "content": "", "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"city": "Paris"}}}
    ]},
    {"role": "tool", "name": "weather", "content": "21"},
]  # fmt: skip


@pytest.mark.parametrize("chat", [OPENAI, RESPONSES, ANTHROPIC])
def test_a_tool_is_called_and_answers_in_every_dialect(chat: list[Any]) -> None:
    assert check_prompt([ASKED, *chat])[1:] == (CALLED, GAVE)


def test_calls_without_an_id_get_one_and_results_find_their_call() -> None:
    two = [
        {"name": "weather", "arguments": {"city": "Paris"}},
        {"name": "clock", "arguments": {}},
    ]
    chat = [
        ASKED,
        {"role": "assistant", "content": "", "tool_calls": [{"function": each} for each in two]},
        {"role": "tool", "name": "clock", "content": "noon"},
        {"role": "tool", "name": "weather", "content": "21"},
        *TRANSFORMERS,
    ]
    read = check_prompt(chat)
    first, again = read[1].tool_calls, read[4].tool_calls
    assert len({call.id for call in (*first, *again)}) == 3
    assert [m.tool_call_id for m in read if m.role == "tool"] == [
        first[1].id, first[0].id, again[0].id
    ]  # fmt: skip


def test_parallel_calls_of_the_responses_api_are_one_message() -> None:
    calls = [
        {"type": "function_call", "call_id": id_, "name": "weather", "arguments": "{}"}
        for id_ in "ab"
    ]
    outputs = [
        {
            "type": "function_call_output",
            "call_id": id_,
            "output": [{"type": "input_text", "text": id_}],
        }
        for id_ in "ab"
    ]
    read = check_prompt([ASKED, *calls, *outputs])
    assert [message.role for message in read] == ["user", "assistant", "tool", "tool"]
    assert [call.id for call in read[1].tool_calls] == ["a", "b"]
    assert [message.text for message in read[2:]] == ["a", "b"]


def test_results_and_words_in_one_anthropic_turn_are_messages_of_their_own() -> None:
    turn = {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1"}]},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True},
        {"type": "text", "text": "Go on."},
    ]}  # fmt: skip
    read = check_prompt([ASKED, turn])[1:]
    assert [(m.role, m.text, m.tool_call_id, m.is_error) for m in read] == [
        ("tool", "1", "a", False), ("tool", "", "b", True), ("user", "Go on.", None, False),
    ]  # fmt: skip


PARTS = [
    ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, TextPart(text="a")),
    ({"type": "input_text", "text": "a"}, TextPart(text="a")),
    ({"type": "output_text", "text": "a", "annotations": [], "logprobs": []}, TextPart(text="a")),
    ({"type": "refusal", "refusal": "no"}, RefusalPart(text="no")),
    (
        {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}},
        ImagePart(url="https://x", detail="low"),
    ),
    ({"type": "image_url", "image_url": "https://x"}, ImagePart(url="https://x")),
    ({"type": "input_image", "image_url": "https://x"}, ImagePart(url="https://x")),
    ({"type": "image", "image": "https://x"}, ImagePart(url="https://x")),
    ({"type": "image", "url": "https://x"}, ImagePart(url="https://x")),
    (
        {"type": "image", "source": {"type": "url", "url": "https://x"}},
        ImagePart(url="https://x"),
    ),
    (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        ImagePart(url="data:image/png;base64,AA=="),
    ),
    (
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        AudioPart(data="AA==", format="wav"),
    ),
    (
        {
            "type": "file",
            "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a"},
        },
        FilePart(url="data:application/pdf;base64,AA==", name="a"),
    ),
    ({"type": "input_file", "file_id": "f", "filename": "a"}, FilePart(id="f", name="a")),
    ({"type": "input_file", "file_url": "https://x"}, FilePart(url="https://x")),
    (
        {"type": "document", "source": {"type": "url", "url": "https://x"}, "title": "a"},
        FilePart(url="https://x", name="a"),
    ),
    (
        {"type": "thinking", "thinking": "t", "signature": "s"},
        ThinkingPart(text="t", signature="s"),
    ),
    ({"type": "redacted_thinking", "data": "d"}, ThinkingPart(text="", redacted="d")),
]


@pytest.mark.parametrize(("given", "part"), PARTS)
def test_parts_of_every_dialect_are_read_and_so_is_what_they_become(given: Any, part: Any) -> None:
    (read,) = check_prompt([{"role": "user", "content": [given]}])
    assert read.content == (part,)
    assert (
        check_prompt([read.model_dump()]) == check_prompt([read.model_dump(mode="json")]) == (read,)
    )


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            {"role": "user", "content": [{"type": "video", "url": "x"}]},
            "'video'.*accepted are text",
        ),
        ({"role": "user", "content": [{"type": "search_result"}]}, "'search_result'.*document"),
        ({"role": "user", "content": [{"text": "a"}]}, "type None is not accepted"),
        ({"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}, "image_url"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "image_url=None"),
        ({"role": "user", "content": [{"type": "text", "text": 7}]}, "text=7; give a text"),
        ({"role": "function", "name": "f", "content": "x"}, "role 'function' is not known"),
        ({"role": "assistant", "function_call": {"name": "f"}}, "'content': Field required"),
        ({"role": "assistant", "content": "", "function_call": {"name": "f"}}, "give tool_calls"),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"type": "custom", "id": "c"}]},
            "a tool call of the type 'custom'",
        ),
        (
            {"role": "user", "content": "", "tool_calls": [{"function": FUNCTION}]},
            "only an assistant",
        ),
        ({"role": "tool", "content": "x"}, "no call before it waits"),
        ({"type": "web_search_call", "id": "w"}, "'web_search_call'.*function_call_output"),
        ({"role": "user", "content": [{"type": "document", "source": {"type": "text"}}]}, "base64"),
    ],
)
def test_what_is_not_accepted_is_refused_by_its_name(message: Any, named: str) -> None:
    with pytest.raises(InvalidInputError, match=f"message 1 of the prompt .*{named}"):
        check_prompt([ASKED, message])


def test_roles_and_names_are_kept() -> None:
    chat = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "ada", "content": "Hello."},
    ]
    read = check_prompt(chat)
    assert [(m.role, m.name) for m in read] == [("developer", None), ("user", "ada")]


def test_thinking_and_a_refusal_beside_the_content_are_parts_of_it() -> None:
    said = {"role": "assistant", "content": "42", "reasoning_content": "six", "reasoning": "six"}
    refused: dict[str, Any] = {
        "role": "assistant",
        "content": None,
        "refusal": "no",
        "annotations": [],
    }
    read = check_prompt([ASKED, said, refused])[1:]
    assert read[0].content == (ThinkingPart(text="six"), TextPart(text="42"))
    assert (read[1].content, read[0].text, read[1].text) == ((RefusalPart(text="no"),), "42", "no")


def test_what_a_tool_is_given_keeps_its_nulls() -> None:
    use = {"type": "tool_use", "id": "c", "name": "f", "input": {"x": None}}
    read = check_prompt([ASKED, {"role": "assistant", "content": [use]}])
    assert read[1].tool_calls[0].given == {"x": None}


def test_objects_of_the_openai_sdk_are_messages() -> None:
    chat = pytest.importorskip("openai.types.chat")
    responses = pytest.importorskip("openai.types.responses")
    call = {"id": "c1", "type": "function", "function": FUNCTION}
    message = chat.ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "hm"}
    )
    read = check_prompt([ASKED, message, OPENAI[1]])
    assert read[1].tool_calls == (WEATHER,) and read[1].content == (ThinkingPart(text="hm"),)
    output = responses.ResponseOutputMessage.model_validate(
        {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "21", "annotations": []}
        ]}
    )  # fmt: skip
    called = responses.ResponseFunctionToolCall.model_validate(RESPONSES[1])
    read = check_prompt([ASKED, called, RESPONSES[2], output])
    assert read[1:3] == (CALLED, GAVE) and read[3].text == "21"


def test_objects_of_the_anthropic_sdk_are_messages() -> None:
    types = pytest.importorskip("anthropic.types")
    blocks = [types.TextBlock(type="text", text="Let me look."), types.ToolUseBlock(
        type="tool_use", id="c1", name="weather", input={"city": "Paris"}
    )]  # fmt: skip
    reply = types.Message(
        id="m", type="message", role="assistant", model="claude", content=blocks,
        stop_reason="tool_use", usage=types.Usage(input_tokens=1, output_tokens=1),
    )  # fmt: skip
    wanted = CALLED.model_copy(update={"content": (TextPart(text="Let me look."),)})
    assert check_prompt([ASKED, reply, ANTHROPIC[1]])[1:] == (wanted, GAVE)
    assert check_prompt([ASKED, {"role": "assistant", "content": blocks}])[1] == wanted
