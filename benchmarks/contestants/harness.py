"""The loop of every contestant: read a task per line, run it, answer with its times and memory.

A contestant is a script that passes its tasks to `serve` by name. It runs in its own environment,
pinned to one core; a task is an async function, run in its own event loop.
"""

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

Task = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Target:
    """The endpoint to call."""

    url: str
    key: str
    model: str


def prompt(item: int) -> str:
    """The prompt of item `item`, of ordinary length; the server finds the item's number in it."""
    return f"item {item}: " + "A train leaves at noon and another one at two. " * 8


def serve(**tasks: Task) -> None:
    """Run the tasks that arrive on stdin, one JSON object per line, until it closes."""
    answers = os.fdopen(os.dup(1), "w")
    # Keep what a package prints out of the answers.
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(_run(tasks, order)) + "\n")
        answers.flush()


def _run(tasks: dict[str, Task], order: dict[str, Any]) -> dict[str, Any]:
    task = tasks.get(order["task"])
    if task is None:
        return {"error": "has none"}
    target = Target(**order["target"])
    before = peak_kilobytes()
    cpu, wall = time.process_time(), time.monotonic()
    try:
        result = anyio.run(partial(task, target, **order["arguments"]))
    except BaseException as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {
        "wall": time.monotonic() - wall,
        "cpu": time.process_time() - cpu,
        "kilobytes": peak_kilobytes() - before,
        "result": result,
    }


def peak_kilobytes() -> int:
    """The peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def all_of(
    call: Callable[[int], Awaitable[Any]], items: Sequence[int], in_flight: int
) -> dict[str, Any]:
    """Make a call for every item, up to a limit at once; count the results and list the errors."""
    free = anyio.Semaphore(in_flight)
    seconds: list[float] = []
    failures: list[str] = []

    async def one(item: int) -> None:
        async with free:
            start = time.monotonic()
            try:
                await call(item)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}"[:200])
            else:
                seconds.append(time.monotonic() - start)

    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(one, item)
    return {"done": len(seconds), "failures": failures, "seconds": seconds}


async def graded(grade: Callable[[int], Awaitable[float | None]], count: int) -> dict[str, Any]:
    """Grade `count` rollouts concurrently; a reward for each, `None` if grading failed."""
    rewards: list[float | None] = [None] * count
    failures: list[str] = []

    async def one(at: int) -> None:
        try:
            rewards[at] = await grade(at)
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}"[:200])

    async with anyio.create_task_group() as tasks:
        for at in range(count):
            tasks.start_soon(one, at)
    return {"rewards": rewards, "failures": failures[:5]}


async def graded_by(
    rubric: Any, rollout: Callable[[int], str], count: int, *, equal: bool, **how: Any
) -> dict[str, Any]:
    """Grade `count` rollouts, equal ones if `how` says so, by a package's rubric."""

    async def grade(at: int) -> float | None:
        report = await rubric.grade(rollout(0 if equal else at), **how)
        score: float | None = report.score
        return score

    return await graded(grade, count)


async def interrupted(start: Callable[[int], Awaitable[Any]], item: int, after: float) -> float:
    """Start item `item`, cancel it `after` seconds later, and return the time of cancellation."""
    moments: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_quietly, start, item)
        await anyio.sleep(after)
        moments.append(time.monotonic())
        group.cancel_scope.cancel()
    return moments[0]


async def _quietly(start: Callable[[int], Awaitable[Any]], item: int) -> None:
    try:
        await start(item)
    except Exception:
        traceback.print_exc()


async def cancels(
    start: Callable[[int], Awaitable[Any]],
    call: Callable[[int], Awaitable[Any]],
    moments: Sequence[float],
) -> dict[str, Any]:
    """Start a group and cancel it, once for each moment; after each, the next call must work."""
    cancelled: list[float] = []
    stuck = 0
    for item, after in enumerate(moments):
        cancelled.append(await interrupted(start, item, after))
        with anyio.move_on_after(5) as scope:
            await call(10_000 + item)
        if scope.cancelled_caught:
            stuck += 1
            if stuck == 3:
                break
    await anyio.sleep(1.5)
    return {"cancelled": cancelled, "stuck": stuck}
