"""Contestant: the bare openai SDK over its aiohttp transport, with the few lines one would write."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import openai

from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve


@asynccontextmanager
async def opened(target: Target, retries: int = 2) -> AsyncGenerator[openai.AsyncOpenAI]:
    """A client without a limit of connections."""
    # Zero is aiohttp's word for no limit.
    limits = httpx2.Limits(max_connections=0, max_keepalive_connections=None)
    transport = openai.DefaultAioHttpClient(limits=limits)
    async with openai.AsyncOpenAI(
        base_url=target.url, api_key=target.key, max_retries=retries, http_client=transport
    ) as client:
        yield client


async def text_of(client: openai.AsyncOpenAI, target: Target, content: str) -> str:
    """One answer."""
    reply = await client.chat.completions.create(
        model=target.model, messages=[{"role": "user", "content": content}], max_tokens=256
    )
    return reply.choices[0].message.content or ""


def wanted(texts: Sequence[str]) -> str:
    """What is asked for a synthesis."""
    return "Write one answer from these.\n\n" + "\n\n".join(texts)


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Single requests."""
    async with opened(target) as client:
        return await all_of(
            lambda at: text_of(client, target, prompt(at // 8)), range(count), in_flight
        )


async def texts_of(client: openai.AsyncOpenAI, target: Target, item: int, n: int) -> list[str]:
    """`n` answers by one request."""
    reply = await client.chat.completions.create(
        model=target.model,
        messages=[{"role": "user", "content": prompt(item)}],
        max_tokens=256,
        n=n,
    )
    return [choice.message.content or "" for choice in reply.choices]


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each by one request."""
    async with opened(target) as client:
        return await all_of(
            lambda item: texts_of(client, target, item, n), range(prompts), in_flight
        )


async def pairs(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts by one request, and a synthesis by another."""
    free = anyio.Semaphore(in_flight)
    async with opened(target) as client:

        async def one(item: int) -> str:
            async with free:
                texts = await texts_of(client, target, item, n)
            async with free:
                return await text_of(client, target, wanted(texts))

        return await all_of(one, range(prompts), 2 * in_flight)


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts one a request, and a synthesis as soon as those of its prompt are there."""
    free = anyio.Semaphore(in_flight)
    async with opened(target) as client:

        async def ask(content: str) -> str:
            async with free:
                return await text_of(client, target, content)

        async def one(item: int) -> str:
            texts = await samples_of(lambda: ask(prompt(item)), n)
            return await ask(wanted(texts))

        return await all_of(one, range(prompts), prompts)


async def samples_of(ask: Any, n: int) -> Sequence[str]:
    """`n` answers at once."""
    texts = [""] * n

    async def into(at: int) -> None:
        texts[at] = await ask()

    async with anyio.create_task_group() as group:
        for at in range(n):
            group.start_soon(into, at)
    return texts


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Groups of `n` single requests, one group after the other."""
    async with opened(target) as client:

        async def one(item: int) -> None:
            await samples_of(lambda: text_of(client, target, prompt(item)), n)

        return await all_of(one, range(count), 1)


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Groups that are cancelled."""
    async with opened(target) as client:
        return await cancels(
            lambda item: samples_of(lambda: text_of(client, target, prompt(item)), n),
            lambda item: text_of(client, target, prompt(item)),
            moments,
        )


async def equal(target: Target, count: int) -> dict[str, Any]:
    """Equal requests at once."""
    async with opened(target) as client:
        return await all_of(lambda _: text_of(client, target, prompt(0)), range(count), count)


if __name__ == "__main__":
    serve(
        requests=requests,
        rollouts=rollouts,
        pipeline=pipeline,
        pairs=pairs,
        groups=groups,
        cancel=cancel,
        equal=equal,
    )
