"""Four providers in one run: two policies, an anchor and a judge.

    OPENAI_API_KEY=... ANTHROPIC_API_KEY=... python examples/four_providers.py \
        openai:gpt-5 openai:gpt-5-mini anthropic:claude-haiku-4-5

The arguments are the second policy, the anchor and the judge; the first policy is the model in
the box. Without arguments they are scripted models behind a server on this machine, called
through the vendors' real SDKs. catsdk makes up for what a provider lacks: the judge's API returns
one answer per request and takes no temperature, and no code here has to handle that.
"""

import json
import sys
from contextlib import AsyncExitStack

import anyio

import catsdk as cat
from catsdk.providers import AnthropicProvider, OpenAIProvider
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Request

Model = str | cat.Provider


async def main(names: list[str]) -> None:
    """Sample from both policies, synthesize, write a rubric, judge; then print who did what."""
    async with AsyncExitStack() as exits:
        policy, anchor, judge = names or await _served_on_this_machine(exits)
        c = cat.CaT(
            cat.Sampler(["local", policy], seed=1),
            estimator=cat.Synthesizer(anchor),
            reward=cat.RubricReward(judge=judge),
        )
        async with c:
            result = await c.run("12+34", n=4)
    print(f"reference: {result.answer}")
    assert result.group is not None and result.reference is not None
    for rollout, score in zip(result.group.rollouts, result.scores, strict=True):
        print(f"{rollout.completion.model} said {rollout.answer}: reward {score.value}")
    calls = [*result.group.calls, *result.reference.calls, *result.calls]
    for stage, model in sorted({(call.stage, call.model) for call in calls}):
        tokens = sum(c.usage.tokens for c in calls if (c.stage, c.model) == (stage, model))
        print(f"{stage}: {model}, {tokens} tokens")


async def _served_on_this_machine(exits: AsyncExitStack) -> list[Model]:
    async def serve(model: cat.Provider) -> LoopbackServer:
        return await exits.enter_async_context(LoopbackServer(model))

    hosted = await serve(FunctionProvider(lambda request: ["so \\boxed{46}"] * request.n))
    judging = await serve(FunctionProvider(judge_says))
    policy = OpenAIProvider(hosted.model, base_url=hosted.url, api_key=hosted.key)
    judge = AnthropicProvider(judging.model, base_url=judging.url, api_key=judging.key)
    await exits.enter_async_context(policy)
    await exits.enter_async_context(judge)
    return [policy, FunctionProvider(anchor_says, name="anchor"), judge]


def anchor_says(request: Request) -> str:
    """Synthesize 46, and write five criteria when asked for a rubric."""
    if "criteria" in request.messages[-1].text.lower():
        return json.dumps({"criteria": ["gives 46", "adds", "is brief", "is kind", "ends"]})
    return "# SUMMARY\nthey differ\n# UNIFIED RESPONSE\n\\boxed{46}"


def judge_says(request: Request) -> str:
    """Say that only the first criterion is met."""
    met = ">\ngives 46\n</" in request.messages[-1].text
    return json.dumps({"evidence": "", "verdict": "yes" if met else "no"})


if __name__ == "__main__":
    anyio.run(main, sys.argv[1:])
