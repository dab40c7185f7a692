"""Batches at Azure: its routes, its header, its paths, and files that are looked over first."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

import catsdk as cat
from catsdk.core.sending import Batching
from catsdk.providers import OpenAIProvider
from catsdk.testing import BatchWeather
from tests.runtime.batching.azure_front import PATH, AzureFront
from tests.runtime.batching.serving import QUICK, serving

AZURE = QUICK.model_copy(update={"endpoint": PATH})
# The front is a server in the test's own event loop, by aiohttp.
pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def run(front: AzureFront, key: str, model: str, batching: Batching) -> list[cat.Result]:
    async with (
        front.serving() as url,
        OpenAIProvider(model, base_url=url, api_key="unused", headers={"api-key": key}) as policy,
        cat.CaT(policy, estimator=cat.Majority(), client=cat.Client(batch=batching)) as c,
    ):
        with anyio.fail_after(60):
            results = c.map([f"question {at}" for at in range(10)], n=1, ordered=True)
            return [result async for result in results]


@pytest.mark.parametrize(
    "weather",
    [
        None,
        BatchWeather(shuffled=True, polls=2),
        # As the service says that too many tokens are enqueued: of a batch that it had taken.
        BatchWeather(refused_batches=2),
        BatchWeather(missing_share=0.4, seed=2),
    ],
    ids=str,
)
@pytest.mark.behaviour("provider-batch-loses-no-request")
async def test_a_batch_is_bought_once_its_file_was_looked_over(
    weather: BatchWeather | None, tmp_path: Path
) -> None:
    batching = AZURE.model_copy(update={"path": str(tmp_path / "batches.db"), "resubmit": 9})
    async with serving(weather) as server:
        front = AzureFront(server)
        results = await run(front, server.key, server.model, batching)
    assert [result.answer for result in results] == ["4"] * 10
    assert all(result.usage.batched == 1 for result in results)
    assert front.early == 0
    assert max(server.batches.bought.values()) == 1
    assert server.counters.requests == 0


async def test_the_path_of_openai_is_refused_there_and_the_failure_says_so() -> None:
    async with serving() as server:
        results = await run(AzureFront(server), server.key, server.model, QUICK)
    assert all(f"The endpoint must be {PATH}" in str(result.failure) for result in results)
    assert not server.batches.bought


async def test_a_wrong_key_buys_nothing() -> None:
    async with serving() as server:
        results = await run(AzureFront(server), "wrong", server.model, AZURE)
    assert all("invalid subscription key" in str(result.failure) for result in results)
    assert not server.batches.bought


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://mine.openai.azure.com/openai/v1", PATH),
        ("https://mine.cognitiveservices.azure.com/openai/v1/", PATH),
        ("https://mine.services.ai.azure.com/openai/v1/", PATH),
        ("https://api.openai.com/v1", f"/v1{PATH}"),
        ("https://openai.azure.com.example.org/v1", f"/v1{PATH}"),
    ],
)
async def test_the_path_of_the_lines_follows_from_the_address(address: str, path: str) -> None:
    policy = OpenAIProvider("a-deployment", base_url=address, api_key="k")
    assert policy.batches(Batching()).endpoint == path
