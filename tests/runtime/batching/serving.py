"""A server of both batch wires, and clients that are in a hurry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

pytest.importorskip("anthropic", reason="the extra anthropic is not installed")

import catsdk as cat
from catsdk.core.sending import Batching
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.testing import BatchWeather, FunctionProvider, LoopbackServer
from catsdk.testing.batches.desk import Step

QUICK = Batching(send_after=0.05, poll=0.01)

Wire = type[OpenAIProvider] | type[AnthropicProvider]
WIRES = pytest.mark.parametrize("wire", [OpenAIProvider, AnthropicProvider])


def serving(weather: BatchWeather | None = None) -> LoopbackServer:
    return LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}"), batch_weather=weather)


async def run(
    server: LoopbackServer,
    wire: Wire,
    client: cat.Client,
    prompts: int = 20,
    **method: Any,
) -> list[cat.Result]:
    async with wire(server.model, base_url=server.url, api_key=server.key) as model:
        method = {"estimator": cat.Majority()} | method
        async with cat.CaT(model, client=client, **method) as c:
            with anyio.fail_after(60):
                results = c.map([f"question {at}" for at in range(prompts)], n=1, ordered=True)
                return [result async for result in results]


def cutting(at: Step) -> Callable[[Step], None]:
    """Cut the connection at the first occurrence of a step."""
    seen: list[Step] = []

    def on_step(step: Step) -> None:
        seen.append(step)
        if step == at and seen.count(step) == 1:
            raise ConnectionResetError

    return on_step
