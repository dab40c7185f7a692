"""The local engine: merging, the token cap, cancelling, breaking, threads and loops."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

import anyio
import anyio.to_thread
import pytest
import torch

from catsdk.core.errors import ProviderError
from catsdk.core.types import Completion, Message, Request
from catsdk_providers.local.provider import LocalProvider
from tests.providers.tiny_models import WatchedModel, tiny_tokenizer, watched_model

pytestmark = pytest.mark.needs_torch


def ask(text: str = "12+34", **settings: object) -> Request:
    messages = (Message(role="user", content=text),)
    return Request.model_validate({"messages": messages, "max_tokens": 12, "seed": 0, **settings})


def provider_of(model: WatchedModel, max_batch_tokens: int = 65_536) -> LocalProvider:
    return LocalProvider.of(model, tiny_tokenizer(), max_batch_tokens=max_batch_tokens)


async def all_answers(
    provider: LocalProvider, requests: Sequence[Request]
) -> list[Sequence[Completion]]:
    found: dict[int, Sequence[Completion]] = {}

    async def one(index: int) -> None:
        found[index] = await provider.complete(requests[index])

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for index in range(len(requests)):
                tasks.start_soon(one, index)
    return [found[index] for index in range(len(requests))]


async def wait_for(event: threading.Event) -> None:
    await anyio.to_thread.run_sync(event.wait, 20)


async def test_concurrent_requests_are_merged_into_batches() -> None:
    model = watched_model()
    await all_answers(provider_of(model), [ask(f"{at:02}+1") for at in range(40)])
    assert sum(model.prompts_read) == 40
    assert len(model.prompts_read) < 10


async def test_a_batch_stays_under_the_token_cap_and_every_row_comes() -> None:
    model = watched_model()
    width = len("<00+1><") + 1 + 12  # three control tokens, the text, the answer
    requests = [ask(f"{at:02}+1") for at in range(20)]
    found = await all_answers(provider_of(model, 4 * width), requests)
    assert all(len(completions) == 1 for completions in found)
    assert max(rows for rows, _ in model.shapes) <= 4


async def test_a_request_with_more_rows_than_fit_is_spread_in_order() -> None:
    model = watched_model()
    (spread,) = await all_answers(provider_of(model, 60), [ask(n=9)])
    assert max(rows for rows, _ in model.shapes) <= 3
    (whole,) = await all_answers(provider_of(watched_model()), [ask(n=9)])
    assert [c.text for c in spread] == [c.text for c in whole]


async def test_a_row_wider_than_the_cap_still_runs() -> None:
    ((completion,),) = await all_answers(provider_of(watched_model(), 1), [ask()])
    assert completion.usage.output_tokens == 12


async def test_the_prompt_of_many_rows_is_read_once() -> None:
    model = watched_model()
    await all_answers(provider_of(model), [ask(n=8)])
    assert model.prompts_read == [1]
    assert model.shapes[1] == (8, 1)


async def test_rows_that_are_finished_leave_the_batch() -> None:
    model = watched_model()
    model.go_on.clear()
    requests = [ask(max_tokens=3), ask(max_tokens=3), ask(max_tokens=12)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(all_answers, provider_of(model), [ask("held")])
        await wait_for(model.reading)
        tasks.start_soon(all_answers, provider_of(model), requests)
        await anyio.wait_all_tasks_blocked()
        model.go_on.set()
    assert model.shapes[-1] == (1, 1)
    assert (3, 1) in model.shapes


async def test_prompts_of_very_different_length_do_not_share_a_batch() -> None:
    model = watched_model()
    model.go_on.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(all_answers, provider_of(model), [ask("held")])
        await wait_for(model.reading)
        tasks.start_soon(all_answers, provider_of(model), [ask("1"), ask("1" * 900), ask("2")])
        await anyio.wait_all_tasks_blocked()
        model.go_on.set()
    # Which request came first is the scheduler's choice.
    assert sorted(shape for shape in model.shapes if shape[1] > 1) == [(1, 7), (1, 903), (2, 4)]


async def test_cancelling_stops_the_computing_at_the_next_token() -> None:
    model = watched_model()
    provider = provider_of(model)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(provider.complete, ask(n=4, max_tokens=1000))
            await wait_for(model.reading)
            tasks.cancel_scope.cancel()
        await provider.complete(ask(max_tokens=1))
    assert len(model.shapes) < 1000


async def test_a_request_cancelled_while_it_waits_is_never_computed() -> None:
    model = watched_model()
    provider = provider_of(model)
    model.go_on.clear()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(provider.complete, ask("held"))
            await wait_for(model.reading)
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(provider.complete, ask("never", n=5))
                await anyio.wait_all_tasks_blocked()
                waiting.cancel_scope.cancel()
            model.go_on.set()
    assert model.prompts_read == [1]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("broken"), "RuntimeError: broken"),
        (torch.OutOfMemoryError("12 GiB"), "max_batch_tokens"),
        (MemoryError(), "max_batch_tokens"),
    ],
)
async def test_a_batch_that_breaks_fails_its_requests_and_the_engine_lives_on(
    error: Exception, told: str
) -> None:
    model = watched_model()
    provider = provider_of(model)
    model.breaks_with = [error]
    with anyio.fail_after(30):
        with pytest.raises(ProviderError, match=told):
            await provider.complete(ask(n=3))
        assert len(await provider.complete(ask(n=3))) == 3


async def test_event_loops_in_other_threads_share_the_engine(anyio_backend: str) -> None:
    model = watched_model()
    provider = provider_of(model)
    other = {"asyncio": "trio", "trio": "asyncio"}[anyio_backend]

    def elsewhere() -> list[Sequence[Completion]]:
        return anyio.run(all_answers, provider, [ask(f"{at}+2") for at in range(8)], backend=other)

    found: list[list[Sequence[Completion]]] = []

    async def there() -> None:
        found.append(await anyio.to_thread.run_sync(elsewhere))

    async def here() -> None:
        found.append(await all_answers(provider, [ask(f"{at}+1") for at in range(8)]))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(there)
            tasks.start_soon(here)
    assert [len(part) for part in found] == [8, 8]
    assert sum(model.prompts_read) == 16


def test_a_loop_that_has_ended_does_not_disturb_the_engine() -> None:
    model = watched_model()
    model.eval()  # type: ignore[no-untyped-call]
    provider = provider_of(model)
    model.go_on.clear()

    async def leave() -> None:
        with anyio.move_on_after(0.01):
            await provider.complete(ask(max_tokens=1000))

    anyio.run(leave)
    model.go_on.set()
    assert len(anyio.run(all_answers, provider, [ask(n=2)])[0]) == 2


def test_the_worker_thread_ends_with_the_last_request() -> None:
    model = watched_model()
    model.go_on.clear()
    provider = provider_of(model)
    workers: list[threading.Thread] = []

    async def look() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_answers, provider, [ask()])
            await wait_for(model.reading)
            workers.extend(t for t in threading.enumerate() if t.name == "catsdk-local")
            model.go_on.set()

    anyio.run(look)
    assert workers
    for worker in workers:
        worker.join(20)
        assert not worker.is_alive()


def test_other_threads_keep_their_number_of_torch_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        anyio.run(all_answers, provider_of(watched_model()), [ask()])
        fresh: list[int] = []
        thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), fresh) == (2, [2])
    finally:
        torch.set_num_threads(before)


def test_sampling_leaves_a_model_in_training_as_it_was() -> None:
    model = watched_model(attention_dropout=0.5)
    model.train()
    first = anyio.run(all_answers, provider_of(model), [ask()])
    again = anyio.run(all_answers, provider_of(model), [ask()])
    assert model.training
    assert first[0][0].text == again[0][0].text


@pytest.mark.parametrize("scores", [False, True], ids=["answer", "score"])
async def test_who_is_cancelled_finds_the_model_in_training_as_it_was(scores: bool) -> None:
    model = watched_model()
    model.train()
    provider = provider_of(model)
    model.go_on.clear()
    left: list[bool] = []

    async def call() -> None:
        try:
            if scores:
                await provider.score(ask().messages, "46")
            else:
                await provider.complete(ask(n=4, max_tokens=1000))
        finally:
            left.append(model.training)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await wait_for(model.reading)
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
                assert not left, "the model is still computing, with dropout off"
                model.go_on.set()
    assert left == [True]
    assert len(model.shapes) < 1000


LEAVES = """
import threading
import anyio
from catsdk.core.types import Message, Request
from catsdk_providers.local.provider import LocalProvider

request = Request(messages=(Message(role="user", content="12+34"),), n=64, max_tokens=1500)
provider = LocalProvider()
started = threading.Event()

async def call():
    await provider.complete(request, lambda piece: started.set())

async def cancelled():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await anyio.to_thread.run_sync(started.wait)
        tasks.cancel_scope.cancel()
"""


@pytest.mark.parametrize(
    "ending",
    [
        "anyio.run(cancelled)",
        "threading.Thread(target=anyio.run, args=(call,), daemon=True).start(); started.wait()",
    ],
)
def test_a_program_may_end_while_the_model_is_computing(ending: str) -> None:
    program = LEAVES + ending
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
