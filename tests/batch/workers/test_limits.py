"""Limits that workers share hold for all of them together, and leave nobody without a place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from catsdk import Client
from catsdk.batch.workers.gate import SharedGate, SharedGates
from catsdk.batch.workers.line import Line
from catsdk.batch.workers.messages import GateReport
from catsdk.batch.workers.throttle import Throttle, fair_parts
from catsdk.core.errors import RateLimitedError
from catsdk.core.sending import Limits, Retry
from catsdk.core.types import Message, Request
from catsdk.testing import FunctionProvider
from tests.batch.workers.offices import Clock, office


class Service(FunctionProvider):
    """A model with an address, so that workers know that it is one."""

    endpoint = "the service"

    def __init__(self) -> None:
        super().__init__(lambda request: "4")


def gate_of(line: Line, limits: Limits, retry: Retry = Retry()) -> SharedGate:
    gate = line.gates.of(Service(), limits, retry)
    assert isinstance(gate, SharedGate)
    return gate


class Floor:
    """Counts the calls of all workers that are in flight."""

    def __init__(self) -> None:
        self.now = self.peak = self.done = 0

    @asynccontextmanager
    async def call(self, gate: SharedGate) -> AsyncGenerator[None]:
        admitted = await gate.enter("sample")
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            yield
        finally:
            self.now -= 1
            self.done += 1
            gate.leave(admitted, answered=True)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("slots", [1, 2, 7, 64])
async def test_all_workers_together_have_so_many_calls_in_flight(workers: int, slots: int) -> None:
    floor = Floor()
    limits = Limits(in_flight=slots, adaptive=False)

    async def calls(gate: SharedGate) -> None:
        for _ in range(5):
            async with floor.call(gate):
                await anyio.sleep(0.001)

    async with office(workers) as job:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for line in job.lines:
                    gate = gate_of(line, limits)
                    for _ in range(8):
                        tasks.start_soon(calls, gate)
    assert floor.done == workers * 40
    assert floor.peak <= slots
    assert floor.peak == min(slots, 8 * workers)


async def test_a_worker_without_work_leaves_its_slots_to_others() -> None:
    floor = Floor()
    limits = Limits(in_flight=8, adaptive=False)
    full = anyio.Event()

    async def call(gate: SharedGate) -> None:
        async with floor.call(gate):
            if floor.now == 8:
                full.set()
            await full.wait()

    async with office(2) as job:
        with anyio.fail_after(20):
            for line in job.lines:
                async with floor.call(gate_of(line, limits)):
                    pass
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(call, gate_of(job.lines[1], limits))
    assert floor.peak == 8


async def test_a_wait_that_the_service_asks_of_one_worker_holds_for_all() -> None:
    limits = Limits(in_flight=8)
    async with office(2) as job:
        mine, other = (gate_of(line, limits) for line in job.lines)
        with anyio.fail_after(10):
            await _once(mine)
            await _once(other)
            mine.refused(await mine.enter("sample"), 30.0)
            await job.until(lambda: other.paused_for > 0)
    assert 25 < other.paused_for <= 30


async def test_a_wait_that_is_too_long_closes_the_gate_of_every_worker() -> None:
    limits, retry = Limits(in_flight=8), Retry(max_retry_after=10)
    async with office(2) as job:
        mine, other = (gate_of(line, limits, retry) for line in job.lines)
        with anyio.fail_after(10):
            await _once(mine)
            await _once(other)
            mine.refused(await mine.enter("sample"), 600.0)
            with pytest.raises(RateLimitedError, match="asked for a wait of 600 s"):
                await job.until(lambda: other.pauses == 1)
                await other.enter("sample")


async def _once(gate: SharedGate) -> None:
    gate.leave(await gate.enter("sample"))


async def test_refusals_of_all_workers_shrink_one_number() -> None:
    limits = Limits(in_flight=64)
    async with office(2) as job:

        def throttle() -> Throttle:
            return job.desk.throttles["the service"]

        with anyio.fail_after(10):
            for cuts, line in enumerate(job.lines):
                gate = gate_of(line, limits)
                gate.refused(await gate.enter("sample"), None)

                def is_cut(most: int = 32 >> cuts) -> bool:
                    return throttle().allowed == most

                await job.until(is_cut)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("per_minute", [60.0, 600.0, 6_000.0])
def test_no_minute_has_more_requests_than_is_allowed(workers: int, per_minute: float) -> None:
    clock, limits = Clock(), Limits(in_flight=10_000, requests_per_minute=per_minute)
    throttle = Throttle(limits, 60.0, clock=clock)
    names = [f"worker {at}" for at in range(workers)]
    levels, sent = dict.fromkeys(names, 0.0), list[float]()
    while clock.now < 1150:
        for name in names:
            # Each uses half of what it has, so that some is used late.
            for _ in range(int(levels[name] + 1) // 2):
                sent.append(clock.now)
                levels[name] -= 1
            throttle.heard(name, GateReport(limits, 60.0, waiting=9, requests_short=9))
        throttle.settle()
        for name in names:
            levels[name] += throttle.order(name).requests
        clock.now += 0.1
    windows = [bisect_left(sent, start + 60) - at for at, start in enumerate(sent)]
    assert max(windows) <= per_minute
    assert len(sent) >= 0.9 * per_minute * 150 / 61


async def test_calls_wait_for_tokens_of_the_minute_and_go_on_when_there_are_more() -> None:
    limits = Limits(tokens_per_minute=60_000)
    async with office(2) as job:
        with anyio.fail_after(30):
            start = anyio.current_time()
            async with anyio.create_task_group() as tasks:

                async def calls(gate: SharedGate) -> None:
                    for _ in range(3):
                        gate.leave(await gate.enter("sample", tokens=500), used=500, answered=True)

                for line in job.lines:
                    tasks.start_soon(calls, gate_of(line, limits))
            seconds = anyio.current_time() - start
    # 1,000 at once and 983 a second.
    assert 2.0 <= seconds <= 6.0


def test_the_slots_of_a_worker_that_died_go_to_others() -> None:
    clock, limits = Clock(), Limits(in_flight=4, adaptive=False)
    throttle = Throttle(limits, 60.0, clock=clock)
    busy = GateReport(limits, 60.0, waiting=9)
    throttle.heard("dead", busy)
    throttle.settle()
    assert throttle.order("dead").slots == 4
    throttle.heard("other", busy)
    throttle.settle()
    # Half of them are taken from it, and not yet free.
    assert (throttle.order("dead").slots, throttle.order("other").slots) == (2, 0)
    throttle.gone("dead")
    throttle.settle()
    assert throttle.order("other").slots == 4


def test_slots_that_were_taken_away_are_given_on_only_when_their_calls_are_back() -> None:
    limits = Limits(in_flight=4, adaptive=False)
    throttle = Throttle(limits, 60.0)
    throttle.heard("a", GateReport(limits, 60.0, waiting=9))
    throttle.settle()
    version = throttle.order("a").version
    throttle.heard("a", GateReport(limits, 60.0, seen=version, in_flight=4, waiting=5))
    throttle.heard("b", GateReport(limits, 60.0, waiting=9))
    throttle.settle()
    lowered = throttle.order("a")
    assert (lowered.slots, throttle.order("b").slots) == (2, 0)
    throttle.heard("a", GateReport(limits, 60.0, seen=lowered.version, in_flight=3, waiting=5))
    throttle.settle()
    assert throttle.order("b").slots == 1
    throttle.heard("a", GateReport(limits, 60.0, seen=lowered.version, in_flight=2, waiting=5))
    throttle.settle()
    assert throttle.order("b").slots == 2
    assert throttle.held == 4


async def test_a_worker_that_does_not_hear_of_the_desk_sends_nothing_new() -> None:
    gate = SharedGate("model", Limits(), lambda: None)
    gate.hold()
    with anyio.move_on_after(0.05) as waited:
        await gate.enter("sample")
    assert waited.cancelled_caught


def test_an_engine_of_the_worker_itself_has_the_limits_for_itself() -> None:
    gates = SharedGates(lambda: None)
    gate = gates.of(FunctionProvider(lambda _: ""), Limits(in_flight=3), Retry())
    assert gate.allowed == 3
    assert not gates.shared


def test_fair_parts_leave_what_one_does_not_want_to_the_others() -> None:
    assert fair_parts(10, {"a": 2, "b": 100, "c": 100}) == {"a": 2, "b": 4, "c": 4}
    assert fair_parts(1, {"a": 5, "b": 5}) == {"a": 1, "b": 0}
    assert fair_parts(10, {"a": 0, "b": 3}) == {"a": 0, "b": 3}


def test_fewer_slots_than_workers_go_from_one_to_the_other() -> None:
    clock, limits = Clock(), Limits(in_flight=1, adaptive=False)
    throttle, had = Throttle(limits, 60.0, clock=clock), set[str]()
    seen = {"a": 0, "b": 0}
    for _ in range(20):
        for name, version in seen.items():
            throttle.heard(name, GateReport(limits, 60.0, seen=version, waiting=5))
        throttle.settle()
        for name in seen:
            order = throttle.order(name)
            seen[name] = order.version
            had |= {name} if order.slots else set()
        assert throttle.held <= 1
        clock.now += 1
    assert had == {"a", "b"}


async def test_requests_pass_the_whole_chain_of_a_client_whose_limits_are_held_elsewhere() -> None:
    client = Client(limits=Limits(in_flight=2))
    async with office(1) as job:
        client.held_elsewhere(job.lines[0].gates, None)
        async with client, client.session() as models:
            with anyio.fail_after(10):
                opened = await client.open(Service(), models)
                request = Request(messages=(Message(role="user", content="2+2?"),))
                assert (await opened.complete(request))[0].text == "4"
    assert set(job.desk.throttles) == {"the service"}
