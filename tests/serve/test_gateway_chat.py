"""Chat completions through the gateway, by OpenAI's own SDK: methods, models, caps, accounting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel

from catsdk.core.types import Completion, Request, ToolCall, Usage
from catsdk.testing import FunctionProvider, LoopbackServer, RawReply
from tests.serve.gateways import (
    ANSWER,
    QUESTION,
    body,
    client_of,
    is_anchor,
    post,
    served,
    texts,
    tool_call,
    upstream_of,
)


def model() -> FunctionProvider:
    return FunctionProvider(texts)


@pytest.mark.behaviour("gateway-counts-every-call")
async def test_an_answer_is_made_of_several_and_says_what_it_cost() -> None:
    async with served(model()) as address, client_of(address) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="cat/synthesis:function", messages=QUESTION, extra_body={"cat": {"n": 4}}
        )
    reply: Any = raw.parse()
    assert reply.choices[0].message.content == ANSWER
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "cat/synthesis:function"
    told = reply.cat
    assert (told["method"], told["n"], told["rollouts"], told["failed"]) == ("synthesis", 4, 4, 0)
    assert (told["agreement"], told["majority"], told["disagrees"]) == (0.75, "4", False)
    assert reply.id == f"chatcmpl-{told['run']}"
    assert raw.headers["x-cat-run"] == told["run"]
    assert raw.headers["x-cat-agreement"] == "0.75"
    assert raw.headers["x-cat-cost"] == "0"
    # Four rollouts of a word each, and the anchor's reply, of which all is seen.
    usage = reply.usage
    assert usage.completion_tokens_details.reasoning_tokens == 4
    assert usage.completion_tokens > 4
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_a_method_that_selects_gives_the_text_of_a_rollout() -> None:
    async with served(model()) as address, client_of(address) as client:
        reply: Any = await client.chat.completions.create(
            model="cat/majority:function", messages=QUESTION, extra_body={"cat": {"n": 3}}
        )
    assert reply.choices[0].message.content == "\\boxed{4}"
    assert reply.cat["method"] == "majority"
    assert reply.usage.completion_tokens == 3
    assert reply.usage.completion_tokens_details.reasoning_tokens == 2


async def test_the_method_may_be_named_in_the_request_and_rollouts_be_returned() -> None:
    async with served(model()) as address, client_of(address) as client:
        reply: Any = await client.chat.completions.create(
            model="function",
            messages=QUESTION,
            extra_body={"cat": {"n": 2, "estimator": "majority", "return": ["rollouts"]}},
        )
    assert reply.cat["texts"] == ["\\boxed{5}", "\\boxed{4}"]


async def test_a_profile_is_a_whole_method_under_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with upstream_of(monkeypatch, model()) as upstream:
        sampler = {"Sampler": {"policy": "openai:loopback", "sampling": {"temperature": 0.25}}}
        profile = {"policy": sampler, "estimator": {"Majority": {"tie": "first"}}}
        async with (
            served(profiles={"cat-math": profile}) as address,
            client_of(address) as client,
        ):
            assert [each.id async for each in client.models.list()] == ["cat-math"]
            settings: Any = {"model": "cat-math", "messages": QUESTION}
            reply: Any = await client.chat.completions.create(
                **settings, seed=1, extra_body={"cat": {"n": 3}}
            )
            with pytest.raises(BadRequestError, match="cannot use tools"):
                await client.chat.completions.create(**settings, tools=TOOLS)
    assert reply.choices[0].message.content == "\\boxed{4}"
    assert reply.cat["method"] == "cat-math"
    assert upstream.payloads[0]["temperature"] == 0.25


async def test_a_plain_name_is_passed_through_with_its_settings() -> None:
    policy = model()
    async with served(policy) as address, client_of(address) as client:
        reply: Any = await client.chat.completions.create(
            model="function", messages=QUESTION, temperature=0.5, max_tokens=7, stop=["x"], seed=3
        )
    (request,) = policy.requests
    assert (request.temperature, request.max_tokens, request.stop) == (0.5, 7, ("x",))
    assert (request.seed, request.n) == (3, 1)
    assert reply.choices[0].message.content == "plain"
    assert reply.cat["method"] == "pass-through"


async def test_settings_reach_every_rollout_and_the_anchor_has_room_for_its_summary() -> None:
    policy = model()
    async with served(policy) as address:
        asked = body(cat={"n": 2}, temperature=0.5, max_tokens=7)
        assert (await post(address, asked))[0] == 200
    rollouts, anchor = policy.requests
    assert (rollouts.temperature, rollouts.max_tokens, rollouts.n) == (0.5, 7, 2)
    assert anchor.max_tokens == 7 + 1024


class City(BaseModel):
    city: str
    inhabitants: int


@pytest.mark.behaviour("gateway-keeps-a-form")
async def test_a_response_format_is_that_of_the_reference() -> None:
    cairo = City(city="Cairo", inhabitants=10)

    def script(request: Request) -> str:
        written = cairo.model_dump_json()
        if "response" in str(request.json_schema or request.messages[-1].text):
            return json.dumps({"summary": "s", "response": cairo.model_dump()})
        return written

    async with served(FunctionProvider(script)) as address, client_of(address) as client:
        for stream in (False, True):
            settings: Any = {
                "model": "cat/synthesis:function",
                "messages": QUESTION,
                "response_format": City,
                "extra_body": {"cat": {"n": 2}},
            }
            if stream:
                async with client.chat.completions.stream(**settings) as events:
                    reply: Any = await events.get_final_completion()
            else:
                reply = await client.chat.completions.parse(**settings)
            assert reply.choices[0].message.parsed == cairo


async def test_an_object_without_a_schema_is_refused_where_several_must_agree() -> None:
    async with served(model()) as address:
        asked = body(response_format={"type": "json_object"})
        status, told, _ = await post(address, asked)
    assert status == 400
    assert "json_schema" in told["error"]["message"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"n": 2}, "n is 2; this gateway gives one answer"),
        ({"cat": {"n": 33}}, "allows 32 at most"),
        ({"cat": {"n": 0}}, "n is 0"),
        ({"cat": {"estimator": "evil"}}, "cat.estimator is 'evil'"),
        ({"cat": {"anchor": "openai:gpt-5"}}, "there is no option 'anchor'"),
        ({"cat": {"budget": {"usd": -1}}}, "usd"),
        ({"cat": []}, "cat is []; give an object"),
        ({"model": None}, "model is missing"),
        ({"model": 5}, "model is 5; give a text"),
        ({"messages": []}, "without a user message"),
        ({"messages": "hi"}, "messages is 'hi'; give a list"),
        ({"messages": [{"role": "user", "content": ""}]}, "without a user message"),
        ({"messages": [{"role": "king", "content": "x"}]}, "the role 'king' is not known"),
        ({"temperature": "hot"}, "temperature is 'hot'; give a number"),
        ({"temperature": -1}, "temperature is -1"),
        ({"max_tokens": True}, "max_tokens is True"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"stop": {"a": 1}}, "stop is"),
        ({"stream": "yes"}, "stream is 'yes'; give true or false"),
        ({"response_format": {"type": "xml"}}, "response_format is of the type 'xml'"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "json_schema"),
        ({"base_url": "http://evil.example"}, "base_url is not known here"),
        ({"api_key": "sk-evil"}, "api_key is not known here"),
        ({"models": ["evil"]}, "models is not known here"),
        ({"tools": [{"type": "web_search"}]}, "a tool is of the type 'web_search'"),
        ({"tools": 5}, "tools is 5; give a list"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_wrong_is_refused_by_name(
    change: dict[str, Any], told: str, stream: bool
) -> None:
    async with served(model()) as address:
        status, answer, _ = await post(address, body(**{"stream": stream, **change}))
    assert status == 400, answer
    assert told in answer["error"]["message"]


async def test_the_sdk_raises_its_own_errors() -> None:
    async with served(model()) as address, client_of(address) as client:
        with pytest.raises(NotFoundError, match="there is no model 'gpt-5'"):
            await client.chat.completions.create(model="gpt-5", messages=QUESTION)
        with pytest.raises(BadRequestError, match="n is 2"):
            await client.chat.completions.create(model="function", messages=QUESTION, n=2)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "FILE:///etc/passwd", "ftp://x/y", "x"]
)
async def test_an_image_is_on_the_web_or_in_the_request(url: str) -> None:
    content = [{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": url}}]
    async with served(model()) as address:
        asked = {"model": "function", "messages": [{"role": "user", "content": content}]}
        status, told, _ = await post(address, asked)
    assert status == 400
    assert "give an https: URL" in told["error"]["message"]


TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {}}},
    }
    for name in ("weather", "reply")
]


@pytest.mark.behaviour("gateway-passes-tools")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asked", ["openai:loopback", "cat/synthesis:openai:loopback"])
@pytest.mark.parametrize("name", ["weather", "reply"])
async def test_tools_are_passed_on_and_their_calls_come_back(
    upstream: LoopbackServer, stream: bool, asked: str, name: str
) -> None:
    def call(payload: dict[str, Any]) -> RawReply:
        sent = [tool["function"]["name"] for tool in payload["tools"]]
        assert payload["tool_choice"] == "required"
        return tool_call(sent[["weather", "reply"].index(name)], '{"a":1}')

    upstream.answer = call
    async with served(models=["openai:loopback"]) as address, client_of(address) as client:
        settings: Any = {
            "model": asked,
            "messages": QUESTION,
            "tools": TOOLS,
            "tool_choice": "required",
        }
        if stream:
            async with client.chat.completions.stream(**settings) as events:
                reply: Any = await events.get_final_completion()
        else:
            reply = await client.chat.completions.create(**settings)
    (choice,) = reply.choices
    assert choice.finish_reason == "tool_calls"
    (made,) = choice.message.tool_calls
    assert (made.id, made.function.name, made.function.arguments) == ("call-7", name, '{"a":1}')
    if not stream:
        assert reply.cat["method"].startswith("pass-through")
    # One request, although a method was asked for.
    assert upstream.counters.requests == 1


async def test_the_results_of_tools_go_along_with_the_conversation() -> None:
    policy = model()
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    chat = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    async with served(policy) as address:
        assert (await post(address, {"model": "function", "messages": chat}))[0] == 200
    assert policy.requests[0].messages[1].tool_calls == (ToolCall(id="c1", name="weather"),)
    assert policy.requests[0].messages[2].text == "rain"


async def test_fields_of_the_dialect_go_on_to_a_service_that_speaks_it(
    upstream: LoopbackServer,
) -> None:
    settings: Any = {"models": ["openai:loopback"], "pass_on": ["mirostat"]}
    async with served(**settings) as address:
        asked = body("openai:loopback", presence_penalty=0.5, mirostat=2, user="u")
        assert (await post(address, asked))[0] == 200
    (payload,) = upstream.payloads
    assert (payload["presence_penalty"], payload["mirostat"]) == (0.5, 2)
    assert "user" not in payload and "cat" not in payload


async def test_a_budget_of_the_request_ends_it_within_the_operators_cap() -> None:
    policy = model()
    async with served(policy, budget={"requests": 1}) as address:
        asked = body(cat={"n": 2, "budget": {"requests": 50}})
        status, told, _ = await post(address, asked)
    # The rollouts took the one request: what they agree on is given, and marked.
    assert (status, told["cat"]["partial"]) == (200, True)
    assert len(policy.requests) == 1


async def test_a_failure_says_what_was_paid_for_it() -> None:
    def script(request: Request) -> Completion:
        if is_anchor(request):
            return Completion(text="", finish_reason="content_filter")
        usage = Usage(input_tokens=5, output_tokens=7, requests=1)
        return Completion(text="\\boxed{4}", usage=usage)

    async with served(FunctionProvider(script)) as address:
        status, told, headers = await post(address, body(cat={"n": 1}))
    assert (status, told["error"]["code"]) == (400, "content_filter")
    assert told["cat"]["output_tokens"] >= 7
    assert "retry-after" not in headers
