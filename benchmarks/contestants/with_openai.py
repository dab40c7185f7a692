"""Contestant: the bare openai SDK over aiohttp, with the few lines a user would write."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import httpx2
import openai

from benchmarks.contestants.around import Ask, tasks_around, wanted
from benchmarks.contestants.harness import Target, all_of, prompt, serve


@asynccontextmanager
async def opened(target: Target, retries: int = 2) -> AsyncGenerator[openai.AsyncOpenAI]:
    """A client without a limit on connections."""
    # aiohttp takes zero as no limit.
    limits = httpx2.Limits(max_connections=0, max_keepalive_connections=None)
    transport = openai.DefaultAioHttpClient(limits=limits)
    async with openai.AsyncOpenAI(
        base_url=target.url, api_key=target.key, max_retries=retries, http_client=transport
    ) as client:
        yield client


async def text_of(client: openai.AsyncOpenAI, target: Target, content: str) -> str:
    """Ask for one answer."""
    reply = await client.chat.completions.create(
        model=target.model, messages=[{"role": "user", "content": content}], max_tokens=256
    )
    return reply.choices[0].message.content or ""


async def texts_of(client: openai.AsyncOpenAI, target: Target, item: int, n: int) -> list[str]:
    """Ask for `n` answers in one request."""
    reply = await client.chat.completions.create(
        model=target.model,
        messages=[{"role": "user", "content": prompt(item)}],
        max_tokens=256,
        n=n,
    )
    return [choice.message.content or "" for choice in reply.choices]


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each in one request."""
    async with opened(target) as client:
        return await all_of(
            lambda item: texts_of(client, target, item, n), range(prompts), in_flight
        )


async def pairs(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts in one request, and a synthesis in another."""
    free = anyio.Semaphore(in_flight)
    async with opened(target) as client:

        async def one(item: int) -> str:
            async with free:
                texts = await texts_of(client, target, item, n)
            async with free:
                return await text_of(client, target, wanted(texts))

        return await all_of(one, range(prompts), 2 * in_flight)


@asynccontextmanager
async def asking(target: Target) -> AsyncGenerator[Ask]:
    """Yield the function to call while the client is open."""
    async with opened(target) as client:
        yield partial(text_of, client, target)


if __name__ == "__main__":
    serve(**tasks_around(asking), rollouts=rollouts, pairs=pairs)
