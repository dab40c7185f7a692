"""Contestant: catsdk, through its public names."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

import catsdk
from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve
from catsdk.providers import OpenAIProvider

SAMPLING = catsdk.Sampling(max_tokens=256)


@asynccontextmanager
async def opened(target: Target, **settings: Any) -> AsyncGenerator[catsdk.CaT]:
    """A CaT on the endpoint."""
    model = OpenAIProvider(target.model, base_url=target.url, api_key=target.key)
    async with model, catsdk.CaT(model, sampling=SAMPLING, **settings) as c:
        yield c


async def sampled(c: catsdk.CaT, item: int, n: int) -> catsdk.Group:
    """A whole group."""
    group = await c.sample(prompt(item), n)
    if group.failures:
        raise RuntimeError(str(next(iter(group.failures.values()))))
    return group


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Groups of eight, one request a rollout where the endpoint refuses `n`."""
    async with opened(target) as c:
        return await all_of(lambda at: sampled(c, at, 8), range(count // 8), count)


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each by one request where the endpoint takes `n`."""
    async with opened(target) as c:
        return await all_of(lambda at: sampled(c, at, n), range(prompts), in_flight)


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts and synthesis."""
    async with opened(target) as c:
        return await all_of(lambda at: c.synthesize(prompt(at), n), range(prompts), prompts)


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Groups of `n`, one after the other."""
    async with opened(target) as c:
        return await all_of(lambda at: sampled(c, at, n), range(count), 1)


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Groups that are cancelled."""
    async with opened(target) as c:
        return await cancels(
            lambda item: c.synthesize(prompt(item), n), lambda item: sampled(c, item, 1), moments
        )


if __name__ == "__main__":
    serve(requests=requests, rollouts=rollouts, pipeline=pipeline, groups=groups, cancel=cancel)
