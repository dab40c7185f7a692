"""A hosted judge with a local policy: rubric rewards without labels.

    OPENAI_API_KEY=... python examples/hosted_judge.py openai:gpt-5

Without an argument the judge is the model in the box, served on this machine over HTTP.
"""

import sys
from contextlib import AsyncExitStack

import anyio

import catsdk as cat
from catsdk.providers import LocalProvider, OpenAIProvider
from catsdk.testing.loopback import LoopbackServer


async def main(judge: str | None) -> None:
    """Sample, synthesize, write a rubric, judge: a reward for each rollout, or why there is none."""
    async with AsyncExitStack() as exits:
        hosted: str | cat.Provider = judge or await _served_on_this_machine(exits)
        c = await exits.enter_async_context(cat.CaT(policy="local", judge=hosted, seed=1))
        group = await c.sample("4821673+3947851", n=4)
        reference = await c.synthesize(group)
        rubric = await c.propose_rubric(reference)
        for criterion in rubric.criteria:
            print(f"{criterion.id}: {criterion.text}")
        for score in await c.reward(group, reference, rubric):
            print(f"rollout {score.index}: reward {score.value} ({', '.join(score.reasons)})")


async def _served_on_this_machine(exits: AsyncExitStack) -> cat.Provider:
    box = LocalProvider()
    server = await exits.enter_async_context(LoopbackServer(box))
    # A server does not say which prompts its model was trained on: the box needs its own.
    able = cat.Capabilities(n=True, streaming=True, prompts=box.capabilities.prompts)
    provider = OpenAIProvider(
        server.model, base_url=server.url, api_key=server.key, capabilities=able
    )
    return await exits.enter_async_context(provider)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1] if len(sys.argv) > 1 else None)
