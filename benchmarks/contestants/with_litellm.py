"""Contestant: litellm's acompletion, with the few lines a user would write around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import litellm  # pyright: ignore[reportMissingImports]

from benchmarks.contestants.around import Ask, tasks_around
from benchmarks.contestants.harness import Target, all_of, prompt, serve

litellm.suppress_debug_info = True


async def text_of(target: Target, content: str) -> str:
    """Ask for one answer."""
    reply = await litellm.acompletion(
        model=f"openai/{target.model}",
        api_base=target.url,
        api_key=target.key,
        messages=[{"role": "user", "content": content}],
        max_tokens=256,
        caching=litellm.cache is not None,
    )
    return str(reply.choices[0].message.content)


@asynccontextmanager
async def asking(target: Target) -> AsyncGenerator[Ask]:
    """Yield the function to call; litellm manages its own connections."""
    yield partial(text_of, target)


@asynccontextmanager
async def caching(target: Target) -> AsyncGenerator[Ask]:
    """Yield the function to call, with litellm's cache in memory."""
    litellm.cache = litellm.Cache()
    try:
        yield partial(text_of, target)
    finally:
        litellm.cache = None


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each in one request."""

    async def group(item: int) -> list[str]:
        reply = await litellm.acompletion(
            model=f"openai/{target.model}",
            api_base=target.url,
            api_key=target.key,
            messages=[{"role": "user", "content": prompt(item)}],
            max_tokens=256,
            n=n,
        )
        return [str(choice.message.content) for choice in reply.choices]

    return await all_of(group, range(prompts), in_flight)


if __name__ == "__main__":
    equal = tasks_around(caching)["equal"]
    serve(**(tasks_around(asking) | {"rollouts": rollouts, "equal": equal}))
