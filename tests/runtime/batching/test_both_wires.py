"""Calls through the batch APIs: bought once, whatever the service brings or leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

import catsdk as cat
from catsdk.testing import BatchWeather
from tests.runtime.batching.serving import QUICK, WIRES, Wire, cutting, run, serving


@WIRES
async def test_calls_of_many_prompts_go_into_one_batch_and_come_back_to_who_asked(
    wire: Wire,
) -> None:
    async with serving() as server:
        results = await run(server, wire, cat.Client(batch=QUICK))
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
@pytest.mark.behaviour("provider-batch-loses-no-request")
async def test_every_prompt_is_answered_once_whatever_becomes_of_its_batch(
    wire: Wire, weather: BatchWeather, tmp_path: Path
) -> None:
    batching = QUICK.model_copy(update={"path": str(tmp_path / "batches.db"), "resubmit": 9})
    # Some weather fails a request several times.
    client = cat.Client(batch=batching, retry=cat.Retry(times=20))
    async with serving(weather) as server:
        results = await run(server, wire, client)
    assert [result.answer for result in results] == ["4"] * 20
    assert max(server.batches.bought.values()) == 1


@WIRES
async def test_a_request_that_the_model_refuses_is_a_typed_failure_of_that_call_alone(
    wire: Wire,
) -> None:
    async with serving(BatchWeather(failing_share=0.3, seed=5)) as server:
        results = await run(server, wire, cat.Client(batch=QUICK))
    failed = [result for result in results if result.failure is not None]
    assert 0 < len(failed) < 20
    assert all("RequestRefusedError" in str(result.failure) for result in failed)
    assert sum(server.batches.bought.values()) == 20 - len(failed)


@WIRES
async def test_a_request_that_no_batch_comes_to_fails_after_so_many(wire: Wire) -> None:
    batching = QUICK.model_copy(update={"resubmit": 1})
    async with serving(BatchWeather(expiring_share=1.0)) as server:
        results = await run(server, wire, cat.Client(batch=batching), prompts=2)
    assert all("2 batches ended without an answer" in str(result.failure) for result in results)
    assert len(server.batches.batches) == 2


@WIRES
async def test_a_batch_whose_creation_was_not_confirmed_is_found_in_the_list(wire: Wire) -> None:
    async with serving() as server:
        server.batches.on_step = cutting("created")
        results = await run(server, wire, cat.Client(batch=QUICK))
    assert [result.answer for result in results] == ["4"] * 20
    assert len(server.batches.batches) == 1
    assert max(server.batches.bought.values()) == 1


@WIRES
@pytest.mark.behaviour("provider-batch-in-doubt-is-reported")
async def test_a_batch_that_the_list_does_not_show_is_in_doubt_and_not_bought_again(
    wire: Wire, tmp_path: Path
) -> None:
    path = str(tmp_path / "batches.db")
    batching = QUICK.model_copy(update={"path": path, "confirm": 0.1})
    async with serving(BatchWeather(listed=False)) as server:
        server.batches.on_step = cutting("created")
        results = await run(server, wire, cat.Client(batch=batching), prompts=2)
        again = await run(server, wire, cat.Client(batch=batching), prompts=2)
    for result in [*results, *again]:
        assert f"catsdk batches {path} --not-created 1" in str(result.failure)
    assert len(server.batches.batches) == 1
