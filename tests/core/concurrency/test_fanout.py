"""Many calls at once keep their order, end together, and lose nothing."""

import anyio
import pytest

from catsdk.core.concurrency.fanout import fan_out, fan_out_tolerant
from catsdk.core.errors import ServerError
from catsdk.core.types import Failure


async def test_results_come_in_the_order_of_the_arguments_whatever_ends_first() -> None:
    second_done = anyio.Event()

    async def work(item: str) -> str:
        if item == "first":
            await second_done.wait()
        else:
            second_done.set()
        return item.upper()

    with anyio.fail_after(5):
        assert await fan_out(work, ["first", "second"]) == ["FIRST", "SECOND"]


async def test_a_failure_cancels_its_siblings_and_is_raised_alone() -> None:
    cancelled: list[str] = []
    waiting = anyio.Event()

    async def work(item: str) -> None:
        if item == "bad":
            await waiting.wait()
            raise ServerError("boom")
        waiting.set()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(item)
            raise

    with anyio.fail_after(5), pytest.raises(ServerError, match="boom"):
        await fan_out(work, ["good", "bad"])
    assert cancelled == ["good"]


async def test_the_tolerant_form_keeps_failures_in_their_places() -> None:
    async def work(item: int) -> int:
        if item == 1:
            raise ServerError("boom", status=500)
        return item * 10

    with anyio.fail_after(5):
        results = await fan_out_tolerant(work, range(3))
    assert results == [0, Failure(kind="ServerError", message="boom", status=500), 20]


async def test_a_defect_is_not_data_in_the_tolerant_form() -> None:
    async def work(item: int) -> int:
        raise ZeroDivisionError(str(item))

    with anyio.fail_after(5), pytest.raises(ZeroDivisionError):
        await fan_out_tolerant(work, range(3))


async def test_nothing_to_do_gives_nothing() -> None:
    async def work(item: int) -> int:
        raise AssertionError(item)

    assert await fan_out(work, []) == []


async def test_a_scope_around_the_calls_that_one_of_them_cancels_ends_them_all() -> None:
    with anyio.fail_after(5), anyio.CancelScope() as scope:

        async def work(item: int) -> int:
            if item == 0:
                scope.cancel()
            else:
                await anyio.sleep_forever()
            return item

        await fan_out(work, range(3))
        raise AssertionError("it went on after it was cancelled")
    assert scope.cancelled_caught
