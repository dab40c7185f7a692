"""Many groups through a service that answers oddly one time in four: nothing lost or invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

import anyio

from catsdk import Budget, CaT, Client, Limits, Result, Retry, Sampler, Sampling, Timeouts
from catsdk.errors import CatError
from catsdk.events import CallEnded, Event
from catsdk.providers import OpenAIProvider
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Call, Failure
from tests.soak.chaos import TYPED
from tests.soak.odd_service import SLOW, OddService

__all__ = ["Way", "run"]

ROLLOUTS = 8
AT_ONCE = 64

Way = Literal["whole", "counts one", "streamed"]
"""Groups in one request; with the usage of one answer alone; one by one, with a streamed anchor."""


@dataclass
class Books:
    """What the client says of its calls, beside what the service says of them."""

    service: OddService
    calls: Counter[str] = field(default_factory=Counter[str])
    tokens: int = 0
    late: int = 0

    def on_event(self, event: Event) -> None:
        """Compare a call that ended with the reply that it got."""
        if isinstance(event, CallEnded) and event.sent:
            self.tokens += event.call.usage.tokens
            self._compare(event.call)

    def _compare(self, call: Call) -> None:
        usage, served = call.usage, self.service.books.get(call.request_id or "")
        if served is None:
            # It never had a reply.
            assert call.failure is not None
            self.calls["no reply"] += 1
            self.late += call.failure.kind == "TimedOutError"
        elif served.reported and served.tokens:
            assert usage.tokens == served.tokens, (served, call)
            assert not usage.estimated + usage.unreported
            self.calls["reported"] += 1
        elif call.failure is None:
            assert usage.tokens >= served.found, (served, call)
            assert usage.estimated == 1
            self.calls["estimated"] += 1
        else:
            assert usage.unreported or not served.tokens, (served, call)
            self.calls["failed"] += 1


@dataclass
class Outcome:
    """What the run came to."""

    results: int
    failures: Counter[str]
    lost_rollouts: Counter[str]
    calls: Counter[str]
    kinds: Counter[str]


async def run(groups: int, *, seed: int, way: Way) -> Outcome:
    """Synthesize for `groups` prompts, and check all that came of it."""
    server = LoopbackServer(FunctionProvider(lambda _: "an answer that was cut"))
    counts: Literal["one", "all"] = "one" if way == "counts one" else "all"
    service = OddService(server, seed, counts, takes_n=way != "streamed")
    server.answer = service.answer
    books = Books(service)
    client = Client(
        limits=Limits(in_flight=AT_ONCE),
        timeouts=Timeouts(attempt=10.0, call=120.0),
        retry=Retry(times=3),
        # Never reached: it counts what nobody reports as the most that it may have been.
        budget=Budget(tokens=10**12),
        on_event=books.on_event,
    )
    results: dict[int, Result] = {}
    async with server:
        provider = OpenAIProvider(server.model, base_url=server.url, api_key=server.key)
        sampler = Sampler(provider, Sampling(max_tokens=64))
        async with provider, CaT(sampler, client=client) as c:
            ended = _streamed(c, groups) if way == "streamed" else _mapped(c, groups)
            async with aclosing(ended) as all_of_them:
                async for at, result in all_of_them:
                    assert at not in results, "an outcome came twice"
                    results[at] = result
    assert sorted(results) == list(range(groups)), "an outcome was lost"
    assert sum(result.usage.tokens for result in results.values()) == books.tokens
    assert client.account is not None
    assert client.account.tokens >= sum(served.tokens for served in service.books.values())
    return _checked(results, service, books)


async def _mapped(c: CaT, groups: int) -> AsyncGenerator[tuple[int, Result]]:
    async for result in c.map((f"group {at}: what is it?" for at in range(groups)), ROLLOUTS):
        assert result.index is not None
        yield result.index, result


async def _streamed(c: CaT, groups: int) -> AsyncGenerator[tuple[int, Result]]:
    send, receive = anyio.create_memory_object_stream[tuple[int, Result]](groups)
    left = iter(range(groups))

    async def work() -> None:
        for at in left:
            try:
                result = await c.run(f"group {at}: what is it?", ROLLOUTS, on_event=lambda _: None)
            except CatError as error:
                assert error.result is not None
                result = error.result
            send.send_nowait((at, result))

    with send, receive:
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE // ROLLOUTS):
                tasks.start_soon(work)
        for _ in range(receive.statistics().current_buffer_used):
            yield receive.receive_nowait()


def _checked(results: dict[int, Result], service: OddService, books: Books) -> Outcome:
    failures, lost = Counter[str](), Counter[str]()
    read, references = set[str](), set[str]()
    for at, result in results.items():
        if result.failure is not None:
            failures[_typed(result.failure)] += 1
        if result.reference is not None:
            # A reference is what the anchor wrote, or one of the group.
            assert service.given[result.reference.text] == at, "a reference was invented"
            references.add(result.reference.text)
        if result.group is None:
            continue
        there = [rollout.index for rollout in result.group.rollouts]
        assert sorted([*there, *result.group.failures]) == list(range(ROLLOUTS)), "one was lost"
        for rollout in result.group.rollouts:
            assert service.given[rollout.text] == at, "a rollout was invented"
            assert rollout.text not in read, "one answer stands for two rollouts"
            read.add(rollout.text)
        lost.update(map(_typed, result.group.failures.values()))
    unread = {
        name: served.kind
        for name, served in service.books.items()
        if set(served.good) - read - references
    }
    # On a machine that stands still for seconds, calls end that their answers were on the way to.
    late = max(0, books.late - sum(service.kinds[fault] for fault in SLOW))
    assert len(unread) <= late, f"answers were not read: {unread}"
    complete = sum(result.reference is not None for result in results.values())
    return Outcome(complete, failures, lost, books.calls, service.kinds)


def _typed(failure: Failure) -> str:
    assert failure.kind in TYPED, failure
    assert failure.message
    return failure.kind
