"""One run mixes four providers: two policies, an anchor and a judge, each on its own wire."""

from __future__ import annotations

import anyio
import pytest

import catsdk as cat
from catsdk.providers import AnthropicProvider, LocalProvider, OpenAIProvider
from catsdk.testing import FunctionProvider, LoopbackServer
from examples.four_providers import anchor_says, judge_says

# The first call loads the local model: a library in C reads its weights.
pytestmark = [pytest.mark.needs_torch]

PROMPT = "12+34"


async def test_policies_local_and_hosted_an_anchor_and_a_judge_work_as_one() -> None:
    hosted = LoopbackServer(FunctionProvider(lambda request: ["so \\boxed{46}"] * request.n))
    judging = LoopbackServer(FunctionProvider(judge_says), model="judge")
    anchor = FunctionProvider(anchor_says, name="anchor")
    async with hosted, judging, LocalProvider() as box:
        policy = OpenAIProvider("loopback", base_url=hosted.url, api_key=hosted.key)
        judge = AnthropicProvider("judge", base_url=judging.url, api_key=judging.key)
        with anyio.fail_after(60):
            async with policy, judge:
                c = cat.CaT(
                    cat.Sampler([box, policy], seed=1),
                    estimator=anchor,
                    reward=cat.RubricReward(judge=judge),
                )
                result = await c.run(PROMPT, n=4)
    group, reference = result.group, result.reference
    assert group is not None and reference is not None
    assert not group.failures
    assert [call.model for call in sorted(group.calls, key=lambda call: call.model)] == [
        box.name,
        "openai:loopback",
    ]
    assert [rollout.completion.model for rollout in group.rollouts][1::2] == ["loopback"] * 2
    assert reference.answer == "46"
    assert {call.model for call in reference.calls} == {"anchor"}
    assert [score.value for score in result.scores] == [0.2] * 4
    verdicts = [verdict for score in result.scores for verdict in score.verdicts]
    assert {call.model for verdict in verdicts for call in verdict.calls} == {"anthropic:judge"}
    # Of four responses two are equal: five criteria are asked of three.
    assert judging.counters.requests == 15
    assert {"output_config", "system"} <= judging.payloads[0].keys()
    assert not {"temperature", "n", "seed"} & judging.payloads[0].keys()
