"""The gate never lets too many in, forgets nobody, and keeps the peace that a service asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

import anyio
import pytest
from anyio import to_thread
from anyio.from_thread import start_blocking_portal
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.errors import RateLimitedError
from catsdk.core.sending import Limits
from catsdk.runtime.limits.gate import Gate, Pass
from tests.runtime.cutting import cut_off


async def test_no_more_are_in_flight_than_allowed_and_all_get_in() -> None:
    gate = Gate("m", Limits(in_flight=3))
    peak: list[int] = []

    async def call() -> None:
        admitted = await gate.enter("sample")
        peak.append(gate.in_flight)
        await anyio.lowlevel.checkpoint()
        gate.leave(admitted)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(call)
    assert (max(peak), len(peak), gate.in_flight, gate.waiting) == (3, 50, 0, 0)


async def test_those_who_wait_are_let_in_when_the_cap_is_raised() -> None:
    gate = Gate("m", Limits(in_flight=1))
    entered: list[Pass] = []

    async def call() -> None:
        entered.append(await gate.enter("sample"))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            assert len(entered) == 1
            gate.configure(Limits(in_flight=3))
    assert len(entered) == 3


@pytest.mark.behaviour("retry-after-holds-the-model")
async def test_retry_after_holds_every_call_back_not_only_the_one_that_was_refused() -> None:
    gate = Gate("m", Limits(in_flight=8))
    refused = await gate.enter("sample")
    gate.refused(refused, 0.05)
    until = refused.since + 0.05
    entered: list[Pass] = []

    async def call() -> None:
        entered.append(await gate.enter("sample"))

    assert gate.paused_for > 0
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(call)
    assert len(entered) == 4
    assert min(admitted.since for admitted in entered) >= until


async def test_a_refusal_without_a_time_shrinks_the_limit_and_holds_nobody_back() -> None:
    gate = Gate("m", Limits(in_flight=8))
    gate.refused(await gate.enter("sample"), None)
    assert (gate.allowed, gate.paused_for, gate.refusals) == (4, 0.0, 1)


async def test_a_wait_over_the_bound_fails_the_calls_at_once_and_is_tried_again_later() -> None:
    now = 100.0
    gate = Gate("m", Limits(in_flight=1), max_retry_after=10.0, clock=lambda: now)
    refused = await gate.enter("sample")

    async def call() -> None:
        with pytest.raises(RateLimitedError, match="max_retry_after") as caught:
            await gate.enter("sample")
        assert caught.value.retry_after == 3600.0

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            gate.refused(refused, 3600.0)
        await call()
    now = 111.0
    gate.leave(await gate.enter("sample"))


async def test_a_rate_of_requests_spreads_them_over_the_minute() -> None:
    now = 0.0
    gate = Gate("m", Limits(in_flight=100, requests_per_minute=60.0), clock=lambda: now)
    gate.leave(await gate.enter("sample"))
    with anyio.move_on_after(0.01) as scope:
        await gate.enter("sample")
    assert scope.cancelled_caught
    assert (gate.waiting, gate.in_flight) == (0, 0)
    now = 1.01
    with anyio.fail_after(5):
        gate.leave(await gate.enter("sample"))


async def test_tokens_that_were_not_used_go_back_to_the_rate() -> None:
    now = 0.0
    gate = Gate("m", Limits(tokens_per_minute=6000.0), clock=lambda: now)
    with anyio.fail_after(5):
        for _ in range(10):
            gate.leave(await gate.enter("sample", tokens=50.0), answered=True, used=5)
        admitted = await gate.enter("sample", tokens=50.0)
        gate.leave(admitted, answered=True, used=50)
    with anyio.move_on_after(0.01) as scope:
        await gate.enter("sample", tokens=50.0)
    assert scope.cancelled_caught


async def test_a_call_that_is_cancelled_while_it_waits_leaves_its_turn_to_the_next() -> None:
    gate = Gate("m", Limits(in_flight=1))
    held = await gate.enter("sample")
    entered: list[str] = []

    async def call(name: str) -> None:
        admitted = await gate.enter("sample")
        entered.append(name)
        gate.leave(admitted)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as doomed:
                    doomed.start_soon(call, "first")
                    await anyio.wait_all_tasks_blocked()
                    tasks.start_soon(call, "second")
                    await anyio.wait_all_tasks_blocked()
                    # The place is given to the first, which does not live to take it.
                    scope.cancel()
                    gate.leave(held)
    assert entered == ["second"]
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_answers_that_get_much_slower_under_load_shrink_the_limit() -> None:
    now = 0.0
    gate = Gate("m", Limits(in_flight=4), clock=lambda: now)

    async def rounds(seconds: float) -> None:
        nonlocal now
        for _ in range(10):
            admitted = [await gate.enter("sample") for _ in range(gate.allowed)]
            now += seconds
            for each in admitted:
                gate.leave(each, answered=True, used=10)

    await rounds(1.0)
    assert gate.allowed == 4
    await rounds(10.0)
    assert gate.allowed < 4


def in_another_loop(backend: str, work: Callable[[], object]) -> None:
    with start_blocking_portal(backend) as portal:
        portal.call(work)


@pytest.mark.parametrize("other", ["asyncio", "trio"])
async def test_calls_of_another_loop_and_thread_share_the_gate(other: str) -> None:
    gate = Gate("m", Limits(in_flight=1))
    held = await gate.enter("sample")
    waiting = threading.Event()

    async def theirs() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            waiting.set()

    async def call() -> None:
        gate.leave(await gate.enter("judge"))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, in_another_loop, other, theirs)
            await to_thread.run_sync(waiting.wait)
            gate.leave(held)
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def play(gate: Gate, most: int, seed: int, calls: int) -> int:
    """Run `calls` that end, fail, are refused or are cancelled at random; returns the peak."""
    random, peak = Random(seed), 0

    async def call(doomed: bool) -> None:
        nonlocal peak
        with anyio.CancelScope() as scope:
            if doomed:
                tasks.start_soon(cut_off, scope, random)
            admitted = await gate.enter(
                random.choice(["sample", "judge"]), random.randrange(3), 5.0
            )
            peak = max(peak, gate.in_flight)
            try:
                for _ in range(random.randrange(3)):
                    await anyio.lowlevel.checkpoint()
            except BaseException:
                gate.leave(admitted)
                raise
            if random.random() < 0.2:
                gate.refused(admitted, random.choice([None, 0.0, 0.001]))
            else:
                gate.leave(admitted, answered=True, used=random.randrange(10))

    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(call, random.random() < 0.3)
            if random.random() < 0.3:
                await anyio.lowlevel.checkpoint()
    return peak


@pytest.mark.behaviour("cancelling-frees-slots")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(st.integers(1, 6), st.integers(0, 2**16), st.integers(1, 40))
@settings(max_examples=40)
def test_whatever_happens_the_bound_holds_and_every_place_comes_back(
    backend: str, most: int, seed: int, calls: int
) -> None:
    gate = Gate("m", Limits(in_flight=most))

    async def main() -> int:
        with anyio.fail_after(20):
            return await play(gate, most, seed, calls)

    assert anyio.run(main, backend=backend) <= most
    assert (gate.in_flight, gate.waiting) == (0, 0)
    assert 1 <= gate.allowed <= most
