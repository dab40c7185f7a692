"""Clients that nobody named share one gate in the process; one that a program makes has its own."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

import catsdk as cat
from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.types import Request
from catsdk.runtime.context import context_of
from catsdk.runtime.limits.endpoints import SHARED
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.weather import Weather
from catsdk_providers.openai.provider import OpenAIProvider
from tests.runtime.loopback_model import ASK, serving

SMALL = 16


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A server whose replies take longer than it takes to send all that may be in flight."""
    monkeypatch.setenv("CATSDK_LIMITS__IN_FLIGHT", str(SMALL))
    monkeypatch.setenv("CATSDK_LIMITS__ADAPTIVE", "false")
    with serving(monkeypatch) as server:
        server.change(Weather(latency=0.02))
        yield server


def provider_of(server: LoopbackServer) -> OpenAIProvider:
    return OpenAIProvider(server.model, base_url=server.url, api_key=server.key)


@pytest.mark.slow
@pytest.mark.allow_blocking  # the check looks at the stack of each of 100,000 locks: a minute
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_thousand_one_liners_at_once_meet_one_gate(server: LoopbackServer) -> None:
    async with provider_of(server) as model:
        with anyio.fail_after(120):
            references = await fan_out(
                lambda at: cat.synthesize(f"question {at}", n=1, model=model), range(1000)
            )
        gate = SHARED.of(model, cat.Limits(in_flight=SMALL, adaptive=False), cat.Retry())
    assert [reference.answer for reference in references] == ["4"] * 1000
    assert server.counters.in_flight_peak == gate.allowed == SMALL
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_cats_and_roles_without_a_client_meet_at_the_same_gate(
    server: LoopbackServer,
) -> None:
    async with provider_of(server) as model:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for at in range(8):
                    tasks.start_soon(cat.CaT(model).run, f"run {at}", 8)
                    tasks.start_soon(cat.Sampler(model).sample, f"sample {at}", 8)
                    tasks.start_soon(lambda: cat.synthesize("one-liner", 8, model))
    assert server.counters.in_flight_peak <= SMALL


async def test_clients_that_a_program_makes_have_limits_of_their_own() -> None:
    waiting, go_on = 0, anyio.Event()

    async def hold(_: Request) -> str:
        nonlocal waiting
        waiting += 1
        await go_on.wait()
        return "4"

    model = FunctionProvider(hold)
    small, large = (cat.Client(limits=cat.Limits(in_flight=most)) for most in (2, 5))
    with anyio.fail_after(10):
        async with context_of(small) as one, context_of(large) as other:
            first, second = await one.model(model), await other.model(model)
            async with anyio.create_task_group() as tasks:
                for _ in range(9):
                    tasks.start_soon(first.complete, ASK)
                    tasks.start_soon(second.complete, ASK)
                await anyio.wait_all_tasks_blocked()
                assert waiting == 2 + 5
                assert (small.gate(model).in_flight, large.gate(model).in_flight) == (2, 5)
                assert (small.gate(model).waiting, large.gate(model).waiting) == (7, 4)
                go_on.set()
    assert small.gate(model).in_flight == large.gate(model).in_flight == 0


async def test_what_runs_under_one_client_meets_one_gate() -> None:
    most = 0
    running = 0

    async def count(_: Request) -> str:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await anyio.lowlevel.checkpoint()
        running -= 1
        return "\\boxed{4}"

    model = FunctionProvider(count, capabilities=cat.Capabilities())
    client = cat.Client(limits=cat.Limits(in_flight=3, adaptive=False))
    with anyio.fail_after(20):
        async with client, cat.CaT(model, client=client) as c, anyio.create_task_group() as tasks:
            tasks.start_soon(c.run, "one", 20)
            tasks.start_soon(lambda: cat.synthesize("two", 20, model, client=client))
            tasks.start_soon(cat.CaT(model, client=client).run, "three", 20)
    assert most == 3
