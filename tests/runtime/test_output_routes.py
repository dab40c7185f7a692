"""An output over HTTP: what is sent on each route, and what a service refuses of a schema."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import anyio
import pytest
from pydantic import BaseModel

import catsdk as cat
from catsdk.errors import InvalidInputError
from catsdk.runtime import Output
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk.types import Request
from catsdk_providers.openai.provider import OpenAIProvider

if find_spec("instructor") is not None:
    # It takes seconds, which count against the limit of no test.
    import_module("instructor")

ANTHROPIC: Any = (
    import_module("catsdk_providers.anthropic.provider")
    if find_spec("anthropic") is not None
    else None
)
REAL = pytest.mark.skipif(
    find_spec("instructor") is None, reason="instructor has its own environment"
)


class City(BaseModel):
    name: str
    people: float | None = None


CAIRO = '{"name": "Cairo", "people": 10.0}'


def answered(request: Request) -> Any:
    if "everal responses" in request.messages[-1].text:
        return json.dumps({"summary": "They agree.", "response": json.loads(CAIRO)})
    return [CAIRO] * request.n


@pytest.fixture
async def server() -> AsyncIterator[LoopbackServer]:
    async with LoopbackServer(FunctionProvider(answered)) as server:
        yield server


def provider_of(server: LoopbackServer, **able: Any) -> OpenAIProvider:
    return OpenAIProvider(
        server.model,
        base_url=server.url,
        api_key=server.key,
        capabilities=cat.Capabilities(**able) if able else None,
    )


def ways(server: LoopbackServer) -> list[str]:
    """How each request asked for its form."""
    return [
        "schema" if "response_format" in sent else "tool" if "tools" in sent else "words"
        for sent in server.payloads
    ]


@pytest.mark.parametrize(
    ("route", "way"),
    [
        ("auto", "schema"),
        ("schema", "schema"),
        ("tool", "tool"),
        ("json", "words"),
        pytest.param("instructor", "words", marks=REAL),
    ],
)
async def test_an_output_comes_by_every_route(server: LoopbackServer, route: Any, way: str) -> None:
    with anyio.fail_after(20):
        async with provider_of(server, json_schema=True, tools=True) as policy:
            reference = await cat.synthesize(
                "Which city?", 2, policy, output=Output(City, route=route)
            )
    assert reference.output == City(name="Cairo", people=10)
    assert reference.agreement == 1.0
    assert set(ways(server)) == {way}
    by_instructor = ["following json_schema" in json.dumps(sent) for sent in server.payloads]
    assert all(by_instructor) is any(by_instructor) is (route == "instructor")


@REAL
async def test_by_instructor_the_conversation_is_sent_whole(server: LoopbackServer) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/map.png"}}
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    chat: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Which?"}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Cairo"},
        {"role": "user", "content": [{"type": "text", "text": "So which?"}, picture]},
    ]
    with anyio.fail_after(20):
        async with provider_of(server) as policy:
            output = Output(City, route="instructor")
            await cat.CaT(policy, estimator=cat.Majority(), output=output).run(chat, 1)
    first, *middle, last = server.payloads[0]["messages"]
    assert first["content"].startswith("Be brief.\n\nAs a genius expert")
    assert middle == chat[1:-1]
    *question, wish = last["content"]
    assert question[:2] == chat[-1]["content"]
    assert wish["text"].startswith("Return the correct JSON")


async def test_the_schema_is_sent_strict_and_with_its_descriptions(server: LoopbackServer) -> None:
    with anyio.fail_after(20):
        async with provider_of(server, json_schema=True) as policy:
            c = cat.CaT(policy, estimator=cat.Majority(), output=City)
            await c.run("Which city?", 1)
    form = server.payloads[0]["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"]["additionalProperties"] is False
    assert form["schema"]["required"] == ["name", "people"]


async def test_a_service_without_schemas_is_asked_by_tool_and_then_in_words(
    server: LoopbackServer,
) -> None:
    server.fail_next("no_schema", "no_tools")
    with anyio.fail_after(20):
        async with provider_of(server) as policy:
            c = cat.CaT(policy, estimator=cat.Majority(), output=City)
            for _ in range(2):
                result = await c.run("Which city?", 1)
                assert result.output == City(name="Cairo", people=10)
    assert ways(server) == ["schema", "tool", "words", "words"]


async def test_a_schema_that_the_service_does_not_like_is_refused_for_this_schema_alone(
    server: LoopbackServer,
) -> None:
    class Counts(BaseModel):
        """People of each city."""

        of: dict[str, int]

    def strict(request: dict[str, Any]) -> RawReply | None:
        form = request.get("response_format")
        if form is None or "Counts" not in json.dumps(form) and "People of" not in json.dumps(form):
            return None
        said = (
            "Invalid schema for response_format 'reply': In context=('properties', 'of'),"
            " 'additionalProperties' is required to be supplied and to be false."
        )
        return RawReply({"error": {"message": said, "code": None, "param": "response_format"}}, 400)

    server.answer = strict
    with anyio.fail_after(20):
        async with provider_of(server) as policy:
            c = cat.CaT(policy, estimator=cat.Majority())
            for _ in range(2):
                group = await c.sample("Which city?", 2, output=Counts)
                assert (len(group.rollouts), group.failures) == (2, {})
            await c.sample("Which city?", 2, output=City)
    # Refused once; another schema is still enforced by the service.
    assert ways(server) == ["schema", "tool", "tool", "schema"]


@pytest.mark.skipif(ANTHROPIC is None, reason="the extra anthropic is not installed")
async def test_what_an_sdk_cannot_word_goes_by_another_route(server: LoopbackServer) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "people": {"type": ["number", "null"]}},
    }
    with anyio.fail_after(20):
        async with ANTHROPIC.AnthropicProvider(
            server.model, base_url=server.url.removesuffix("/v1"), api_key=server.key
        ) as policy:
            c = cat.CaT(policy, estimator=cat.Majority(), output=schema)
            result = await c.run("Which city?", 2)
    assert result.output == {"name": "Cairo", "people": 10.0}
    assert not any("output_config" in sent for sent in server.payloads)


async def test_an_error_that_is_not_about_the_form_is_told_as_it_is(
    server: LoopbackServer,
) -> None:
    server.fail_next("401")
    async with provider_of(server) as policy:
        c = cat.CaT(policy, estimator=cat.Majority(), output=City)
        with anyio.fail_after(20):
            group = await c.sample("Which city?", 1)
    assert [failure.kind for failure in group.failures.values()] == ["AuthenticationError"]
    assert len(server.payloads) == 1


async def test_a_rollout_that_fails_keeps_its_cause(server: LoopbackServer) -> None:
    async with provider_of(server, tools=True) as policy:
        server.fail_next("no_tools")
        c = cat.CaT(policy, estimator=cat.Majority(), output=Output(City, route="tool"))
        with anyio.fail_after(20):
            group = await c.sample("Which city?", 1)
    assert [failure.kind for failure in group.failures.values()] == ["UnsupportedError"]


def test_an_unknown_route_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="route is 'native'"):
        Output(City, route="native")  # type: ignore[arg-type]
