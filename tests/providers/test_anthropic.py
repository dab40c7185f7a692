"""AnthropicProvider keeps the contract through the real SDK, on the messages wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import InvalidInputError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart, Usage
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.anthropic.provider import AnthropicProvider
from tests.providers.contract import Opened, ProviderContract, obedient
from tests.providers.error_contract import ErrorContract
from tests.runtime.wrappers.whole_chain import whole_chain

SCHEMA = {"type": "object", "properties": {"met": {"type": "boolean"}}, "required": ["met"]}


def provider_for(server: LoopbackServer, **settings: Any) -> AnthropicProvider:
    return AnthropicProvider(
        server.model, **{"base_url": server.url, "api_key": server.key, **settings}
    )


class TestAnthropicProvider(ProviderContract):
    version: ClassVar[str | None] = None

    @pytest.fixture
    def opened(self, server: LoopbackServer) -> Opened:
        return partial(provider_for, server, api_version=self.version)


class TestAnthropicProviderOnTheVersionWithTemperature(TestAnthropicProvider):
    version = "2023-06-01"


class TestErrorsOfAnthropicProvider(ErrorContract):
    def made(self, server: LoopbackServer, *, key: str, model: str) -> AnthropicProvider:
        return AnthropicProvider(model, base_url=server.url, api_key=key)


async def sent(request: Request, **settings: Any) -> dict[str, Any]:
    """The body that went out for `request`."""
    async with LoopbackServer(FunctionProvider(obedient)) as server:
        async with provider_for(server, **settings) as provider:
            await provider.complete(request)
        (payload,) = server.payloads
    return payload


def q(*messages: Message, **settings: Any) -> Request:
    asked = messages or (Message(role="user", content="q"),)
    return Request.model_validate({"messages": asked, **settings})


async def test_a_plain_request_sends_the_limit_that_the_wire_requires_and_nothing_else() -> None:
    assert await sent(q()) == {
        "model": "loopback",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
    }


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("max_tokens", 9, {"max_tokens": 9}),
        ("stop", ("x",), {"stop_sequences": ["x"]}),
        ("temperature", 0.0, {"temperature": 0.0}),
        ("top_p", 0.9, {"top_p": 0.9}),
        ("top_k", 20, {"top_k": 20}),
        (
            "extra",
            {"thinking": {"type": "adaptive"}},
            {"thinking": {"type": "adaptive"}},
        ),
        (
            "json_schema",
            SCHEMA,
            {
                "output_config": {
                    "format": {
                        "type": "json_schema",
                        "schema": {**SCHEMA, "additionalProperties": False},
                    }
                }
            },
        ),
    ],
)
async def test_each_setting_is_forwarded_and_only_when_it_is_set(
    setting: str, value: object, expected: dict[str, object]
) -> None:
    plain = await sent(q(), api_version="2023-06-01")
    payload = await sent(q(**{setting: value}), api_version="2023-06-01")
    changed = {key: payload[key] for key in payload if payload[key] != plain.get(key)}
    assert changed == expected


@pytest.mark.parametrize("setting", [{"n": 2}, {"seed": 7}, {"logprobs": True}])
async def test_what_the_wire_has_no_field_for_is_refused_by_name_and_not_sent(
    server: LoopbackServer, setting: dict[str, object]
) -> None:
    async with provider_for(server) as provider:
        with pytest.raises(UnsupportedError) as caught:
            await provider.complete(q(**setting))
    assert [caught.value.capability] == list(setting)
    assert server.counters.requests == 0


async def test_n_is_fanned_out_by_the_middleware(server: LoopbackServer) -> None:
    async with provider_for(server) as provider:
        samples = await draw(whole_chain(provider), q(n=5))
    assert [type(sample) for sample in samples] == [Completion] * 5
    assert server.counters.requests == 5


async def test_a_temperature_is_refused_before_sending_where_the_api_takes_none(
    server: LoopbackServer,
) -> None:
    async with provider_for(server) as provider:
        with pytest.raises(UnsupportedError, match="no temperature"):
            await whole_chain(provider).complete(q(temperature=0.0))
    assert server.counters.requests == 0


async def test_a_model_that_refuses_a_temperature_is_remembered() -> None:
    async with LoopbackServer(FunctionProvider(obedient)) as server:
        server.fail_next("no_temperature")
        async with provider_for(server, api_version="2023-06-01") as provider:
            assert provider.capabilities.temperature
            with pytest.raises(UnsupportedError) as caught:
                await provider.complete(q(temperature=0.0))
            assert caught.value.capability == "temperature"
            assert not provider.capabilities.temperature


async def test_the_shared_beginning_is_marked_for_the_cache() -> None:
    marked = {"type": "ephemeral"}
    system = Message(role="system", content="Judge.")
    rubric = Message(role="user", content="The rubric.")
    reply = Message(role="assistant", content="Yes?")
    payload = await sent(q(system, rubric, reply, Message(role="user", content="One answer.")))
    assert [part.get("cache_control") for part in payload["system"]] == [marked]
    parts = [message["content"][-1] for message in payload["messages"]]
    assert [part.get("cache_control") for part in parts] == [None, marked, None]


async def test_the_last_part_of_the_last_message_is_what_differs() -> None:
    parts = (TextPart(text="The rubric."), TextPart(text="One answer."))
    payload = await sent(q(Message(role="user", content=parts)))
    (message,) = payload["messages"]
    assert [part.get("cache_control") for part in message["content"]] == [
        {"type": "ephemeral"},
        None,
    ]


async def test_nothing_is_marked_when_caching_is_off() -> None:
    system = Message(role="system", content="Judge.")
    payload = await sent(q(system, *q().messages), caching=False)
    assert payload["system"] == [{"type": "text", "text": "Judge."}]


async def test_system_messages_go_to_the_front() -> None:
    payload = await sent(
        q(*q().messages, Message(role="system", content="Late."), *q().messages), caching=False
    )
    assert payload["system"] == [{"type": "text", "text": "Late."}]
    assert [message["role"] for message in payload["messages"]] == ["user", "user"]


async def test_images_go_out_as_data_or_by_url() -> None:
    data = ImagePart(url="data:image/png;base64,AAAA")
    link = ImagePart(url="https://example.org/cat.png")
    payload = await sent(q(Message(role="user", content=(data, link))), caching=False)
    assert payload["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}},
    ]
    with pytest.raises(InvalidInputError, match="https: or data:"):
        await sent(q(Message(role="user", content=(ImagePart(url="file:///etc/passwd"),))))


async def test_effort_and_a_schema_share_the_output_config() -> None:
    payload = await sent(q(json_schema=SCHEMA, extra={"output_config": {"effort": "low"}}))
    assert payload["output_config"].keys() == {"format", "effort"}


@asynccontextmanager
async def answering(completion: Completion) -> AsyncGenerator[AnthropicProvider]:
    model = FunctionProvider(lambda request: completion)
    async with LoopbackServer(model) as server, provider_for(server) as provider:
        yield provider


@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_is_kept_apart_from_the_answer(streamed: bool) -> None:
    pieces: list[str] = []
    told = Completion(text="4\n2", reasoning="six times seven")
    inline = Completion(text="<think>six times seven</think>\n4\n2")
    for scripted in (told, inline):
        async with answering(scripted) as provider:
            (completion,) = await provider.complete(q(), pieces.append if streamed else None)
        assert (completion.text, completion.reasoning) == ("4\n2", "six times seven")
    assert "".join(pieces) == ("4\n24\n2" if streamed else "")


def ignored(piece: str) -> None:
    """For whom nobody reads."""


@pytest.mark.parametrize("streamed", [False, True])
async def test_cached_tokens_are_a_part_of_the_input(streamed: bool) -> None:
    usage = Usage(
        input_tokens=100, cached_tokens=80, output_tokens=9, reasoning_tokens=5, requests=1
    )
    async with answering(Completion(text="x", usage=usage)) as provider:
        (completion,) = await provider.complete(q(), ignored if streamed else None)
    assert completion.usage == usage.model_copy(update={"cost": None})


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "other"])
async def test_the_reason_of_the_end_is_told_apart(reason: str) -> None:
    scripted = Completion.model_validate({"text": "x", "finish_reason": reason})
    async with answering(scripted) as provider:
        (completion,) = await provider.complete(q())
    assert completion.finish_reason == reason


async def test_an_endpoint_without_output_formats_is_asked_by_tool() -> None:
    model = FunctionProvider(lambda request: '{"met": true}')
    pieces: list[str] = []
    async with LoopbackServer(model) as server, provider_for(server) as provider:
        server.fail_next("no_schema")
        with anyio.fail_after(10):
            (completion,) = await whole_chain(provider).complete(
                q(json_schema=SCHEMA), pieces.append
            )
    assert completion.text == '{"met": true}' == "".join(pieces)
    first, second = server.payloads
    assert "output_config" in first
    assert second["tools"][0]["input_schema"] == SCHEMA
    assert second["tool_choice"] == {"type": "tool", "name": "reply"}
    assert provider.capabilities.json_schema


async def test_a_tool_that_is_refused_too_means_no_schema() -> None:
    async with LoopbackServer(FunctionProvider(obedient)) as server:
        server.fail_next("no_schema", "no_schema")
        async with provider_for(server) as provider:
            for _ in range(2):
                with pytest.raises(UnsupportedError):
                    await provider.complete(q(json_schema=SCHEMA))
            assert not provider.capabilities.json_schema


async def test_declared_capabilities_stand() -> None:
    declared = Capabilities(streaming=True, context_length=200_000)
    provider = AnthropicProvider("m", api_key="sk-x", capabilities=declared)
    assert provider.capabilities == declared


async def test_nobody_listening_is_a_connection_failure() -> None:
    async with AnthropicProvider("m", base_url="http://127.0.0.1:9", api_key="k") as provider:
        with anyio.fail_after(10), pytest.raises(errors.ConnectionFailedError):
            await provider.complete(q())
