"""A straggler is sent again; the first answer wins, and what was lost is cancelled and counted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

import anyio
import pytest

from catsdk.core.concurrency.bell import Bell
from catsdk.core.errors import ServerError
from catsdk.core.ports import OnText, Provider
from catsdk.core.sending import Budget, Limits
from catsdk.core.types import Message, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.limits.endpoints import Extra
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.limits.latency import ENOUGH
from catsdk.runtime.spending.account import Account
from catsdk.runtime.wrappers.hedge import COPIES, Clock, Hedging
from catsdk.runtime.wrappers.limit import Limit
from catsdk.runtime.wrappers.record import Record
from catsdk.testing import FunctionProvider
from tests.runtime.wrappers.whole_chain import whole_chain

ASK = Request(messages=(Message(role="user", content="q"),))
USUAL = 5.0


class Hand(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleepers: list[tuple[float, Bell]] = []

    def now(self) -> float:
        return self.time

    async def wait(self, bell: Bell, seconds: float) -> None:
        sleeper = (self.time + seconds, bell)
        self.sleepers.append(sleeper)
        try:
            await bell.wait()
        finally:
            self.sleepers.remove(sleeper)

    async def move(self, seconds: float) -> None:
        """Let so many seconds pass, in steps from one sleeper's time to the next one's."""
        end = self.time + seconds
        await anyio.wait_all_tasks_blocked()
        while (first := min((due for due, _ in self.sleepers), default=inf)) <= end:
            self.time = max(self.time, first)
            for due, bell in list(self.sleepers):
                if due <= self.time:
                    bell.ring()
            await anyio.wait_all_tasks_blocked()
        self.time = end


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
    return Hedging(Limit(Record(scripted.model), gate), gate, Extra(), share, Hand())


@dataclass
class Sent:
    """A call that is out, and what came of it."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    text: str | None = None
    error: Exception | None = None


@asynccontextmanager
async def out(
    provider: Provider, on_text: OnText | None = None, *, calls: int = 1
) -> AsyncGenerator[list[Sent]]:
    """Calls that are sent at the beginning of the block, and cancelled at its end."""

    async def send(sent: Sent) -> None:
        with sent.scope:
            try:
                sent.text = (await provider.complete(ASK, on_text))[0].text
            except ServerError as error:
                sent.error = error

    all_sent = [Sent() for _ in range(calls)]
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for sent in all_sent:
                tasks.start_soon(send, sent)
            await anyio.wait_all_tasks_blocked()
            yield all_sent
            tasks.cancel_scope.cancel()


async def answer(hedge: Hedging, *, after: float = USUAL) -> str | None:
    """The answer of a call that is given so many seconds."""
    async with out(hedge) as (sent,):
        await hand_of(hedge).move(after)
    if sent.error is not None:
        raise sent.error
    return sent.text


def hand_of(hedge: Hedging) -> Hand:
    assert isinstance(hedge.clock, Hand)
    return hedge.clock


async def test_a_straggler_is_sent_again_and_the_first_answer_wins() -> None:
    scripted, gate = Scripted("hangs"), known(Gate("m"), "sample")
    with recorded("sample") as calls:
        assert await answer(hedged(scripted, gate), after=2 * USUAL) == "1"
    assert (scripted.calls, scripted.cancelled) == (2, 1)
    assert sorted(call.failure.kind if call.failure else "" for call in calls) == ["", "Cancelled"]
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_copy_is_sent_when_the_call_is_late_and_not_before() -> None:
    scripted = Scripted(*["hangs"] * 9)
    hedge = hedged(scripted, known(Gate("m")))
    late = hedge.gate.latencies.straggles_after("")
    assert late is not None
    sent: list[int] = []
    async with out(hedge):
        for _ in range(COPIES + 2):
            await hand_of(hedge).move(late - 0.01)
            sent.append(scripted.calls)
            await hand_of(hedge).move(0.01)
            sent.append(scripted.calls)
    # No more copies than there may be.
    assert sent == [1, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    assert scripted.cancelled == COPIES


async def test_a_copy_that_straggles_too_has_a_copy() -> None:
    scripted = Scripted("hangs", "hangs")
    assert await answer(hedged(scripted, known(Gate("m"))), after=9 * USUAL) == "2"
    assert (scripted.calls, scripted.cancelled) == (3, 2)


async def test_a_call_in_its_usual_time_is_sent_once() -> None:
    scripted = Scripted()
    assert await answer(hedged(scripted, known(Gate("m")))) == "0"
    assert scripted.calls == 1


async def test_a_failure_before_a_copy_is_raised_at_once_for_the_retry() -> None:
    scripted = Scripted("fails")
    with pytest.raises(ServerError):
        await answer(hedged(scripted, known(Gate("m"))), after=0.0)
    assert scripted.calls == 1


async def test_a_copy_that_fails_leaves_the_first_call_waiting_for_its_answer() -> None:
    scripted, gate = Scripted("hangs", "fails", "fails"), known(Gate("m"))
    hedge = hedged(scripted, gate)
    async with out(hedge) as (sent,):
        await hand_of(hedge).move(20 * USUAL)
        assert (sent.text, sent.error) == (None, None)
        assert (scripted.calls, scripted.cancelled, gate.in_flight) == (3, 0, 1)
    assert (scripted.calls, gate.in_flight) == (3, 0)


async def test_before_the_usual_latency_is_known_nothing_is_sent_again_and_then_it_is() -> None:
    scripted, gate = Scripted("hangs"), Gate("m")
    hedge = hedged(scripted, gate)
    async with out(hedge) as (sent,):
        await hand_of(hedge).move(100 * USUAL)
        assert scripted.calls == 1
        known(gate)
        await anyio.wait_all_tasks_blocked()
        assert sent.text == "1"


async def test_the_time_in_the_queue_does_not_count() -> None:
    scripted, gate = Scripted("hangs"), known(Gate("m", Limits(in_flight=2)))
    first, second = await gate.enter(""), await gate.enter("")
    hedge = hedged(scripted, gate)
    async with out(hedge) as (sent,):
        await hand_of(hedge).move(10 * USUAL)
        assert (gate.waiting, scripted.calls) == (1, 0)
        gate.leave(first)
        gate.leave(second)
        await hand_of(hedge).move(USUAL)
        assert (gate.waiting, scripted.calls) == (0, 1)
        await hand_of(hedge).move(USUAL)
        assert sent.text == "1"


async def test_extra_requests_stay_a_share_of_all() -> None:
    scripted = Scripted(*["hangs"] * 1000)
    hedge = hedged(scripted, known(Gate("m", Limits(in_flight=1000))), share=0.05)
    async with out(hedge, calls=100):
        await hand_of(hedge).move(20 * USUAL)
    assert 100 < scripted.calls <= 100 + 4 + 5


async def test_no_copy_is_sent_while_a_retry_after_is_in_force() -> None:
    scripted, gate = Scripted("hangs"), Gate("m")
    hedge = hedged(scripted, gate)
    async with out(hedge):
        gate.refused(await gate.enter(""), 60.0)
        known(gate)
        await hand_of(hedge).move(20 * USUAL)
        assert (scripted.calls, gate.waiting) == (1, 0)
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_call_that_streams_has_no_copy() -> None:
    scripted = Scripted("hangs")
    hedge = hedged(scripted, known(Gate("m")))
    async with out(hedge, lambda _: None):
        await hand_of(hedge).move(20 * USUAL)
    assert scripted.calls == 1


async def test_a_copy_is_paid_from_the_budget_and_refused_where_nothing_is_left() -> None:
    scripted = Scripted("hangs", "hangs", "hangs")
    account = Account(Budget(requests=2))
    provider = whole_chain(scripted.model, account, hedge=True)
    hedge = hedge_in(provider)
    hedge.clock = Hand()
    known(hedge.gate)
    async with out(provider):
        await hand_of(hedge).move(20 * USUAL)
    assert (scripted.calls, account.requests) == (2, 2)


def hedge_in(provider: object) -> Hedging:
    while not isinstance(provider, Hedging):
        provider = provider.wrapped  # type: ignore[attr-defined]
    return provider
