"""Contestant of the rubric benchmark: the bare openai SDK, same calls, replies not parsed."""

from typing import Any

import anyio

from benchmarks.contestants.harness import Target, serve
from benchmarks.contestants.truth import criterion, rollout
from benchmarks.contestants.with_openai import opened


async def judge(
    target: Target, rollouts: int, criteria: int, in_flight: int, equal: bool = False
) -> dict[str, Any]:
    """Make one call for each rollout and criterion."""
    free = anyio.Semaphore(in_flight)
    async with opened(target) as client:

        async def ask(item: int, mark: int) -> None:
            content = f"{rollout(0 if equal else item)}\n\n{criterion(mark)}"
            async with free:
                await client.chat.completions.create(
                    model=target.model, messages=[{"role": "user", "content": content}]
                )

        async with anyio.create_task_group() as tasks:
            for item in range(rollouts):
                for mark in range(criteria):
                    tasks.start_soon(ask, item, mark)
    return {"rewards": []}


if __name__ == "__main__":
    serve(judge=judge)
