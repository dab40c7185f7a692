"""The gateway by Anthropic's own SDK, whatever wire the model behind it speaks."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import APIStatusError, AsyncAnthropic, BadRequestError, NotFoundError

from catsdk.core.errors import ServerError
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import (
    ANSWER,
    QUESTION,
    SUMMARY,
    Failing,
    half_written,
    served,
    texts,
    tool_call,
)

TOOL: Any = {"name": "weather", "description": "d", "input_schema": {"type": "object"}}


def client_of(address: str) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=address, api_key="none", max_retries=0)


def asked(model: str, **more: Any) -> Any:
    return {"model": model, "messages": QUESTION, "max_tokens": 64, **more}


@pytest.mark.behaviour("gateway-counts-every-call")
async def test_a_message_is_made_of_several_and_says_what_it_cost() -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        cat = {"n": 4, "return": ["summary"]}
        reply: Any = await client.messages.create(
            **asked("cat/synthesis:function"), extra_body={"cat": cat}
        )
    assert [block.type for block in reply.content] == ["thinking", "text"]
    assert reply.content[0].thinking == "They agree."
    assert reply.content[1].text == ANSWER
    assert (reply.stop_reason, reply.role) == ("end_turn", "assistant")
    assert reply.usage.output_tokens_details.thinking_tokens == 4
    assert reply.cat["agreement"] == 0.75


@pytest.mark.behaviour("gateway-streams-while-it-writes")
async def test_the_first_piece_arrives_while_the_anchor_is_still_writing() -> None:
    model = half_written()
    async with (
        served(model) as address,
        client_of(address) as client,
        client.messages.stream(**asked("cat/synthesis:stepping")) as stream,
    ):
        async for text in stream.text_stream:
            assert text in {"It is", "\n\\boxed{4}."}
            if not model.steps[2].is_set():
                assert not model.ended
                model.steps[2].set()
        message = await stream.get_final_message()
    assert message.content[0].text == ANSWER  # type: ignore[union-attr]
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0


async def test_a_system_prompt_and_settings_reach_the_model() -> None:
    policy = FunctionProvider(texts)
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    async with served(policy) as address, client_of(address) as client:
        await client.messages.create(
            **asked("function", system=system, stop_sequences=["x"], metadata={"user_id": "u"})
        )
    (request,) = policy.requests
    assert [message.role for message in request.messages] == ["system", "user"]
    assert (request.messages[0].text, request.stop, request.max_tokens) == ("Be brief.", ("x",), 64)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_reach_a_model_of_another_wire_and_its_calls_come_back(
    upstream: LoopbackServer, stream: bool
) -> None:
    def call(payload: dict[str, Any]) -> RawReply:
        (tool,) = payload["tools"]
        assert tool["function"]["parameters"] == {"type": "object"}
        assert payload["tool_choice"] == "required"
        return tool_call("weather", '{"city": "Paris"}', said="I look.")

    upstream.answer = call
    async with served(models=["openai:loopback"]) as address, client_of(address) as client:
        settings = asked("openai:loopback", tools=[TOOL], tool_choice={"type": "any"})
        if stream:
            async with client.messages.stream(**settings) as events:
                reply: Any = await events.get_final_message()
        else:
            reply = await client.messages.create(**settings)
    text, use = reply.content
    assert text.text == "I look."
    assert (use.id, use.name, use.input) == ("call-7", "weather", {"city": "Paris"})
    assert reply.stop_reason == "tool_use"


async def test_a_conversation_with_tools_goes_to_a_model_of_another_wire() -> None:
    policy = FunctionProvider(texts)
    chat = [
        *QUESTION,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {"a": 1}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}],
        },
    ]
    async with served(policy) as address, client_of(address) as client:
        await client.messages.create(**asked("function", tools=[]) | {"messages": chat})
    roles = [message.role for message in policy.requests[0].messages]
    assert roles == ["user", "assistant", "tool"]


async def test_the_sdk_raises_its_own_errors() -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        with pytest.raises(NotFoundError, match="there is no model"):
            await client.messages.create(**asked("claude"))
        for change, told in (
            ({"max_tokens": 0}, "max_tokens is 0"),
            ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "which its vendor runs"),
            ({"tools": [TOOL]}, "cannot use tools"),
            ({"extra_body": {"mcp_servers": []}}, "mcp_servers is not known"),
        ):
            with pytest.raises(BadRequestError, match=told) as raised:
                await client.messages.create(**asked("function", **change))
            assert raised.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]


@pytest.mark.behaviour("gateway-failures-are-raised")
async def test_an_error_in_the_middle_of_a_stream_is_raised_by_the_sdk() -> None:
    failing = Failing(ServerError("down"), after=SUMMARY + "It is half")
    async with served(failing) as address, client_of(address) as client:
        pieces: list[str] = []
        with pytest.raises(APIStatusError, match="the model's service failed"):
            async with client.messages.stream(**asked("cat/synthesis:failing")) as stream:
                async for text in stream.text_stream:
                    pieces.append(text)  # noqa: PERF401 - those before the error are wanted
    assert pieces == ["It is half"]


async def test_tokens_are_counted_before_anything_is_asked() -> None:
    policy = FunctionProvider(texts)
    async with served(policy) as address, client_of(address) as client:
        short = await client.messages.count_tokens(model="function", messages=QUESTION)
        long = await client.messages.count_tokens(
            model="cat/synthesis:function", messages=QUESTION, system="x" * 300, tools=[TOOL]
        )
        with pytest.raises(NotFoundError):
            await client.messages.count_tokens(model="claude", messages=QUESTION)
    assert 0 < short.input_tokens < long.input_tokens - 90
    assert policy.requests == []
