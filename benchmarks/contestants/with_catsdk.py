"""Contestant: catsdk, through its public API."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

import catsdk
from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve
from catsdk.batch import Plan, run
from catsdk.providers import OpenAIProvider
from catsdk.runtime.attribution import recorded
from catsdk.types import Call, Usage

SAMPLING = catsdk.Sampling(max_tokens=256)


@asynccontextmanager
async def opened(
    target: Target, reward: catsdk.Reward | None = None, **settings: Any
) -> AsyncGenerator[catsdk.CaT]:
    """A CaT for the endpoint; `settings` are passed to its client."""
    async with provider_of(target) as model:
        sampler, client = catsdk.Sampler(model, SAMPLING), catsdk.Client(**settings)
        async with catsdk.CaT(sampler, reward=reward, client=client) as c:
            yield c


def limits(in_flight: int) -> catsdk.Limits:
    """Limits that allow `in_flight` concurrent calls."""
    return catsdk.Limits(in_flight=in_flight)


def provider_of(target: Target) -> OpenAIProvider:
    """The provider for the endpoint."""
    return OpenAIProvider(target.model, base_url=target.url, api_key=target.key)


async def sampled(c: catsdk.CaT, item: int, n: int) -> catsdk.Group:
    """Sample a group, and fail if a rollout is missing."""
    group = await c.sample(prompt(item), n)
    if group.failures:
        raise RuntimeError(str(next(iter(group.failures.values()))))
    return group


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Groups of eight, with a request per rollout if the endpoint refuses `n`."""
    async with opened(target, limits=limits(in_flight)) as c:
        return await all_of(lambda at: sampled(c, at, 8), range(count // 8), in_flight)


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each in one request if the endpoint accepts `n`."""
    async with opened(target, limits=limits(in_flight)) as c:
        return await all_of(lambda at: sampled(c, at, n), range(prompts), in_flight)


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts and synthesis, through `map`."""
    async with opened(target, limits=limits(in_flight)) as c:
        results = [each async for each in c.map((prompt(at) for at in range(prompts)), n)]
    failures = [str(each.failure) for each in results if each.failure is not None]
    return {"done": len(results) - len(failures), "failures": failures, "seconds": []}


async def durable(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """The same as a batch, which stores each answer in a file before using it."""
    with TemporaryDirectory() as folder:
        client = catsdk.Client(limits=limits(in_flight))
        async with provider_of(target) as model:
            c = catsdk.CaT(catsdk.Sampler(model, SAMPLING), client=client)
            summary = await run([prompt(at) for at in range(prompts)], folder, Plan(c, n=n))
    return {"done": summary.ok, "failures": [str(summary)] * summary.failed, "seconds": []}


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Groups of `n`, one after another."""
    async with opened(target) as c:
        return await all_of(lambda at: sampled(c, at, n), range(count), 1)


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Cancel groups at the given moments."""
    async with opened(target) as c:
        told = await cancels(
            lambda item: c.synthesize(prompt(item), n), lambda item: sampled(c, item, 1), moments
        )
    gate = c.client.gate(provider_of(target))
    return told | {"leaked": gate.in_flight + gate.waiting}


async def equal(target: Target, count: int) -> dict[str, Any]:
    """Concurrent equal requests, with a cache in memory; all ask for the same sample."""
    async with opened(target, cache="memory") as c:
        return await all_of(lambda _: sampled(c, 0, 1), range(count), count)


async def capped(target: Target, cap: int, wanted: int) -> dict[str, Any]:
    """More concurrent calls than the budget allows."""
    budget = catsdk.Budget(requests=cap)
    async with opened(target, budget=budget, limits=limits(wanted)) as c:
        told = await all_of(lambda at: sampled(c, at, 1), range(wanted), wanted)
    return told | {"booked": booked(c)}


def booked(c: catsdk.CaT) -> int:
    """The requests that the client's account has paid for."""
    return -1 if c.client.account is None else c.client.account.requests


async def stragglers(target: Target, count: int, n: int, hedge: bool) -> dict[str, Any]:
    """Syntheses, sixteen at a time, with or without hedging."""
    async with opened(target, limits=limits(n * 16), hedge=hedge) as c:
        return await all_of(lambda at: c.synthesize(prompt(at), n), range(count), 16)


async def usage(target: Target, prompts: int, n: int) -> dict[str, Any]:
    """All stages, with retries: the requests and tokens that catsdk reports."""
    async with opened(target, catsdk.RubricReward(), budget=catsdk.Budget(requests=10**9)) as c:
        with recorded("all") as calls:

            async def whole(item: int) -> None:
                group = await c.sample(prompt(item), n)
                reference = await c.synthesize(group)
                await c.reward(group, reference)

            told = await all_of(whole, range(prompts), prompts)
    return told | _reported(calls) | {"booked": booked(c)}


def _reported(calls: Sequence[Call]) -> dict[str, Any]:
    total = Usage.total(call.usage for call in calls)
    stages = sorted({call.stage for call in calls})
    return {
        "requests": total.requests,
        "tokens": total.tokens,
        "unknown": total.unreported,
        "stages": " ".join(stages),
    }


TASKS = (requests, rollouts, pipeline, durable, groups, cancel, equal, capped, stragglers, usage)

if __name__ == "__main__":
    serve(**{task.__name__: task for task in TASKS}, pairs=pipeline)
