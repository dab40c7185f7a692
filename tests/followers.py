"""Equal work that is asked for three times, where the one who asked first is cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

__all__ = ["followers_of_one_cancelled"]

T = TypeVar("T")


async def followers_of_one_cancelled(
    ask: Callable[[], Awaitable[T]], may_end: anyio.Event
) -> list[T]:
    """What the other two get, once the first is cancelled and then the work may end."""
    first, given = anyio.CancelScope(), list[T]()

    async def lead() -> None:
        with first:
            await ask()

    async def follow() -> None:
        given.append(await ask())

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for task in (lead, follow, follow):
                tasks.start_soon(task)
                await anyio.wait_all_tasks_blocked()
            first.cancel()
            await anyio.wait_all_tasks_blocked()
            may_end.set()
    return given
