"""Contestant: its_hub, with self-consistency over its OpenAI-compatible model."""

from collections.abc import Sequence
from typing import Any

from its_hub import LMOrchestrator, OpenAICompatibleLanguageModel, SelfConsistency  # pyright: ignore[reportMissingImports]

from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve


def model_of(target: Target) -> Any:
    """Its client, set up as documented."""
    return OpenAICompatibleLanguageModel(
        endpoint=target.url, api_key=target.key, model_name=target.model, max_tokens=256
    )


async def sampled(target: Target, items: Sequence[int], n: int, at_once: int) -> dict[str, Any]:
    """One `ainfer` per item, with a budget of `n`."""
    model = model_of(target)
    algorithm = SelfConsistency(orchestrator=LMOrchestrator(max_concurrency=at_once))
    try:
        return await all_of(
            lambda item: algorithm.ainfer(model, prompt(item), budget=n), items, len(items)
        )
    finally:
        await model.close()


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Groups of eight."""
    return await sampled(target, range(count // 8), 8, in_flight)


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Rollouts and a vote: it has no synthesis."""
    return await sampled(target, range(prompts), n, in_flight)


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Groups of `n`, one after another, with its default concurrency."""
    model = model_of(target)
    algorithm = SelfConsistency()
    try:
        return await all_of(
            lambda item: algorithm.ainfer(model, prompt(item), budget=n), range(count), 1
        )
    finally:
        await model.close()


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Cancel groups at the given moments."""
    model = model_of(target)
    algorithm = SelfConsistency()
    try:
        return await cancels(
            lambda item: algorithm.ainfer(model, prompt(item), budget=n),
            lambda item: algorithm.ainfer(model, prompt(item), budget=1),
            moments,
        )
    finally:
        await model.close()


async def equal(target: Target, count: int) -> dict[str, Any]:
    """Concurrent equal requests; it has no cache."""
    return await sampled(target, [0] * count, 1, 32)


if __name__ == "__main__":
    serve(requests=requests, pipeline=pipeline, groups=groups, cancel=cancel, equal=equal)
