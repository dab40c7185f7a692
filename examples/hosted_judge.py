"""A hosted judge with a local policy: rubric rewards without labels.

    OPENAI_API_KEY=... python examples/hosted_judge.py openai:gpt-5

Without an argument the judge is the model in the box, served on this machine over HTTP.
"""

import sys
from contextlib import AsyncExitStack

import anyio

import catsdk as cat
from catsdk.providers import LocalProvider, OpenAIProvider
from catsdk.testing import LoopbackServer


async def main(judge: str | None) -> None:
    """Sample, synthesize, write a rubric and judge; print each rollout's reward or its failure."""
    async with AsyncExitStack() as exits:
        hosted: str | cat.Provider = judge or await _served_on_this_machine(exits)
        reward = cat.RubricReward(judge=cat.Judge(hosted))
        async with cat.CaT(cat.Sampler("local", seed=1), reward=reward) as c:
            result = await c.run("4821673+3947851", n=4)
    assert result.rubric is not None
    for criterion in result.rubric.criteria:
        print(f"{criterion.id}: {criterion.text}")
    for score in result.scores:
        print(f"rollout {score.index}: reward {score.value} ({', '.join(score.reasons)})")


async def _served_on_this_machine(exits: AsyncExitStack) -> cat.Provider:
    box = LocalProvider()
    server = await exits.enter_async_context(LoopbackServer(box))
    # A server cannot say which prompts its model was trained on, and this model needs its own.
    able = cat.Capabilities(n=True, streaming=True, prompts=box.capabilities.prompts)
    provider = OpenAIProvider(
        server.model, base_url=server.url, api_key=server.key, capabilities=able
    )
    return await exits.enter_async_context(provider)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else None)
