"""A straggler is sent again; the first answer wins, and what was lost is cancelled and counted."""

from __future__ import annotations

import anyio
import pytest

from catsdk.core.errors import ServerError
from catsdk.core.fanout import fan_out
from catsdk.core.sending import Budget, Limits
from catsdk.core.types import Message, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.limits.endpoints import Extra
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.limits.latency import ENOUGH
from catsdk.runtime.spending.account import Account
from catsdk.runtime.wrappers.hedge import COPIES, Hedging
from catsdk.runtime.wrappers.limit import Limit
from catsdk.runtime.wrappers.record import Record
from catsdk.testing import FunctionProvider
from tests.runtime.wrappers.whole_chain import whole_chain

ASK = Request(messages=(Message(role="user", content="q"),))
USUAL = 0.005


def known(gate: Gate, stage: str = "", seconds: float = USUAL) -> Gate:
    """Make `seconds` the usual latency of a stage."""
    for _ in range(ENOUGH):
        gate.latencies.answered(stage, seconds, tokens=0, window=1000)
    return gate


class Scripted:
    """Call i waits for ever, fails or answers with its number, as `fates[i]` says."""

    def __init__(self, *fates: str) -> None:
        self.fates, self.calls, self.cancelled = fates, 0, 0
        self.model = FunctionProvider(self._script)

    async def _script(self, _: Request) -> str:
        at, self.calls = self.calls, self.calls + 1
        fate = self.fates[at] if at < len(self.fates) else "answers"
        if fate == "hangs":
            try:
                await anyio.sleep_forever()
            finally:
                self.cancelled += 1
        if fate == "fails":
            raise ServerError(f"failure {at}")
        return str(at)


def hedged(scripted: Scripted, gate: Gate, *, share: float = 1.0) -> Hedging:
    return Hedging(Limit(Record(scripted.model), gate), gate, Extra(), share)


async def answer(hedge: Hedging) -> str:
    with anyio.fail_after(5):
        return (await hedge.complete(ASK))[0].text


async def test_a_straggler_is_sent_again_and_the_first_answer_wins() -> None:
    scripted, gate = Scripted("hangs"), known(Gate("m"), "sample")
    with recorded("sample") as calls:
        assert await answer(hedged(scripted, gate)) == "1"
    assert (scripted.calls, scripted.cancelled) == (2, 1)
    assert sorted(call.failure.kind if call.failure else "" for call in calls) == ["", "Cancelled"]
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_copy_that_straggles_too_has_a_copy() -> None:
    scripted = Scripted("hangs", "hangs")
    assert await answer(hedged(scripted, known(Gate("m")))) == "2"
    assert (scripted.calls, scripted.cancelled) == (3, 2)


async def test_there_are_so_many_copies_and_no_more() -> None:
    scripted = Scripted(*["hangs"] * 9)
    with anyio.move_on_after(20 * USUAL * COPIES):
        await hedged(scripted, known(Gate("m"))).complete(ASK)
    assert scripted.calls == scripted.cancelled == COPIES


async def test_a_call_in_its_usual_time_is_sent_once() -> None:
    scripted = Scripted()
    assert await answer(hedged(scripted, known(Gate("m"), seconds=60.0))) == "0"
    assert scripted.calls == 1


async def test_a_failure_before_a_copy_is_raised_at_once_for_the_retry() -> None:
    scripted = Scripted("fails")
    with pytest.raises(ServerError):
        await answer(hedged(scripted, known(Gate("m"), seconds=60.0)))
    assert scripted.calls == 1


async def test_a_copy_that_fails_leaves_the_first_call_waiting_for_its_answer() -> None:
    scripted, gate = Scripted("hangs", "fails", "fails"), known(Gate("m"))
    with anyio.move_on_after(0.2) as scope:
        await hedged(scripted, gate).complete(ASK)
    assert scope.cancelled_caught
    assert (scripted.calls, gate.in_flight) == (3, 0)


async def test_before_the_usual_latency_is_known_nothing_is_sent_again_and_then_it_is() -> None:
    scripted, gate = Scripted("hangs"), Gate("m")
    hedge = hedged(scripted, gate)
    answers: list[str] = []

    async def call() -> None:
        answers.append(await answer(hedge))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            assert scripted.calls == 1
            known(gate)
    assert answers == ["1"]


async def test_the_time_in_the_queue_does_not_count() -> None:
    scripted, gate = Scripted(), known(Gate("m", Limits(in_flight=1)))
    held = await gate.enter("")
    hedge = hedged(scripted, gate)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hedge.complete, ASK)
            await anyio.sleep(10 * USUAL)
            assert gate.waiting == 1
            gate.leave(held)
    assert scripted.calls == 1


async def test_extra_requests_stay_a_share_of_all() -> None:
    scripted = Scripted(*["hangs"] * 1000)
    hedge = hedged(scripted, known(Gate("m", Limits(in_flight=1000))), share=0.05)

    async def call(_: int) -> None:
        with anyio.move_on_after(20 * USUAL * COPIES):
            await hedge.complete(ASK)

    with anyio.fail_after(20):
        await fan_out(call, range(100))
    assert scripted.calls <= 100 + 4 + 5


async def test_no_copy_is_sent_while_the_service_asked_for_peace() -> None:
    scripted, gate = Scripted("hangs"), Gate("m")
    hedge = hedged(scripted, gate)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hedge.complete, ASK)
            await anyio.wait_all_tasks_blocked()
            gate.refused(await gate.enter(""), 60.0)
            known(gate)
            await anyio.sleep(20 * USUAL)
            assert (scripted.calls, gate.waiting) == (1, 0)
            tasks.cancel_scope.cancel()
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_call_that_streams_has_no_copy() -> None:
    scripted = Scripted("hangs")
    with anyio.move_on_after(20 * USUAL):
        await hedged(scripted, known(Gate("m"))).complete(ASK, lambda _: None)
    assert scripted.calls == 1


async def test_a_copy_is_paid_from_the_budget_and_refused_where_nothing_is_left() -> None:
    scripted = Scripted("hangs", "hangs", "hangs")
    account = Account(Budget(requests=2))
    provider = whole_chain(scripted.model, account, hedge=True)
    for _ in range(ENOUGH):
        gate_of_stack(provider).latencies.answered("", USUAL, tokens=0, window=1000)
    with anyio.move_on_after(20 * USUAL * COPIES):
        await provider.complete(ASK)
    assert (scripted.calls, account.requests) == (2, 2)


def gate_of_stack(provider: object) -> Gate:
    while not isinstance(provider, Hedging):
        provider = provider.wrapped  # type: ignore[attr-defined]
    return provider.gate
