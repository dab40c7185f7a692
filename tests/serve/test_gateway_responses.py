"""OpenAI's responses through the gateway, by the SDK: whole, streamed, with functions and forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import APIError, BadRequestError
from pydantic import BaseModel

from catsdk.core.errors import ServerError
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import (
    ANSWER,
    SUMMARY,
    Failing,
    client_of,
    half_written,
    served,
    texts,
    tool_call,
)

FUNCTION: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


@pytest.mark.behaviour("gateway-counts-every-call")
async def test_a_response_is_made_of_several_and_says_what_it_cost() -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        reply: Any = await client.responses.create(
            model="cat/synthesis:function",
            input="What is 2+2?",
            instructions="Be brief.",
            store=True,
            extra_body={"cat": {"n": 4, "return": ["summary"]}},
        )
    assert reply.output_text == ANSWER
    assert [item.type for item in reply.output] == ["reasoning", "message"]
    assert reply.output[0].summary[0].text == "They agree."
    assert (reply.status, reply.store) == ("completed", False)
    assert reply.usage.output_tokens_details.reasoning_tokens == 4
    assert reply.cat["agreement"] == 0.75


@pytest.mark.behaviour("gateway-streams-while-it-writes")
async def test_events_come_in_their_order_while_the_anchor_is_still_writing() -> None:
    model = half_written()
    async with served(model) as address, client_of(address) as client:
        events: list[Any] = []
        stream: Any = await client.responses.create(
            model="cat/synthesis:stepping",
            input="What is 2+2?",
            stream=True,
            extra_body={"cat": {"n": 2, "return": ["progress"]}},
        )
        async for event in stream:
            events.append(event)
            if event.type == "response.output_text.delta" and not model.steps[2].is_set():
                assert not model.ended
                model.steps[2].set()
    kinds = list(dict.fromkeys(event.type.removeprefix("response.") for event in events))
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == ANSWER


@pytest.mark.parametrize("stream", [False, True])
async def test_functions_are_called_and_their_results_go_along(
    upstream: LoopbackServer, stream: bool
) -> None:
    def call(payload: dict[str, Any]) -> RawReply:
        assert payload["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
        assert [message["role"] for message in payload["messages"]] == [
            "user",
            "assistant",
            "tool",
        ]
        return tool_call("weather", '{"city": "Paris"}')

    upstream.answer = call
    settings: Any = {
        "model": "openai:loopback",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        ],
        "tools": [FUNCTION],
        "tool_choice": {"type": "function", "name": "weather"},
    }
    async with served(models=["openai:loopback"]) as address, client_of(address) as client:
        if stream:
            async with client.responses.stream(**settings) as events:
                reply: Any = await events.get_final_response()
        else:
            reply = await client.responses.create(**settings)
    (item,) = reply.output
    assert (item.type, item.call_id, item.name) == ("function_call", "call-7", "weather")
    assert item.arguments == '{"city": "Paris"}'


class City(BaseModel):
    city: str


@pytest.mark.behaviour("gateway-keeps-a-form")
async def test_a_text_format_is_the_form_of_the_answer() -> None:
    def script(request: Request) -> str:
        if "response" in str(request.json_schema or request.messages[-1].text):
            return json.dumps({"summary": "s", "response": {"city": "Cairo"}})
        return '{"city": "Cairo"}'

    async with served(FunctionProvider(script)) as address, client_of(address) as client:
        reply = await client.responses.parse(
            model="cat/synthesis:function", input="The largest city?", text_format=City
        )
    assert reply.output_parsed == City(city="Cairo")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id needs a store"),
        ({"conversation": "conv_1"}, "conversation needs a store"),
        ({"background": True}, "background is not supported"),
        ({"input": 5}, "input is 5"),
        ({"input": []}, "without a user message"),
        ({"tools": [{"type": "web_search"}]}, "a tool is of the type 'web_search'"),
        ({"max_output_tokens": 0}, "max_tokens is 0"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        settings: Any = {"model": "function", "input": "q", **change}
        with pytest.raises(BadRequestError, match=told):
            await client.responses.create(**settings)


@pytest.mark.behaviour("gateway-failures-are-raised")
async def test_an_error_in_the_middle_of_a_stream_is_raised_by_the_sdk() -> None:
    failing = Failing(ServerError("down"), after=SUMMARY + "It is half")
    async with served(failing) as address, client_of(address) as client:
        stream: Any = await client.responses.create(
            model="cat/synthesis:failing", input="q", stream=True
        )
        kinds: list[str] = []
        with pytest.raises(APIError, match="the model's service failed"):
            async for event in stream:
                kinds.append(event.type)  # noqa: PERF401 - those before the error are wanted
    assert kinds[-1] == "response.output_text.delta"
