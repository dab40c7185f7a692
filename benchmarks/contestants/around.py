"""The tasks for a client that gives one answer per call: the few lines a user would write."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio

from benchmarks.contestants.harness import Target, Task, all_of, cancels, prompt

Ask = Callable[[str], Awaitable[str]]
Opening = Callable[[Target], AbstractAsyncContextManager[Ask]]


def wanted(texts: Sequence[str]) -> str:
    """The prompt of a synthesis."""
    return "Write one answer from these.\n\n" + "\n\n".join(texts)


def tasks_around(opened: Opening) -> dict[str, Task]:
    """The tasks built on single answers to single prompts; `opened` yields the function to call."""

    async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
        async with opened(target) as ask:
            return await all_of(lambda at: ask(prompt(at // 8)), range(count), in_flight)

    async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
        """One request per rollout, and a synthesis as soon as its prompt's rollouts are done."""
        free = anyio.Semaphore(in_flight)
        async with opened(target) as ask:

            async def admitted(content: str) -> str:
                async with free:
                    return await ask(content)

            async def one(item: int) -> str:
                texts = await samples_of(admitted, prompt(item), n)
                return await admitted(wanted(texts))

            return await all_of(one, range(prompts), prompts)

    async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
        """Groups of `n` single requests, one group after another."""
        async with opened(target) as ask:
            return await all_of(
                lambda item: samples_of(ask, prompt(item), n), range(count), in_flight=1
            )

    async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
        """Cancel groups at the given moments."""
        async with opened(target) as ask:
            return await cancels(
                lambda item: samples_of(ask, prompt(item), n),
                lambda item: ask(prompt(item)),
                moments,
            )

    async def equal(target: Target, count: int) -> dict[str, Any]:
        """Send equal requests concurrently."""
        async with opened(target) as ask:
            return await all_of(lambda _: ask(prompt(0)), range(count), count)

    return {task.__name__: task for task in (requests, pipeline, groups, cancel, equal)}


async def samples_of(ask: Ask, content: str, n: int) -> Sequence[str]:
    """Ask for `n` answers concurrently."""
    texts = [""] * n

    async def into(at: int) -> None:
        texts[at] = await ask(content)

    async with anyio.create_task_group() as group:
        for at in range(n):
            group.start_soon(into, at)
    return texts
