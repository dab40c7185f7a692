"""A bell wakes its waiter once for each ring, whenever it rang."""

import anyio
from anyio import to_thread

from catsdk.core.concurrency.bell import Bell


async def test_a_ring_before_the_wait_is_heard_once() -> None:
    bell = Bell()
    assert bell.ring()
    assert bell.ring()
    with anyio.fail_after(5):
        await bell.wait()
    with anyio.move_on_after(0.01) as scope:
        await bell.wait()
    assert scope.cancelled_caught


async def test_a_ring_after_a_wait_that_was_given_up_is_heard() -> None:
    bell = Bell()
    with anyio.move_on_after(0.01):
        await bell.wait()
    bell.ring()
    with anyio.fail_after(5):
        await bell.wait()


async def test_a_ring_from_another_thread_wakes_the_waiter_each_time() -> None:
    bell = Bell()
    for _ in range(3):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, bell.ring)
            with anyio.fail_after(5):
                await bell.wait()
