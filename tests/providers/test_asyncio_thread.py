"""Work in another loop: results, what is told meanwhile, errors, cancellation."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from sniffio import current_async_library

from catsdk_providers.http.asyncio_thread import AsyncioThread

Tell = Callable[[str], None]


async def test_work_runs_on_asyncio_whatever_loop_waits_for_it() -> None:
    async def work(_: Tell) -> str:
        return current_async_library()

    with anyio.fail_after(5):
        assert await AsyncioThread("test").run(work) == "asyncio"


async def test_what_is_told_arrives_in_order_before_the_result() -> None:
    async def work(tell: Tell) -> int:
        for piece in "abc":
            tell(piece)
            await anyio.lowlevel.checkpoint()
        return 3

    told: list[str] = []
    with anyio.fail_after(5):
        assert await AsyncioThread("test").run(work, told.append) == 3
    assert told == ["a", "b", "c"]


async def test_an_error_reaches_the_one_who_waits_and_no_other() -> None:
    loop = AsyncioThread("test")

    async def fails(_: Tell) -> None:
        raise ZeroDivisionError

    async def works(_: Tell) -> int:
        return 1

    with anyio.fail_after(5):
        with pytest.raises(ZeroDivisionError):
            await loop.run(fails)
        assert await loop.run(works) == 1


async def test_cancelling_cancels_the_work_over_there() -> None:
    loop = AsyncioThread("test")
    ended: list[str] = []

    async def endless(tell: Tell) -> None:
        try:
            tell("begun")
            await anyio.sleep_forever()
        finally:
            ended.append("ended")

    async def seen(_: Tell) -> bool:
        while not ended:
            await anyio.lowlevel.checkpoint()
        return True

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:

            def begun(_: str) -> None:
                tasks.cancel_scope.cancel()

            tasks.start_soon(loop.run, endless, begun)
        assert await loop.run(seen)


def test_one_loop_serves_several_one_after_another() -> None:
    loop = AsyncioThread("test")

    async def work(_: Tell) -> int:
        return 1

    assert anyio.run(loop.run, work, backend="asyncio") == 1
    assert anyio.run(loop.run, work, backend="trio") == 1
