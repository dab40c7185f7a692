"""`catsdk serve` in front of a real llama.cpp server, asked by the SDKs of OpenAI and Anthropic."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

import aiohttp
import anyio
import pytest

if find_spec("xllamacpp") is None:
    pytest.skip("llama.cpp has its own environment: make test-servers", allow_module_level=True)

from anthropic import AsyncAnthropic
from openai import APIStatusError, AsyncOpenAI

from tests.providers.served import served
from tests.servers.llama_server import MODEL, SLOTS

PATIENCE = 900
READY = "gateway at "
QUESTION: Any = [{"role": "user", "content": "What is the colour of the sky? Answer in one word."}]
ROLLOUT = 16
BRIEF = {"max_tokens": 800, "stop": ["."]}
ENDLESS = {"max_tokens": 1200, "extra": {"ignore_eos": True}}
# A model this small writes no sections: these prompts ask for none, and its words are the answer.
CONFIG: dict[str, Any] = {
    "models": [f"openai:{MODEL}", f"anthropic:{MODEL}"],
    "estimators": {
        name: {
            "Synthesizer": {
                "prompt": {
                    "Prompt": {
                        "name": "plain",
                        "version": "1",
                        "system": None,
                        "user": f"{task}\n\n{{{{responses}}}}",
                        "each": {"responses": "{{text}}"},
                    }
                },
                "sampling": sampling,
            }
        }
        for name, task, sampling in [
            ("brief", "Say in one short sentence what these texts say.", BRIEF),
            # Until the limit of its tokens is reached, which takes it a while.
            ("endless", "Go on with these texts.", ENDLESS),
        ]
    },
    "rollouts": {"usual": 3, "most": SLOTS},
    "pass_on": ["ignore_eos"],
}
BOTH = pytest.mark.parametrize("upstream", [f"openai:{MODEL}", f"anthropic:{MODEL}"])

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture(scope="module", name="gateway")
def served_gateway(url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of the gateway, which runs as a process of its own."""
    file = tmp_path_factory.mktemp("gateway") / "serve.yaml"
    # JSON is YAML.
    file.write_text(json.dumps(CONFIG), encoding="utf-8")
    program = ["-c", "from catsdk.cli import main; main()", "serve", "--config", str(file)]
    environment = {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "none",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "none",
        "PYTHONPATH": ":".join(each for each in sys.path if each),
    }
    command = [sys.executable, *program, "--port", "0"]
    with served(command, ready=READY, within=120, environment=environment) as lines:
        (said,) = [line for line in lines if READY in line]
        yield said.strip().removeprefix(READY).removesuffix("/v1")


def greedy(upstream: str) -> dict[str, Any]:
    """The setting with which an answer is the same each time; one wire has it no more."""
    return {"temperature": 0.0} if upstream.startswith("openai") else {}


@asynccontextmanager
async def openai_at(gateway: str) -> AsyncGenerator[AsyncOpenAI]:
    with anyio.fail_after(PATIENCE):
        async with AsyncOpenAI(
            base_url=f"{gateway}/v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            yield client


@asynccontextmanager
async def anthropic_at(gateway: str) -> AsyncGenerator[AsyncAnthropic]:
    with anyio.fail_after(PATIENCE):
        async with AsyncAnthropic(
            base_url=gateway, api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            yield client


async def slots_at_work(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/slots") as response:
        return sum(slot["is_processing"] for slot in await response.json())


async def until_idle(url: str) -> None:
    while await slots_at_work(url):
        await anyio.lowlevel.checkpoint()


@BOTH
async def test_openai_s_sdk_is_passed_through_to_either_wire(gateway: str, upstream: str) -> None:
    async with openai_at(gateway) as client:
        settings: Any = {"model": upstream, "messages": QUESTION, "max_tokens": ROLLOUT}
        settings |= greedy(upstream)
        whole: Any = await client.chat.completions.create(**settings)
        pieces, usage = [], None
        async for chunk in await client.chat.completions.create(
            **settings, stream=True, stream_options={"include_usage": True}
        ):
            pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
            usage = chunk.usage or usage
    assert whole.cat["method"] == "pass-through"
    text = whole.choices[0].message.content
    assert text and "".join(pieces)
    assert usage is not None
    assert usage.prompt_tokens == whole.usage.prompt_tokens > 10
    assert 0 < usage.completion_tokens <= ROLLOUT
    if greedy(upstream):
        assert ("".join(pieces), usage.completion_tokens) == (text, whole.usage.completion_tokens)


@BOTH
async def test_anthropic_s_sdk_is_passed_through_to_either_wire(
    gateway: str, upstream: str
) -> None:
    async with anthropic_at(gateway) as client:
        settings: Any = {"model": upstream, "messages": QUESTION, "max_tokens": ROLLOUT}
        # The SDK knows this setting no more.
        settings["extra_body"] = greedy(upstream)
        counted = await client.messages.count_tokens(model=upstream, messages=QUESTION)
        whole: Any = await client.messages.create(**settings)
        async with client.messages.stream(**settings) as stream:
            pieces = [piece async for piece in stream.text_stream]
            last: Any = await stream.get_final_message()
    assert "".join(pieces) == last.content[0].text
    assert whole.content[0].text
    assert 0 < last.usage.output_tokens <= ROLLOUT
    assert counted.input_tokens > 0
    if greedy(upstream):
        assert whole.content[0].text == last.content[0].text


@pytest.mark.parametrize("api", ["chat", "responses", "messages"])
@BOTH
async def test_a_synthesis_comes_by_each_api_and_counts_all_of_its_calls(
    gateway: str, upstream: str, api: str
) -> None:
    model, cat = f"cat/brief:{upstream}", {"cat": {"n": 3, "return": ["rollouts"]}}
    reply: Any
    if api == "messages":
        async with anthropic_at(gateway) as client:
            reply = await client.messages.create(
                model=model, messages=QUESTION, max_tokens=ROLLOUT, extra_body=cat
            )
        text, usage = reply.content[0].text, reply.usage
        whole, unseen = usage.output_tokens, None
    else:
        async with openai_at(gateway) as client:
            if api == "chat":
                reply = await client.chat.completions.create(
                    model=model, messages=QUESTION, max_tokens=ROLLOUT, extra_body=cat
                )
                text, usage = reply.choices[0].message.content, reply.usage
                whole = usage.completion_tokens
                unseen = usage.completion_tokens_details.reasoning_tokens
            else:
                reply = await client.responses.create(
                    model=model,
                    input=QUESTION[0]["content"],
                    max_output_tokens=ROLLOUT,
                    extra_body=cat,
                )
                text, usage = reply.output_text, reply.usage
                whole, unseen = usage.output_tokens, usage.output_tokens_details.reasoning_tokens
    facts = reply.cat
    assert text
    assert (facts["method"], facts["n"], facts["rollouts"], facts["failed"]) == ("brief", 3, 3, 0)
    assert len(facts["texts"]) == 3
    # Three rollouts have at least a token each, and the answer has some of its own.
    assert whole >= 4
    if unseen is not None:
        assert 3 <= unseen < whole
        assert whole - unseen <= 800


@BOTH
async def test_the_tokens_of_rollouts_are_those_that_were_made(gateway: str, upstream: str) -> None:
    async with openai_at(gateway) as client:
        reply: Any = await client.chat.completions.create(
            model=f"cat/brief:{upstream}",
            messages=QUESTION,
            max_tokens=ROLLOUT,
            extra_body={"cat": {"n": 4}, **({"ignore_eos": True} if "openai" in upstream else {})},
        )
    unseen = reply.usage.completion_tokens_details.reasoning_tokens
    if "openai" in upstream:
        # Each rollout goes on until its limit; of several choices the server counts one, and the
        # rest is estimated.
        assert abs(unseen - 4 * ROLLOUT) <= 0.05 * 4 * ROLLOUT
    assert 4 <= unseen <= 1.05 * 4 * ROLLOUT
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
@BOTH
async def test_the_first_piece_comes_while_the_anchor_writes_and_who_leaves_stops_it(
    url: str, gateway: str, upstream: str, sdk: str
) -> None:
    if "anthropic" in upstream:
        # The anchor's setting is one of the other wire.
        model, settings = upstream, {"max_tokens": 1200}
        question: Any = [{"role": "user", "content": "Count from 1 to 500, one number a line."}]
    else:
        model, settings, question = f"cat/endless:{upstream}", {"max_tokens": ROLLOUT}, QUESTION
    asked: Any = {"model": model, "messages": question, **settings}
    await until_idle(url)
    if sdk == "openai":
        async with openai_at(gateway) as client:
            chunks: Any = await client.chat.completions.create(**asked, stream=True)
            async for chunk in chunks:
                if chunk.choices and chunk.choices[0].delta.content:
                    # The server has a long way to go: only who waits for the end would be too late.
                    assert await slots_at_work(url) == 1
                    break
            await chunks.close()
    else:
        async with anthropic_at(gateway) as other, other.messages.stream(**asked) as stream:
            async for piece in stream.text_stream:
                if piece:
                    assert await slots_at_work(url) == 1
                    break
    with anyio.fail_after(PATIENCE):
        await until_idle(url)
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{gateway}/health") as response:
                    if not (await response.json())["answering"]:
                        break


async def test_what_the_server_refuses_is_told_in_its_words(gateway: str) -> None:
    async with openai_at(gateway) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.chat.completions.create(
                model=f"openai:{MODEL}", messages=[{"role": "user", "content": "a b c " * 4000}]
            )
    assert raised.value.status_code == 400
    assert raised.value.code == "context_length_exceeded"
