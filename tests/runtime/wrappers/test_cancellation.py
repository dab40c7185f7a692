"""Cancelling a call at any moment leaves no task, place, reservation or flight behind.

A machine starts, answers, breaks and cancels calls through the whole chain, in any order, and
after each step compares what the model sees with what gate and account say.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from catsdk.core.errors import CatError, ConnectionFailedError, ServerError
from catsdk.core.sending import Budget, Limits, Retry
from catsdk.core.types import Message, Request
from catsdk.runtime.limits.endpoints import Gates
from catsdk.runtime.spending.account import Account, Amount
from catsdk.runtime.wrappers.budget import most
from catsdk.testing import FunctionProvider
from tests.runtime.wrappers.whole_chain import whole_chain

PLACES = 3
LIMITS = Limits(in_flight=PLACES, adaptive=False)
NO_RETRY = Retry(times=0)
BUDGET = Budget(requests=60, tokens=20_000)


@dataclass
class Model:
    """Holds every call until it is told how it ends."""

    held: dict[str, tuple[anyio.Event, list[CatError]]] = field(default_factory=dict)
    sent: int = 0

    async def answer(self, request: Request) -> str:
        name = request.messages[0].text
        self.sent += 1
        if name.startswith("at once"):
            return "ok"
        event, failure = anyio.Event(), list[CatError]()
        key = f"{name} #{self.sent}"
        self.held[key] = (event, failure)
        try:
            await event.wait()
        finally:
            del self.held[key]
        if failure:
            raise failure[0]
        return "ok"


def ask(name: str) -> Request:
    return Request(messages=(Message(role="user", content=name),), max_tokens=100)


class Calls(RuleBasedStateMachine):
    backend: ClassVar[str] = "asyncio"
    calls: Bundle[Future[Any]] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.portal: BlockingPortal = self.exits.enter_context(start_blocking_portal(self.backend))
        self.model = Model()
        self.provider = FunctionProvider(self.model.answer)
        self.account = Account(BUDGET)
        self.futures: list[Future[Any]] = []
        self.started = 0

    @initialize(hedge=st.booleans(), cache=st.booleans())
    def open(self, hedge: bool, cache: bool) -> None:
        gates = Gates()
        self.chain = whole_chain(
            self.provider,
            self.account,
            gates=gates,
            limits=LIMITS,
            retry=NO_RETRY,
            hedge=hedge,
            cache="memory" if cache else None,
        )
        self.gate = gates.of(self.provider, LIMITS, NO_RETRY)

    def settle(self) -> None:
        self.portal.call(anyio.wait_all_tasks_blocked)

    @rule(target=calls, same=st.booleans())
    def start(self, same: bool) -> Future[Any]:
        self.started += not same
        request = ask(f"call {self.started}")
        future = self.portal.start_task_soon(self.chain.complete, request)
        self.futures.append(future)
        self.settle()
        return future

    @rule(call=consumes(calls))
    def cancel(self, call: Future[Any]) -> None:
        call.cancel()
        self.settle()

    @rule(call=consumes(calls), at=st.integers(0, 5))
    def cancel_while_another_ends(self, call: Future[Any], at: int) -> None:
        def both() -> None:
            self.end(at, None)
            call.cancel()

        self.portal.call(both)
        self.settle()

    @rule(at=st.integers(0, 5), how=st.sampled_from([None, ServerError, ConnectionFailedError]))
    def finish(self, at: int, how: type[ServerError | ConnectionFailedError] | None) -> None:
        status = 500 if how is ServerError else None
        error = None if how is None else how("no", status=status)

        async def end() -> None:
            self.end(at, error)

        self.portal.call(end)
        self.settle()

    def end(self, at: int, error: CatError | None) -> None:
        if self.model.held:
            event, failure = list(self.model.held.values())[at % len(self.model.held)]
            failure.extend([error] if error else [])
            event.set()

    @invariant()
    def the_books_agree_with_what_the_model_sees(self) -> None:
        if not hasattr(self, "gate"):
            return
        held = len(self.model.held)
        assert held <= PLACES
        assert self.gate.in_flight == held
        bound = most(ask("call 1"), BUDGET, None).tokens
        assert abs(self.account.reserved.tokens - held * bound) <= 2 * held
        assert self.account.requests == self.model.sent <= (BUDGET.requests or 0)
        assert self.account.tokens <= (BUDGET.tokens or 0)
        assert self.gate.waiting == 0 or held == PLACES

    def teardown(self) -> None:
        try:
            for future in self.futures:
                future.cancel()
            wait(self.futures, 10)
            self.settle()
            assert self.model.held == {}
            assert (self.gate.in_flight, self.gate.waiting) == (0, 0)
            assert self.account.reserved == Amount()
            free = whole_chain(self.provider, cache="memory")
            assert self.portal.call(free.complete, ask(f"at once {id(self)}"))[0].text == "ok"
        finally:
            self.exits.close()


@pytest.mark.behaviour("cancelling-frees-slots")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_calls_that_end_or_are_cancelled_in_any_order_leave_nothing_behind(backend: str) -> None:
    machine = type("Machine", (Calls,), {"backend": backend})
    options = settings(max_examples=40, stateful_step_count=25)
    run_state_machine_as_test(machine, settings=options)
