"""Every call is listed by the blocks around it, however it ended."""

import anyio
import pytest

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import (
    CatError,
    ConnectionFailedError,
    MalformedResponseError,
    RateLimitedError,
    ServerError,
    UnsupportedError,
)
from catsdk.core.types import Message, Request
from catsdk.runtime.attribution import recorded
from catsdk.runtime.wrappers.record import Record
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


@pytest.mark.behaviour("every-call-is-listed")
async def test_a_call_is_listed_with_its_stage_model_and_usage() -> None:
    with recorded("sample") as calls:
        await Record(FunctionProvider(lambda _: "two words", name="m")).complete(ASK)
    (call,) = calls
    assert (call.stage, call.model, call.failure) == ("sample", "m", None)
    assert (call.usage.requests, call.usage.output_tokens) == (1, 2)


async def test_calls_of_tasks_started_inside_are_listed() -> None:
    model = Record(FunctionProvider(lambda _: "x"))
    with recorded("judge") as calls, anyio.fail_after(5):
        await fan_out(model.complete, [ASK] * 5)
    assert len(calls) == 5


async def test_an_inner_block_names_the_stage_and_both_list_the_call() -> None:
    with recorded("outer") as outer, recorded("inner") as inner:
        await Record(FunctionProvider(lambda _: "x")).complete(ASK)
    assert outer == inner
    assert [call.stage for call in outer] == ["inner"]


async def usage_after(error: CatError) -> tuple[int, int, float | None]:
    def script(_: Request) -> str:
        raise error

    with recorded("sample") as calls, pytest.raises(type(error)):
        await Record(FunctionProvider(script)).complete(ASK)
    (call,) = calls
    assert call.failure is not None and call.failure.kind == type(error).__name__
    return call.usage.requests, call.usage.unreported, call.usage.cost


@pytest.mark.behaviour("failed-calls-are-counted")
async def test_a_call_that_broke_off_counts_a_request_whose_tokens_nobody_told() -> None:
    assert await usage_after(ConnectionFailedError("reset")) == (1, 1, None)
    assert await usage_after(MalformedResponseError("cut", status=200)) == (1, 1, None)


@pytest.mark.behaviour("failed-calls-are-counted")
async def test_a_refused_call_counts_a_request_that_used_nothing() -> None:
    assert await usage_after(RateLimitedError("later", status=429)) == (1, 0, 0.0)
    assert await usage_after(ServerError("boom", status=500)) == (1, 0, 0.0)


async def test_a_call_that_was_not_sent_is_not_listed() -> None:
    def script(_: Request) -> str:
        raise UnsupportedError("no n", capability="n")

    with recorded("sample") as calls, pytest.raises(UnsupportedError):
        await Record(FunctionProvider(script)).complete(ASK)
    assert calls == []


async def test_a_cancelled_call_is_listed_as_cancelled() -> None:
    started = anyio.Event()

    async def script(_: Request) -> str:
        started.set()
        await anyio.sleep_forever()
        return "never"

    model = Record(FunctionProvider(script))
    with recorded("sample") as calls, anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(model.complete, ASK)
            await started.wait()
            tasks.cancel_scope.cancel()
    assert [call.failure and call.failure.kind for call in calls] == ["Cancelled"]


async def test_a_call_outside_of_any_block_is_not_listed() -> None:
    with recorded("sample") as calls:
        pass
    await Record(FunctionProvider(lambda _: "x")).complete(ASK)
    assert calls == []
