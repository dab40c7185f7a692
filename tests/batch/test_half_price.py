"""Many rows through a provider's batch API: in few batches, in the memory of few rows."""

from __future__ import annotations

from pathlib import Path

import anyio

import catsdk as cat
from catsdk.batch import Plan, run
from catsdk.batch.discounts import price_shares_of
from catsdk.core.sending import Batching
from catsdk.providers import OpenAIProvider
from catsdk.runtime import Price
from catsdk.testing import FunctionProvider, LoopbackServer

ROWS = 120
WAITING = 15


def rows(count: int = ROWS) -> list[dict[str, object]]:
    return [{"id": f"r{at}", "prompt": f"question {at}"} for at in range(count)]


async def test_many_rows_wait_for_their_batches_in_the_memory_of_a_few(tmp_path: Path) -> None:
    batching = Batching(send_after=1.0, poll=0.02, waiting=WAITING)
    server = LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}"))
    async with (
        server,
        OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as model,
    ):
        c = cat.CaT(model, estimator=cat.Synthesizer(), client=cat.Client(batch=batching))
        with anyio.fail_after(120):
            summary = await run(rows(), tmp_path / "out", Plan(c, n=2))
    assert (summary.ok, summary.failed, summary.waiting) == (ROWS, 0, 0)
    assert server.counters.requests == 0
    # One request for both rollouts, and the synthesis; each of them once.
    assert sum(server.batches.bought.values()) == 2 * ROWS
    assert max(server.batches.bought.values()) == 1
    # Rows that are put out of memory leave room for the next, so that batches are larger than it.
    sizes = [len(batch.entries) for batch in server.batches.batches.values()]
    assert max(sizes) > 2 * WAITING
    assert summary.usage.requests == summary.usage.batched == 2 * ROWS


async def test_an_estimate_counts_the_discount_of_the_stages_that_are_batched() -> None:
    batching = Batching(stages=("rollouts", "verdicts"))
    prices = {"m": Price(input=1, output=1, batch=0.25)}
    client = cat.Client(batch=batching, prices=prices)
    c = cat.CaT(OpenAIProvider("m", base_url="http://127.0.0.1:9/v1"), client=client)
    shares = await price_shares_of(c)
    assert shares["sample"] == shares["judge"] == 0.25
    assert "synthesize" not in shares
    assert await price_shares_of(c.with_client(cat.Client())) == {}
