"""Many items move on one by one, in bounded memory, and each comes out as a result or a failure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import anyio
import pytest

from catsdk.core.concurrency.pipeline import Flow, Mapped
from catsdk.core.errors import ServerError


async def double(_: int, item: int) -> int:
    await anyio.lowlevel.checkpoint()
    return 2 * item


async def endless() -> AsyncGenerator[int]:
    at = 0
    while True:
        yield at
        at += 1


@pytest.mark.parametrize("ordered", [True, False])
async def test_every_item_comes_out_once_with_its_place(ordered: bool) -> None:
    results: list[Mapped[int, int]] = []
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            flow = Flow(double, range(50), tasks, at_once=7, ordered=ordered)
            results = [mapped async for mapped in flow]
    wanted: list[Mapped[int, int]] = [Mapped(at, at, 2 * at) for at in range(50)]
    assert sorted(results, key=lambda mapped: mapped.index) == wanted
    assert not ordered or results == wanted


async def test_an_item_does_not_wait_for_the_one_before_it_unless_order_is_asked_for() -> None:
    free = anyio.Event()

    async def work(index: int, item: str) -> str:
        if index == 0:
            await free.wait()
        return item

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            async with Flow(work, "ab", tasks, at_once=2) as flow:
                assert (await flow.__anext__()).item == "b"
                free.set()
                assert (await flow.__anext__()).item == "a"


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_slow_reader_slows_the_taking_down(ordered: bool) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for at in range(10**9):
            taken.append(at)
            yield at

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            async with Flow(double, items(), tasks, at_once=4, ordered=ordered) as flow:
                for read in range(1, 20):
                    await flow.__anext__()
                    await anyio.wait_all_tasks_blocked()
                    assert len(taken) <= read + 4


async def test_a_failure_is_data_in_its_place() -> None:
    async def work(index: int, _: int) -> int:
        if index == 1:
            raise ServerError("boom")
        return index

    results: list[Mapped[int, int]] = []
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            results = [m async for m in Flow(work, range(3), tasks, at_once=2, ordered=True)]
    assert [mapped.result for mapped in results] == [0, None, 2]
    assert results[1].failure is not None and results[1].failure.kind == "ServerError"


async def test_a_defect_in_the_items_or_the_work_is_raised_where_they_are_read() -> None:
    async def broken() -> AsyncGenerator[int]:
        yield 0
        raise ZeroDivisionError

    async def work(_: int, item: int) -> int:
        raise KeyError(item)

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            with pytest.raises(ZeroDivisionError):
                _ = [m async for m in Flow(double, broken(), tasks, at_once=1)]
            with pytest.raises(KeyError):
                _ = [m async for m in Flow(work, range(3), tasks, at_once=1)]


@pytest.mark.parametrize("ordered", [True, False])
async def test_items_that_break_off_lose_no_result_of_those_before(ordered: bool) -> None:
    free = anyio.Event()

    async def broken() -> AsyncGenerator[int]:
        yield 0
        yield 1
        free.set()
        raise ZeroDivisionError

    async def work(_: int, item: int) -> int:
        await free.wait()
        return await double(_, item)

    results: dict[int, int | None] = {}
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5), pytest.raises(ZeroDivisionError):
            async for mapped in Flow(work, broken(), tasks, at_once=7, ordered=ordered):
                results[mapped.index] = mapped.result
    assert results == {0: 0, 1: 2}


async def test_leaving_the_block_cancels_what_is_at_work() -> None:
    running: list[int] = []

    async def work(index: int, item: int) -> int:
        if index == 0:
            return item
        running.append(index)
        try:
            await anyio.sleep_forever()
        finally:
            running.remove(index)
        return item

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(5):
            async with Flow(work, endless(), tasks, at_once=5) as flow:
                await flow.__anext__()
                await anyio.wait_all_tasks_blocked()
                assert len(running) == 5
    assert running == []
