"""Contestant: optillm's functions, one thread per prompt, with an openai client."""

from typing import Any

import openai
from anyio import CapacityLimiter, to_thread
from optillm.bon import best_of_n_sampling  # pyright: ignore[reportMissingImports]
from optillm.moa import mixture_of_agents  # pyright: ignore[reportMissingImports]

from benchmarks.contestants.harness import Target, all_of, prompt, serve


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Its mixture of agents: three rollouts, a critique and an answer."""
    threads = CapacityLimiter(in_flight)
    with openai.OpenAI(base_url=target.url, api_key=target.key) as client:

        def one(item: int) -> None:
            mixture_of_agents("", prompt(item), client, target.model)

        return await all_of(
            lambda item: to_thread.run_sync(one, item, limiter=threads), range(prompts), prompts
        )


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Its best of `n`, one group after another."""
    with openai.OpenAI(base_url=target.url, api_key=target.key) as client:

        def one(item: int) -> None:
            best_of_n_sampling("", prompt(item), client, target.model, n=n)

        return await all_of(lambda item: to_thread.run_sync(one, item), range(count), 1)


if __name__ == "__main__":
    serve(pipeline=pipeline, groups=groups)
