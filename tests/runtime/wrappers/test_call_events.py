"""A listener hears each call begin and end, with its stage, its usage and its cause."""

from __future__ import annotations

import json

import anyio
import pytest

from catsdk.core.errors import InvalidInputError, RateLimitedError
from catsdk.core.events import CallEnded, CallStarted, Event, line_of
from catsdk.core.types import Message, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of
from catsdk.runtime.wrappers.record import Record
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


async def test_each_call_is_reported_when_it_begins_and_when_it_ends() -> None:
    events: list[Event] = []
    model = Record(FunctionProvider(lambda _: "two words", name="m"), events.append)
    with recorded("sample") as calls:
        await model.complete(ASK)
    began, ended = events
    assert isinstance(began, CallStarted)
    assert isinstance(ended, CallEnded)
    assert (began.stage, began.model) == ("sample", "m")
    assert (ended.call, ended.sent) == (calls[0], True)
    assert ended.at >= began.at


async def test_a_client_s_listener_hears_the_calls_of_that_client_alone() -> None:
    heard: list[Event] = []
    others: list[Event] = []
    model = FunctionProvider(lambda _: "ok")
    listening, other = Client(on_event=heard.append), Client(on_event=others.append)
    async with context_of(listening) as ctx, context_of(other) as beside:
        opened, its = await ctx.model(model), await beside.model(model)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(opened.complete, ASK)
            tasks.start_soon(opened.complete, ASK)
        await its.complete(ASK)
    assert (len(heard), len(others)) == (4, 2)


@pytest.mark.parametrize(
    ("error", "sent"),
    [(RateLimitedError("later", status=429), True), (InvalidInputError("wrong"), False)],
)
async def test_a_failed_call_is_reported_with_its_cause_and_whether_it_was_sent(
    error: Exception, sent: bool
) -> None:
    def refuse(_: Request) -> str:
        raise error

    events: list[Event] = []
    with recorded("sample") as calls, pytest.raises(type(error)):
        await Record(FunctionProvider(refuse), events.append).complete(ASK)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.sent is sent
    assert ended.call.failure is not None
    assert len(calls) == sent


async def test_a_cancelled_call_is_reported_as_ended() -> None:
    async def wait(_: Request) -> str:
        await anyio.sleep_forever()
        return ""

    events: list[Event] = []
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Record(FunctionProvider(wait), events.append).complete, ASK)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.call.failure is not None
    assert ended.call.failure.kind == "Cancelled"


def test_an_event_is_a_line_of_json_with_its_kind() -> None:
    line = line_of(CallStarted(at=1.5, stage="judge", model="m"))
    assert json.loads(line) == {"event": "CallStarted", "at": 1.5, "stage": "judge", "model": "m"}
    assert "\n" not in line
