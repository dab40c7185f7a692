"""Conversations with tools, names and parts of every kind go out in each service's own dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from catsdk.core.errors import UnsupportedError
from catsdk.core.types import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    Request,
    TextPart,
    ThinkingPart,
    ToolCall,
)
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk_providers.anthropic.messages import mark, system_of, turns_of
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.messages import OPENAI, messages_of
from catsdk_providers.openai.provider import OpenAIProvider
from catsdk_providers.vllm.provider import VLLMProvider

CHAT = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="How warm is it in Paris and in Rome?"),
    Message(
        role="assistant",
        content="Let me look.",
        tool_calls=(
            ToolCall(id="a", name="weather", arguments='{"city": "Paris"}'),
            ToolCall(id="b", name="weather", arguments='{"city": "Rome"}'),
        ),
    ),
    Message(role="tool", content="21", tool_call_id="a"),
    Message(role="tool", content="no such city", tool_call_id="b", is_error=True),
    Message(role="user", content="And in general?"),
    Message(role="assistant", content="", tool_calls=(ToolCall(id="c", name="climate"),)),
    Message(role="tool", content="mild", tool_call_id="c"),
)


@pytest.mark.parametrize("kind", [OpenAIProvider, AnthropicProvider, VLLMProvider])
async def test_a_conversation_with_tools_arrives_as_it_was(kind: Any) -> None:
    model = FunctionProvider(lambda _: "warm")
    async with LoopbackServer(model) as server:
        settings: dict[str, Any] = {"base_url": server.url, "api_key": server.key}
        async with kind(server.model, **settings) as provider:
            (answer,) = await provider.complete(Request(messages=CHAT, max_tokens=9))
    assert answer.text == "warm"
    (request,) = model.requests
    # The chat wire has no place for an error.
    flat = [m.model_copy(update={"is_error": False}) for m in (*CHAT, *request.messages)]
    assert flat[: len(CHAT)] == flat[len(CHAT) :]
    assert kind is not AnthropicProvider or request.messages[4].is_error


def test_the_chat_wire_has_null_beside_calls_alone() -> None:
    sent = messages_of(CHAT)
    assert sent[6] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "climate", "arguments": "{}"}}
        ],
    }
    assert sent[2]["content"] == "Let me look."
    assert sent[3] == {"role": "tool", "content": "21", "tool_call_id": "a"}
    assert messages_of([Message(role="user", content="")])[0]["content"] == ""


DEVELOPER = (Message(role="developer", content="Be brief."), Message(role="user", content="q"))


def test_developer_is_a_role_of_openais_own_endpoint_and_system_elsewhere() -> None:
    assert messages_of(DEVELOPER, endpoint=OPENAI)[0]["role"] == "developer"
    assert messages_of(DEVELOPER, endpoint="http://127.0.0.1/v1")[0]["role"] == "system"
    assert system_of(DEVELOPER) == [{"type": "text", "text": "Be brief."}]
    assert [turn["role"] for turn in turns_of(DEVELOPER)] == ["user"]


def test_every_part_has_the_form_of_the_chat_wire() -> None:
    parts = (
        TextPart(text="q"),
        ImagePart(url="https://x", detail="low"),
        AudioPart(data="AA==", format="wav"),
        FilePart(url="data:application/pdf;base64,AA==", name="a.pdf"),
        FilePart(id="file-1"),
    )
    (sent,) = messages_of([Message(role="user", content=parts, name="ada")])
    assert sent == {
        "role": "user",
        "name": "ada",
        "content": [
            {"type": "text", "text": "q"},
            {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
            },
            {"type": "file", "file": {"file_id": "file-1"}},
        ],
    }


THOUGHT = (
    ThinkingPart(text="mine"),
    ThinkingPart(text="signed", signature="s"),
    ThinkingPart(text="", redacted="r"),
    RefusalPart(text="no"),
)


def test_thinking_goes_back_to_those_who_take_it() -> None:
    message = Message(role="assistant", content=THOUGHT)
    (elsewhere,) = messages_of([message], endpoint="http://127.0.0.1/v1")
    assert elsewhere == {"role": "assistant", "content": "no", "reasoning_content": "mine"}
    (own,) = messages_of([message], endpoint=OPENAI)
    assert own == {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
    (turn,) = turns_of([message])
    assert turn["content"] == [
        {"type": "thinking", "thinking": "signed", "signature": "s"},
        {"type": "redacted_thinking", "data": "r"},
        {"type": "text", "text": "no"},
    ]


def test_results_stand_before_what_the_user_says_in_one_turn() -> None:
    turns = turns_of(CHAT)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    kinds = [[block["type"] for block in turn["content"]] for turn in turns]
    assert kinds[1:3] == [["text", "tool_use", "tool_use"], ["tool_result", "tool_result", "text"]]
    assert turns[1]["content"][1]["input"] == {"city": "Paris"}
    assert turns[2]["content"][1] == {
        "type": "tool_result",
        "tool_use_id": "b",
        "content": [{"type": "text", "text": "no such city"}],
        "is_error": True,
    }


def test_files_are_documents_and_recordings_are_refused_by_name() -> None:
    file = FilePart(url="data:application/pdf;base64,AA==", name="a.pdf")
    (turn,) = turns_of([Message(role="user", content=(file,), name="ada")])
    source = {"type": "base64", "media_type": "application/pdf", "data": "AA=="}
    assert turn["content"] == [
        {"type": "text", "text": "ada: "},
        {"type": "document", "source": source, "title": "a.pdf"},
    ]
    with pytest.raises(UnsupportedError) as caught:
        turns_of([Message(role="user", content=(AudioPart(data="AA==", format="wav"),))])
    assert caught.value.capability == "audio"


def test_broken_arguments_go_out_as_what_they_are() -> None:
    call = ToolCall(id="a", name="f", arguments='{"x": ')
    message = Message(role="assistant", content="", tool_calls=(call,))
    assert messages_of([message])[0]["tool_calls"][0]["function"]["arguments"] == '{"x": '
    assert turns_of([message])[0]["content"][0]["input"] == {"INVALID_JSON": '{"x": '}


def test_the_mark_of_the_cache_is_never_on_thinking() -> None:
    thinking = Message(role="assistant", content=(ThinkingPart(text="t", signature="s"),))
    turns: Sequence[dict[str, Any]] = turns_of([CHAT[1], thinking, CHAT[3]])
    mark([], list(turns))
    assert "cache_control" in turns[0]["content"][0]
    assert "cache_control" not in turns[1]["content"][0]
