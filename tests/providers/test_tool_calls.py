"""The calls of tools in replies of both wires, whole and streamed, and what is odd about them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catsdk.core.types import Completion, Message, Request, ToolCall
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply

ASKED = Request(
    messages=(Message(role="user", content="Weather in Paris?"),),
    max_tokens=100,
    extra={"tools": [{"name": "weather"}]},
)
CALL = ToolCall(id="call-7", name="weather", arguments='{"city": "Paris"}')
EVENTS = {"content-type": "text/event-stream"}


def events(*data: Any, named: bool = False) -> RawReply:
    lines = [
        (f"event: {each['type']}\n" if named else "") + f"data: {json.dumps(each)}\n\n"
        for each in data
    ]
    return RawReply("".join(lines).encode(), headers=EVENTS)


async def completion(provider: type, reply: RawReply, *, stream: bool) -> tuple[Completion, str]:
    with LoopbackServer(FunctionProvider(lambda request: "x")) as server:
        server.answer = lambda payload: reply
        told: list[str] = []
        async with provider(server.model, base_url=server.url, api_key=server.key) as model:
            (answer,) = await model.complete(ASKED, told.append if stream else None)
        assert server.payloads[0]["tools"] == [{"name": "weather"}]
    return answer, "".join(told)


def chat(calls: Any, content: str | None = None) -> RawReply:
    message = {"role": "assistant", "content": content, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return RawReply(json.dumps({"choices": [choice], "model": "m"}).encode())


def function(name: Any = "weather", arguments: Any = '{"city": "Paris"}') -> dict[str, Any]:
    return {"id": "call-7", "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.allow_blocking  # the loopback server is started and ended in this thread
async def test_calls_of_a_chat_completion_stand_beside_its_text() -> None:
    answer, _ = await completion(OpenAIProvider, chat([function()], "I look."), stream=False)
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ("I look.", (CALL,), "stop")


@pytest.mark.allow_blocking
@pytest.mark.parametrize(
    ("calls", "read"),
    [
        ([function(arguments={"city": "Paris"})], '{"city": "Paris"}'),
        ([function(arguments=None)], "{}"),
        ([function(arguments="")], "{}"),
        ([None, 5, {}, {"function": None}, function(name=None), function()], '{"city": "Paris"}'),
    ],
)
async def test_odd_calls_are_read_as_far_as_they_go(calls: Any, read: str) -> None:
    answer, _ = await completion(OpenAIProvider, chat(calls), stream=False)
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("weather", read)]


@pytest.mark.allow_blocking
async def test_the_pieces_of_streamed_calls_are_put_together() -> None:
    def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    first = {"index": 0, "id": "call-7", "function": {"name": "weather", "arguments": ""}}
    more = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city"', ': "Paris"}')]
    stream = events(
        chunk(content="I "),
        chunk(content="look."),
        *(chunk(tool_calls=[call]) for call in [first, *more]),
        chunk("tool_calls"),
    )
    answer, told = await completion(OpenAIProvider, stream, stream=True)
    assert (answer.text, told, answer.tool_calls) == ("I look.", "I look.", (CALL,))


USE = {"type": "tool_use", "id": "call-7", "name": "weather", "input": {"city": "Paris"}}


@pytest.mark.allow_blocking
async def test_uses_of_tools_in_a_message_stand_beside_its_text() -> None:
    reply = {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "I look."}, USE],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    answer, _ = await completion(
        AnthropicProvider, RawReply(json.dumps(reply).encode()), stream=False
    )
    assert (answer.text, answer.tool_calls) == ("I look.", (CALL,))


@pytest.mark.allow_blocking
async def test_a_streamed_use_of_a_tool_is_put_together() -> None:
    stream = events(
        {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {**USE, "input": {}}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "input_json_delta", "partial_json": piece},
            }
            for piece in ('{"city"', ': "Paris"}')
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
        named=True,
    )
    answer, _ = await completion(AnthropicProvider, stream, stream=True)
    assert (answer.text, answer.tool_calls) == ("", (CALL,))
