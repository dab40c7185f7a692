"""The cost of durability: a batch against the same work without one, and the run store by itself.

    python benchmarks/batch.py --rows durable --prompts 2000 --repeats 5 --contestants catsdk,openai
    python benchmarks/batch.py --rows store --entries 1000000
    python benchmarks/batch.py --rows provider --prompts 2000

`durable` runs prompts (one request for eight rollouts, one for the synthesis) against the loopback
server with 20 ms latency: as a batch, with `CaT.map`, and with a peer's bare SDK, interleaved.
`store` writes entries of eight rollouts from 256 concurrent tasks, reads them all again, and reads
the state of as many rows. `provider` sends all calls through the batch APIs of the loopback server,
where a tenth of each batch expires and results arrive shuffled; the server, which runs in the same
process, counts what was bought.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from benchmarks.arena import Arena
from catsdk import CaT, Client
from catsdk.batch import Plan, run
from catsdk.batch.job import CHUNK
from catsdk.batch.state import RowState, States
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.runs.ledger import KEY, Kept, paid
from catsdk.runs.store import RunStore
from catsdk.runtime import Batching
from catsdk.testing import BatchWeather, FunctionProvider, LoopbackServer
from catsdk.types import Call, Completion, Usage

IN_FLIGHT, ROLLOUTS, WRITERS = 256, 8, 256
WEATHER = {"latency": 0.02}
TEXT = "The first number is larger than the second, so the difference is positive, namely 42. " * 4


def durable(prompts: int, repeats: int, contestants: list[str]) -> None:
    """Print the batch's wall time and CPU, and their ratios to the same work without a batch."""
    works = [("catsdk", "durable"), *((name, "pairs") for name in contestants)]
    walls: dict[tuple[str, str], list[float]] = {work: [] for work in works}
    cpus: dict[tuple[str, str], list[float]] = {work: [] for work in works}
    arguments = {"prompts": prompts, "n": ROLLOUTS, "in_flight": IN_FLIGHT}
    slots = {"CATSDK_MAX_IN_FLIGHT": str(IN_FLIGHT)}
    with Arena(sorted({name for name, _ in works}), limit=1200) as arena:
        for _ in range(repeats):
            for who, task in works:
                done = arena.task(
                    who, task, arguments, weather=WEATHER, takes_n="all", settings=slots
                )
                if done.error or done.answer["result"]["failures"]:
                    raise SystemExit(f"{who} {task}: {done.error or done.answer['result']}")
                walls[who, task].append(done.answer["wall"])
                cpus[who, task].append(done.answer["cpu"])
                told = f"{walls[who, task][-1]:.1f} s, {cpus[who, task][-1]:.1f} s of CPU"
                print(f"  {who} {task}: {told}", file=sys.stderr, flush=True)
    print(
        "| work | wall s | CPU ms a prompt | wall, batch over it | CPU, batch over it |\n"
        "| --- | --- | --- | --- | --- |"
    )
    batch = works[0]
    for work in works:
        cells = [
            _spread(walls[work]),
            _spread([1e3 * cpu / prompts for cpu in cpus[work]]),
            _spread([a / b for a, b in zip(walls[batch], walls[work], strict=True)]),
            _spread([a / b for a, b in zip(cpus[batch], cpus[work], strict=True)]),
        ]
        print(f"| {' '.join(work)} | {' | '.join(cells)} |")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


async def stored(entries: int) -> None:
    """Print the cost of the run store for that many entries and rows."""
    used = [Usage(input_tokens=0 if at else 90, output_tokens=60) for at in range(ROLLOUTS)]
    whole = Usage.total(used).model_copy(update={"requests": 1})
    named: dict[str, Any] = {
        "model": "model",
        "latency": 0.8214,
        "request_id": "req-0123456789abcdef",
    }
    answer = Kept(
        completions=tuple(
            Completion(text=f"{TEXT}{at}", usage=usage, **named) for at, usage in enumerate(used)
        ),
        calls=(Call(stage="sample", usage=whole, **named),),
    )
    state = RowState(digest="0" * 32, outcome="ok").model_dump_json(exclude_defaults=True)
    print("| work | entries | CPU us an entry | wall s | peak memory MB |")
    print("| --- | --- | --- | --- | --- |")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.sqlite"
        async with RunStore(path) as store:

            async def write(at: int) -> None:
                # Digests of requests are in random order, so these keys are too.
                key = sha256(b"%d" % at).hexdigest()[:KEY]
                await answer.put(store, "answer", key)

            async def end(at: int) -> None:
                await store.put("row", f"row {at}", state)

            await _row("write an answer of eight rollouts", entries, lambda: _all(write, entries))
            await _row("write how a row ended", entries, lambda: _all(end, entries))

            async def scan(kind: str) -> None:
                async for _ in store.each(kind):
                    pass

            async def add_up() -> None:
                await paid(store)

            async def resume() -> None:
                states = States(store)
                for first in range(0, entries, CHUNK):
                    there = range(first, min(first + CHUNK, entries))
                    assert len(await states.of([f"row {at}" for at in there])) == len(there)

            await _row("read the answers", entries, lambda: scan("answer"))
            await _row("resume: add up what was paid", entries, add_up)
            await _row("resume: look up how each row ended", entries, resume)
        size = path.stat().st_size / 1e6
    print(f"\nThe file has {size:,.0f} MB.")


async def through_provider(prompts: int) -> None:
    """Print the cost of a run through a provider's batches, and the server's count of answers."""
    print("| wire | rows | ok | batches | answers | bought twice | sent live | CPU ms a row | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    weather = BatchWeather(expiring_share=0.1, shuffled=True, polls=2, seed=1)
    script = FunctionProvider(lambda request: r"\boxed{42}")
    batching = Batching(send_after=0.5, poll=0.1, resubmit=20, requests=1000, waiting=500)
    # A row is one request for all rollouts (or one for each, if the API lacks `n`) and a synthesis.
    for wire, each in ((OpenAIProvider, 2), (AnthropicProvider, ROLLOUTS + 1)):
        with (
            LoopbackServer(script, batch_weather=weather) as server,
            TemporaryDirectory() as folder,
        ):
            rows = [f"What is {at} + {at}?" for at in range(prompts)]
            async with wire(server.model, base_url=server.url, api_key=server.key) as model:
                method = CaT(model, client=Client(batch=batching))
                cpu = time.process_time()
                made = await run(rows, Path(folder) / "out", Plan(method, n=ROLLOUTS))
            cpu = time.process_time() - cpu
            bought = sum(server.batches.bought.values())
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            counts = (
                prompts,
                made.ok,
                len(server.batches.batches),
                bought,
                bought - each * prompts,
                server.counters.requests,
            )
            cells = [*(f"{count:,}" for count in counts), f"{1e3 * cpu / prompts:.1f}"]
            print(f"| {wire.__name__} | {' | '.join(cells)} | {memory:.0f} |", flush=True)


async def _all(work: Callable[[int], Awaitable[None]], many: int) -> None:
    numbers = iter(range(many))

    async def worker() -> None:
        for at in numbers:
            await work(at)

    async with anyio.create_task_group() as tasks:
        for _ in range(WRITERS):
            tasks.start_soon(worker)


async def _row(name: str, entries: int, work: Callable[[], Awaitable[None]]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {entries:,} | {1e6 * cpu / entries:.1f} | {wall:.1f} | {memory:.0f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="durable,store")
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--contestants", default="catsdk,openai")
    parser.add_argument("--entries", type=int, default=100_000)
    options = parser.parse_args()
    if "durable" in options.rows.split(","):
        durable(options.prompts, options.repeats, options.contestants.split(","))
    if "store" in options.rows.split(","):
        anyio.run(stored, options.entries)
    if "provider" in options.rows.split(","):
        anyio.run(through_provider, options.prompts)


if __name__ == "__main__":
    main()
