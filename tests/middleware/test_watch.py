"""Who watches sees each call begin and end, with its stage, its usage and its cause."""

from __future__ import annotations

import json

import anyio
import pytest

from catsdk.core.errors import InvalidInputError, RateLimitedError
from catsdk.core.events import CallEnded, CallStarted, RuntimeEvent, line_of
from catsdk.core.types import Message, Request
from catsdk.middleware.record import Record, recorded
from catsdk.middleware.watch import watching
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


async def test_each_call_is_told_when_it_begins_and_when_it_ends() -> None:
    events: list[RuntimeEvent] = []
    model = Record(FunctionProvider(lambda _: "two words", name="m"))
    with watching(events.append), recorded("sample") as calls:
        await model.complete(ASK)
    began, ended = events
    assert isinstance(began, CallStarted)
    assert isinstance(ended, CallEnded)
    assert (began.stage, began.model) == ("sample", "m")
    assert (ended.call, ended.sent) == (calls[0], True)
    assert ended.at >= began.at


async def test_watchers_see_what_tasks_inside_do_and_nothing_outside() -> None:
    inner: list[RuntimeEvent] = []
    outer: list[RuntimeEvent] = []
    model = Record(FunctionProvider(lambda _: "ok"))
    with watching(outer.append):
        await model.complete(ASK)
        with watching(inner.append):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(model.complete, ASK)
    await model.complete(ASK)
    assert (len(inner), len(outer)) == (2, 4)


@pytest.mark.parametrize(
    ("error", "sent"),
    [(RateLimitedError("later", status=429), True), (InvalidInputError("wrong"), False)],
)
async def test_a_failed_call_is_told_with_its_cause_and_whether_it_was_sent(
    error: Exception, sent: bool
) -> None:
    def refuse(_: Request) -> str:
        raise error

    events: list[RuntimeEvent] = []
    with watching(events.append), recorded("sample") as calls, pytest.raises(type(error)):
        await Record(FunctionProvider(refuse)).complete(ASK)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.sent is sent
    assert ended.call.failure is not None
    assert len(calls) == sent


async def test_a_cancelled_call_is_told_to_have_ended() -> None:
    async def wait(_: Request) -> str:
        await anyio.sleep_forever()
        return ""

    events: list[RuntimeEvent] = []
    with anyio.fail_after(5), watching(events.append):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Record(FunctionProvider(wait)).complete, ASK)
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
