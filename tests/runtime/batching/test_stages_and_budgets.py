"""Which calls are batched and until when, and what they cost."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio.to_thread
import pytest

import catsdk as cat
from catsdk.errors import NoEvidenceError
from catsdk.providers import OpenAIProvider
from catsdk.runtime import Price
from catsdk.testing import BatchWeather, FunctionProvider
from catsdk.types import Completion, Request, Usage
from tests.runtime.batching.serving import QUICK, WIRES, Wire, run, serving

PRICES = {"loopback": Price(input=1000.0, output=1000.0, batch=0.5)}


async def test_only_the_stages_that_are_named_are_batched() -> None:
    batching = QUICK.model_copy(update={"stages": ("rollouts",)})
    async with serving() as server:
        client = cat.Client(batch=batching)
        results = await run(server, OpenAIProvider, client, prompts=5, estimator=cat.Synthesizer())
    assert [result.answer for result in results] == ["4"] * 5
    assert sum(server.batches.bought.values()) == 5
    assert server.counters.requests == 5


@WIRES
@pytest.mark.behaviour("provider-batch-deadline-keeps-answers")
async def test_at_the_deadline_answers_are_kept_and_the_rest_is_sent_at_once(wire: Wire) -> None:
    batching = QUICK.model_copy(update={"deadline": 0.5})
    async with serving(BatchWeather(polls=10**9)) as server:
        results = await run(server, wire, cat.Client(batch=batching), prompts=10)
    assert [result.answer for result in results] == ["4"] * 10
    # The server had answered half of the batch when it was cancelled.
    assert sum(server.batches.bought.values()) == 5
    assert server.counters.requests == 5


@WIRES
async def test_what_waits_for_a_full_batch_is_sent_at_once_at_the_deadline(wire: Wire) -> None:
    batching = QUICK.model_copy(update={"send_after": 3600.0, "deadline": 0.2})
    async with serving() as server:
        results = await run(server, wire, cat.Client(batch=batching), prompts=3)
    assert [result.answer for result in results] == ["4"] * 3
    assert not server.batches.batches
    assert server.counters.requests == 3


@pytest.mark.behaviour("provider-batch-is-reserved-and-refunded")
async def test_a_batched_call_costs_its_share_of_the_price_and_the_budget_is_refunded() -> None:
    client = cat.Client(batch=QUICK, prices=PRICES, budget=cat.Budget(usd=1000, answer_tokens=100))
    async with serving(BatchWeather(expiring_share=0.3, seed=1)) as server:
        results = await run(server, OpenAIProvider, client, prompts=10)
    usages = [result.usage for result in results]
    assert all(usage.cost == pytest.approx(usage.tokens * 1000.0 / 1e6 * 0.5) for usage in usages)
    account = client.account
    assert account is not None
    assert account.usd == pytest.approx(sum(usage.cost or 0.0 for usage in usages))
    assert account.requests == 10
    assert account.reserved.usd == 0.0


async def test_a_budget_that_is_too_small_buys_a_part_and_refuses_the_rest() -> None:
    client = cat.Client(batch=QUICK, budget=cat.Budget(requests=4))
    async with serving() as server:
        results = await run(server, OpenAIProvider, client, prompts=10)
    assert sum(server.batches.bought.values()) == 4
    refused = [result for result in results if result.failure is not None]
    assert len(refused) == 6
    assert all("4 requests" in str(result.failure) for result in refused)


async def test_shards_obey_the_most_requests_and_bytes() -> None:
    async with serving() as server:
        client = cat.Client(batch=QUICK.model_copy(update={"requests": 7}))
        await run(server, OpenAIProvider, client, prompts=20)
        assert [len(each.entries) for each in server.batches.batches.values()] == [7, 7, 6]
    async with serving() as server:
        client = cat.Client(batch=QUICK.model_copy(update={"megabytes": 0.0005}))
        await run(server, OpenAIProvider, client, prompts=6)
        assert len(server.batches.batches) > 2


async def test_a_program_that_is_started_again_goes_on_with_the_batches_that_it_had(
    tmp_path: Path,
) -> None:
    batching = QUICK.model_copy(update={"path": str(tmp_path / "batches.db")})
    polled = threading.Event()
    async with serving(BatchWeather(polls=10**9)) as server:
        server.batches.on_step = lambda step: polled.set() if step == "poll" else None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, server, OpenAIProvider, cat.Client(batch=batching), 5)
            assert await anyio.to_thread.run_sync(polled.wait, 30)
            tasks.cancel_scope.cancel()
        assert len(server.batches.batches) == 1
        server.batches.weather = BatchWeather()
        results = await run(server, OpenAIProvider, cat.Client(batch=batching), prompts=5)
    assert [result.answer for result in results] == ["4"] * 5
    assert len(server.batches.batches) == 1


async def test_a_model_without_a_batch_api_is_refused_where_a_stage_is_to_be_batched() -> None:
    policy = FunctionProvider(lambda request: r"\boxed{4}")
    async with cat.CaT(policy, estimator=cat.Majority(), client=cat.Client(batch=True)) as c:
        result = await c.run("2+2?", n=1)
    assert result.answer == "4"

    class Hosted:
        name = "hosted:model"

        async def complete(self, request: Request, on_text: object = None) -> list[Completion]:
            return [Completion(text="4", usage=Usage(requests=1))]

    async with cat.CaT(Hosted(), estimator=cat.Majority(), client=cat.Client(batch=True)) as c:
        with pytest.raises(NoEvidenceError, match="hosted:model has no batch API"):
            await c.run("2+2?", n=1)
