"""A run makes no events that nobody hears, and keeps its rubrics all the same."""

from __future__ import annotations

import pytest

import catsdk as cat
from catsdk.core.events import Event, RolloutArrived, RubricReady
from catsdk.core.inputs import PromptLike
from catsdk.core.types import Group, Provenance, Reference
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider

POLICY = FunctionProvider(lambda request: r"\boxed{4}")


class Listening:
    """A sampler that notes whether anybody hears of its rollouts."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    async def sample(self, prompt: PromptLike, n: int, ctx: Context, *, start: int = 0) -> Group:
        self.heard.append(ctx.heard)
        return await cat.Sampler(POLICY).sample(prompt, n, ctx, start=start)


class OneCriterion:
    """A proposer that asks no model."""

    async def propose(self, reference: Reference, ctx: Context) -> cat.Rubric:
        criteria = (cat.Criterion(id="r1", text="Says 4."),)
        return cat.Rubric(criteria=criteria, provenance=Provenance(method="fixed"))


async def test_a_run_tells_its_roles_that_nobody_listens() -> None:
    sampler, heard = Listening(), list[Event]()
    async with cat.CaT(sampler, estimator=cat.Majority()) as c:
        await c.run("2+2?", n=2)
        assert [result.answer async for result in c.map(["2+2?"], n=2)] == ["4"]
        await c.run("2+2?", n=2, on_event=heard.append)
    assert sampler.heard == [False, False, True]
    assert sum(isinstance(event, RolloutArrived) for event in heard) == 2


@pytest.mark.parametrize("listens", [False, True])
async def test_the_rubrics_of_a_run_are_kept_whoever_listens(listens: bool) -> None:
    heard: list[Event] = []
    judge = FunctionProvider(lambda request: '{"evidence": "4", "reason": "", "verdict": "yes"}')
    reward = cat.RubricReward(proposer=OneCriterion(), judge=judge)
    async with cat.CaT(POLICY, estimator=cat.Majority(), reward=reward) as c:
        result = await c.run("2+2?", n=2, on_event=heard.append if listens else None)
    assert [rubric.criteria[0].text for rubric in result.rubrics] == ["Says 4."]
    assert sum(isinstance(event, RubricReady) for event in heard) == listens
