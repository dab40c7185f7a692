"""Contestant: DSPy, with chains of thought and their comparison."""

from collections.abc import Sequence
from typing import Any

import dspy  # pyright: ignore[reportMissingImports]
from anyio import to_thread

from benchmarks.contestants.harness import Target, all_of, cancels, prompt, serve


def lm_of(target: Target, *, cache: bool = False) -> Any:
    """Its client, set up as documented."""
    return dspy.LM(
        f"openai/{target.model}",
        api_base=target.url,
        api_key=target.key,
        max_tokens=256,
        temperature=1.0,
        cache=cache,
    )


async def requests(target: Target, count: int, in_flight: int) -> dict[str, Any]:
    """Single calls through its client."""
    lm = lm_of(target)
    return await all_of(lambda at: lm.acall(prompt(at // 8)), range(count), in_flight)


def _compared(lm: Any, prompts: int, n: int, in_flight: int) -> int:
    """Run all chains of all prompts, then all comparisons, in the threads of its `Parallel`."""
    chain = dspy.ChainOfThought("question -> answer")
    comparison = dspy.MultiChainComparison("question -> answer", M=n)
    parallel = dspy.Parallel(num_threads=in_flight, disable_progress_bar=True)
    with dspy.context(lm=lm):
        asked = [
            (chain, dspy.Example(question=prompt(item)).with_inputs("question"))
            for item in range(prompts)
            for _ in range(n)
        ]
        chains = parallel(asked)
        answers = parallel(
            [
                (
                    lambda question, completions: comparison(completions, question=question),
                    {"question": prompt(item), "completions": chains[item * n : item * n + n]},
                )
                for item in range(prompts)
            ]
        )
    return len(answers)


async def pipeline(target: Target, prompts: int, n: int, in_flight: int) -> dict[str, Any]:
    """Chains of thought and their comparison."""
    lm = lm_of(target)
    done = await to_thread.run_sync(_compared, lm, prompts, n, in_flight)
    return {"done": done, "failures": [], "seconds": []}


async def groups(target: Target, count: int, n: int) -> dict[str, Any]:
    """Groups of `n` concurrent chains, one group after another."""
    lm = lm_of(target)

    def group(item: int) -> None:
        chain = dspy.ChainOfThought("question -> answer")
        parallel = dspy.Parallel(num_threads=n, disable_progress_bar=True)
        question = dspy.Example(question=prompt(item)).with_inputs("question")
        with dspy.context(lm=lm):
            if any(each is None for each in parallel([(chain, question)] * n)):
                raise RuntimeError("a chain failed")

    return await all_of(lambda item: to_thread.run_sync(group, item), range(count), 1)


async def cancel(target: Target, n: int, moments: Sequence[float]) -> dict[str, Any]:
    """Cancel calls at the given moments."""
    lm = lm_of(target)

    async def start(item: int) -> None:
        await all_of(lambda _: lm.acall(prompt(item)), range(n), n)

    return await cancels(start, lambda item: lm.acall(prompt(item)), moments)


async def equal(target: Target, count: int) -> dict[str, Any]:
    """Concurrent equal requests, with its cache in memory."""
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    lm = lm_of(target, cache=True)
    return await all_of(lambda _: lm.acall(prompt(0)), range(count), count)


if __name__ == "__main__":
    serve(requests=requests, pipeline=pipeline, groups=groups, cancel=cancel, equal=equal)
