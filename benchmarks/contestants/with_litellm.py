"""Contestant: litellm's acompletion, with the few lines one would write around it."""

from collections.abc import Sequence
from typing import Any

import anyio
import litellm  # pyright: ignore[reportMissingImports]

from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve

litellm.suppress_debug_info = True


async def text_of(target: Target, content: str) -> str:
    """One answer."""
    reply = await litellm.acompletion(
        model=f"openai/{target.model}",
        api_base=target.url,
        api_key=target.key,
        messages=[{"role": "user", "content": content}],
        max_tokens=256,
        caching=litellm.cache is not None,
    )
    return str(reply.choices[0].message.content)


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Single requests."""
    return await all_of(lambda at: text_of(target, prompt(at // 8)), range(count), in_flight)


async def rollouts(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Groups of `n`, each by one request."""

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


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts one a request, and a synthesis as soon as those of its prompt are there."""
    free = anyio.Semaphore(in_flight)

    async def ask(content: str) -> str:
        async with free:
            return await text_of(target, content)

    async def one(item: int) -> str:
        texts = await samples_of(lambda: ask(prompt(item)), n)
        return await ask("Write one answer from these.\n\n" + "\n\n".join(texts))

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

    async def one(item: int) -> None:
        await samples_of(lambda: text_of(target, prompt(item)), n)

    return await all_of(one, range(count), 1)


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Groups that are cancelled."""
    return await cancels(
        lambda item: samples_of(lambda: text_of(target, prompt(item)), n),
        lambda item: text_of(target, prompt(item)),
        moments,
    )


async def equal(target: Target, count: int) -> dict[str, Any]:
    """Equal requests at once, with litellm's cache in memory."""
    litellm.cache = litellm.Cache()
    try:
        return await all_of(lambda _: text_of(target, prompt(0)), range(count), count)
    finally:
        litellm.cache = None


if __name__ == "__main__":
    serve(
        requests=requests,
        rollouts=rollouts,
        pipeline=pipeline,
        groups=groups,
        cancel=cancel,
        equal=equal,
    )
