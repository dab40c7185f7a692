"""Calls through the batch APIs: bought once, whatever the service brings or leaves out."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import catsdk as cat
from catsdk.core.sending import Batching
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.runtime import Client
from catsdk.testing import BatchWeather, FunctionProvider, LoopbackServer

QUICK = Batching(send_after=0.05, poll=0.01)


def serving(weather: BatchWeather | None = None) -> LoopbackServer:
    return LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}"), batch_weather=weather)


Wire = type[OpenAIProvider] | type[AnthropicProvider]
WIRES = pytest.mark.parametrize("wire", [OpenAIProvider, AnthropicProvider])


async def run(
    server: LoopbackServer, wire: Wire, batching: Batching, prompts: int = 20
) -> list[cat.Result]:
    async with wire(server.model, base_url=server.url, api_key=server.key) as model:
        # Some weather fails a request several times.
        sender = Client(batch=batching, retry=cat.Retry(times=20))
        async with cat.CaT(model, estimator=cat.Majority(), client=sender) as c:
            with anyio.fail_after(20):
                results = c.map([f"question {at}" for at in range(prompts)], n=1)
                return [result async for result in results]


@WIRES
async def test_calls_of_many_prompts_go_into_one_batch_and_come_back_to_who_asked(
    wire: Wire,
) -> None:
    async with serving() as server:
        results = await run(server, wire, QUICK)
    assert [result.answer for result in results] == ["4"] * 20
    assert len(server.batches.batches) == 1
    assert server.counters.requests == 0
    assert max(server.batches.bought.values()) == 1
    calls = [call for result in results if result.group for call in result.group.calls]
    assert len(calls) == 20 and all(call.usage.batched == 1 for call in calls)


@WIRES
@pytest.mark.parametrize(
    "weather",
    [
        BatchWeather(shuffled=True, polls=3),
        BatchWeather(expiring_share=0.4, seed=1),
        BatchWeather(missing_share=0.4, seed=2),
        BatchWeather(null_error_share=0.3, seed=3),
        BatchWeather(null_response_share=0.3, seed=4),
        BatchWeather(without_files=2),
        BatchWeather(cut_downloads=2, shuffled=True),
        BatchWeather(enqueued_tokens=600),
        BatchWeather(refused_batches=2),
    ],
    ids=str,
)
async def test_every_prompt_is_answered_once_whatever_becomes_of_its_batch(
    wire: Wire, weather: BatchWeather, tmp_path: Path
) -> None:
    batching = QUICK.model_copy(update={"path": str(tmp_path / "batches.db"), "resubmit": 9})
    async with serving(weather) as server:
        results = await run(server, wire, batching)
    assert [result.answer for result in results] == ["4"] * 20
    assert max(server.batches.bought.values()) == 1
