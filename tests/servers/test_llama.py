"""A real llama.cpp server with a real small model: both of its wires, and the method on it.

It has an environment of its own: `make test-servers`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

import aiohttp
import anyio
import pytest

if find_spec("xllamacpp") is None:
    pytest.skip("llama.cpp has its own environment: make test-servers", allow_module_level=True)

import catsdk as cat
from catsdk.errors import ContextTooLongError
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.types import Message, Usage
from catsdk_providers.http.estimates import tokens_at_most
from tests.providers.contract import Opened, ProviderContract, ask
from tests.servers.llama_server import CONTEXT, MODEL, SLOTS

SCHEMA = {
    "type": "object",
    "properties": {
        "grade": {"type": "integer", "minimum": 3, "maximum": 5},
        "colours": {
            "type": "array",
            "items": {"type": "string", "enum": ["red", "blue"]},
            "minItems": 3,
            "maxItems": 4,
        },
    },
    "required": ["grade", "colours"],
    "additionalProperties": False,
}
# A busy machine takes minutes for what an idle one does in seconds; only what hangs takes longer.
PATIENCE = 900
# Until the limit of its tokens is reached.
ENDLESS = {"ignore_eos": True}

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@asynccontextmanager
async def chat(url: str) -> AsyncGenerator[OpenAIProvider]:
    async with OpenAIProvider(MODEL, base_url=f"{url}/v1", api_key="none") as provider:
        yield provider


@asynccontextmanager
async def messages(url: str) -> AsyncGenerator[AnthropicProvider]:
    # Its wire takes a temperature.
    async with AnthropicProvider(
        MODEL, base_url=url, api_key="none", api_version="2023-06-01"
    ) as provider:
        yield provider


BOTH = pytest.mark.parametrize("wire", [chat, messages], ids=["chat", "messages"])


class Contract(ProviderContract):
    patience = PATIENCE
    # More than there are slots.
    at_once = SLOTS + 4

    async def test_a_system_message_is_taken(self, opened: Opened) -> None:
        # The template of this model has a system message of its own, which this one takes the
        # place of.
        system = Message(role="system", content="Be brief. " * 20)
        with anyio.fail_after(PATIENCE):
            async with opened() as provider:
                (plain,) = await provider.complete(ask())
                (told,) = await provider.complete(ask(messages=(system, *ask().messages)))
        assert told.usage.input_tokens > plain.usage.input_tokens


class TestChatContract(Contract):
    @pytest.fixture
    def opened(self, url: str) -> Opened:
        return lambda: chat(url)


class TestMessagesContract(Contract):
    @pytest.fixture
    def opened(self, url: str) -> Opened:
        return lambda: messages(url)


async def slots_at_work(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/slots") as response:
        return sum(slot["is_processing"] for slot in await response.json())


def counted(completions: Any) -> Usage:
    return Usage.total(completion.usage for completion in completions)


async def test_every_choice_is_counted_though_the_server_reports_one(url: str) -> None:
    with anyio.fail_after(PATIENCE):
        async with chat(url) as provider:
            completions = await provider.complete(ask(n=8, max_tokens=16, extra=ENDLESS))
    assert [completion.finish_reason for completion in completions] == ["length"] * 8
    usage = counted(completions)
    assert abs(usage.output_tokens - 8 * 16) <= 0.05 * 8 * 16
    assert (usage.requests, usage.unreported, usage.estimated) == (1, 0, 1)


@BOTH
async def test_the_tokens_of_one_answer_are_those_that_were_made(url: str, wire: Any) -> None:
    async with wire(url) as provider:
        with anyio.fail_after(PATIENCE):
            (completion,) = await provider.complete(ask(max_tokens=10, extra=ENDLESS))
    assert completion.usage.output_tokens == 10
    assert completion.usage.input_tokens > 10
    assert completion.usage.estimated == 0


@pytest.mark.parametrize(
    "text",
    [
        "The sky is blue, because short waves of light are scattered more than long ones.",
        r"So $\frac{12}{5} = 2.4$ and $\sqrt{144} = 12$; thus $x^{2} - 7x + 10 = 0$. \boxed{42}",
        "123456789 * 987654321 = 121932631112635269",
        "def f(x):\n    return [each ** 2 for each in range(x) if each % 3 == 0]\n",
        "Der Himmel ist blau, weil kurzwelliges Licht stärker gestreut wird.",
        "天空是蓝色的，因为短波长的光散射得更多。",
        "\U0001f408\U0001f600 naïve café — “quoted” …",
        '{"met": true, "evidence": "blue light is scattered", "id": "c12"}',
    ],
)
async def test_the_estimate_of_a_text_is_not_below_its_tokens(url: str, text: str) -> None:
    async with aiohttp.ClientSession() as session:
        with anyio.fail_after(PATIENCE):
            async with session.post(f"{url}/tokenize", json={"content": text}) as response:
                tokens = len((await response.json())["tokens"])
    assert tokens <= tokens_at_most(text) <= 4 * tokens


async def test_a_group_larger_than_the_server_s_slots_loses_no_rollout(url: str) -> None:
    async with chat(url) as provider, cat.CaT(provider) as c:
        sampling = cat.Sampling(max_tokens=4)
        with anyio.fail_after(PATIENCE):
            for n in (SLOTS, SLOTS + 1):
                group = await c.sample("Name a colour.", n, sampling=sampling)
                assert (len(group.rollouts), dict(group.failures)) == (n, {})


async def test_log_probabilities_are_those_of_the_text(url: str) -> None:
    async with chat(url) as provider:
        with anyio.fail_after(PATIENCE):
            request = ask("Name a colour.", logprobs=True, temperature=0.0, max_tokens=8)
            (completion,) = await provider.complete(request)
    assert completion.logprobs is not None
    assert len(completion.logprobs) == 8
    assert "".join(each.token for each in completion.logprobs) == completion.text


@BOTH
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_prompt_over_the_context_is_an_error_of_that_kind(
    url: str, wire: Any, streamed: bool
) -> None:
    async with wire(url) as provider:
        with anyio.fail_after(PATIENCE), pytest.raises(ContextTooLongError):
            await provider.complete(ask("a b c " * CONTEXT), print if streamed else None)


async def test_a_group_that_does_not_fit_is_synthesized_from_a_part_of_it(url: str) -> None:
    texts = [f"The answer is {at}. " + "word " * 600 for at in range(4)]
    group = cat.group_of("Which number?", texts)
    async with chat(url) as provider:
        synthesizer = cat.Synthesizer(provider, sampling=cat.Sampling(max_tokens=32))
        async with cat.CaT(provider, estimator=synthesizer) as c:
            told: list[Any] = []
            with anyio.fail_after(PATIENCE):
                result = await c.run(group, on_event=told.append)
    # A model this small may not write what is asked for; what it was asked did fit.
    failures = [call.failure.kind for call in calls_of(result) if call.failure is not None]
    assert "ContextTooLongError" in failures
    assert any(call.failure is None for call in calls_of(result))


@BOTH
async def test_a_conversation_with_tools_is_sampled_synthesized_and_rewarded(
    url: str, wire: Any
) -> None:
    chat_with_tools: list[dict[str, Any]] = [
        {"role": "system", "content": "Answer in French, as JSON."},
        {"role": "user", "content": "How warm is it in Paris?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}],
        },
        {"role": "tool", "content": "21 degrees"},
    ]
    async with wire(url) as provider:
        synthesizer = cat.Synthesizer(provider, sampling=cat.Sampling(max_tokens=48))
        async with cat.CaT(
            cat.Sampler(provider, sampling=cat.Sampling(max_tokens=16)), estimator=synthesizer
        ) as c:
            with anyio.fail_after(PATIENCE):
                group = await c.sample(chat_with_tools, 2)
                result = await c.run(group)
    assert (len(group.rollouts), dict(group.failures)) == (2, {})
    # So small a model may write no response: what it was asked was taken.
    assert any(call.failure is None for call in calls_of(result))


def calls_of(result: cat.Result) -> list[Any]:
    of_group = result.group.calls if result.group is not None else ()
    of_reference = result.reference.calls if result.reference is not None else ()
    return [*of_group, *of_reference, *result.calls]


async def test_the_grammar_holds_answers_to_the_bounds_of_a_schema(url: str) -> None:
    async with chat(url) as provider:
        request = ask("Grade the colours.", json_schema=SCHEMA, max_tokens=100)
        with anyio.fail_after(PATIENCE):
            completions = [(await provider.complete(request))[0] for _ in range(3)]
    for completion in completions:
        fields = json.loads(completion.text)
        assert set(fields) == {"grade", "colours"}
        assert fields["grade"] in {3, 4, 5}
        assert 3 <= len(fields["colours"]) <= 4
        assert set(fields["colours"]) <= {"red", "blue"}


@BOTH
async def test_a_cancelled_answer_stops_on_the_server_too(url: str, wire: Any) -> None:
    async with wire(url) as provider:
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                request = ask(max_tokens=CONTEXT - 200, extra=ENDLESS)
                tasks.start_soon(provider.complete, request, lambda _: tasks.cancel_scope.cancel())
            while await slots_at_work(url):
                await anyio.lowlevel.checkpoint()


@BOTH
async def test_a_connection_that_the_server_closes_behind_a_stream_costs_no_rollout(
    url: str, wire: Any
) -> None:
    async with wire(url) as provider, cat.CaT(provider) as c:
        sampling = cat.Sampling(max_tokens=4)
        with anyio.fail_after(PATIENCE):
            for _ in range(3):
                await provider.complete(ask(max_tokens=4), lambda _: None)
                group = await c.sample("Name a colour.", 2, sampling=sampling)
                assert (len(group.rollouts), dict(group.failures)) == (2, {})


async def test_a_rubric_is_written_and_judged_within_the_forms_that_are_asked_for(url: str) -> None:
    reference = "The sky is blue. Blue light is scattered more than red light."
    group = cat.group_of("Why is the sky blue?", [reference, "The sky is green."])
    rubric_sampling = cat.Sampling(max_tokens=400, temperature=0.3, extra={"repeat_penalty": 1.3})
    async with chat(url) as provider:
        reward = cat.RubricReward(
            proposer=cat.RubricProposer(
                sampling=rubric_sampling, at_least=2, at_most=3, attempts=6
            ),
            judge=cat.Judge(sampling=cat.Sampling(max_tokens=160, temperature=0.0)),
        )
        async with cat.CaT(provider, estimator=Given(reference), reward=reward) as c:
            with anyio.fail_after(PATIENCE):
                result = await c.run(group)
    assert result.failure is None
    (rubric,) = result.rubrics
    assert 2 <= len(rubric.criteria) <= 3
    for score in result.scores:
        assert len(score.verdicts) == len(rubric.criteria)
        for verdict in score.verdicts:
            # Each is a verdict, or says why there is none: never a guess.
            assert (verdict.met is None) == (verdict.failure is not None)
        assert (score.value is None) == any(verdict.met is None for verdict in score.verdicts)
        assert score.value is None or 0 <= score.value <= 1
    judged = [call for score in result.scores for v in score.verdicts for call in v.calls]
    assert all(call.failure is not None or call.usage.output_tokens > 0 for call in judged)


class Given:
    """An estimator whose reference is known: a model this small does not write one reliably."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
        return ctx.reference(self.text)


async def test_a_whole_synthesis_counts_all_that_it_asked_for(url: str) -> None:
    async with chat(url) as provider:
        synthesizer = cat.Synthesizer(sampling=cat.Sampling(max_tokens=64))
        async with cat.CaT(provider, estimator=synthesizer) as c:
            with anyio.fail_after(PATIENCE):
                result = await c.run("Is the sky blue?", 4, sampling=cat.Sampling(max_tokens=24))
    assert result.group is not None
    assert len(result.group.rollouts) == 4
    assert result.reference is not None or result.failure is not None
    # The rollouts alone have ten tokens each at least.
    assert result.usage.output_tokens >= 40
    assert result.usage.unreported == 0
