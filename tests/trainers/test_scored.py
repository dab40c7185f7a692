"""A group is rewarded from its own reference, and what fails has a cause and no number."""

from __future__ import annotations

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import ConfigurationError, NoRewardError, RequestRefusedError
from catsdk.core.types import Group, Reference, Request
from catsdk.estimators import Majority
from catsdk.rewards import SkipFlat
from catsdk.rewards.reward import Given
from catsdk.runtime.context import Context
from catsdk.runtime.spending.account import Account
from catsdk.testing import FunctionProvider

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.scored import scored_group
from catsdk_trainers.trl.anchors import PolicyAnchor
from tests.method.scripted import anchor

GROUP = cat.group_of("2+2", ["so \\boxed{4}", "so \\boxed{5}", "so \\boxed{4}", "no idea"])


async def test_each_rollout_is_rewarded_by_the_synthesized_reference() -> None:
    async with cat.CaT(estimator=anchor(), reward=cat.AnswerReward()) as c:
        scored = await scored_group(c, GROUP, {})
    assert scored.result.rewards == (1.0, 0.0, 1.0, 0.0)
    assert (scored.result.answer, scored.cause, scored.failed) == ("4", None, False)
    assert scored.result.usage.requests == 1


async def test_with_a_rubric_the_judge_decides_and_every_call_is_counted() -> None:
    judge = FunctionProvider(lambda request: "no" if "{5}" in request.messages[-1].text else "yes")
    by_rubric = cat.RubricReward(judge=judge)
    with anyio.fail_after(5):
        async with cat.CaT(estimator=anchor(), reward=by_rubric) as c:
            scored = await scored_group(c, GROUP, {})
    assert scored.result.rewards == (1.0, 0.0, 1.0, 1.0)
    # Of four rollouts two are equal: five criteria are asked of three.
    assert scored.result.usage.requests == 2 + 15 == 2 + len(judge.requests)


@pytest.mark.behaviour("failed-anchor-rewards-nothing")
async def test_a_failing_anchor_gives_no_reward_and_says_why() -> None:
    def script(_: Request) -> str:
        raise RequestRefusedError("no")

    async with cat.CaT(estimator=FunctionProvider(script), reward=cat.AnswerReward()) as c:
        scored = await scored_group(c, GROUP, {})
    assert scored.result.rewards == (None,) * 4 and scored.failed
    failure = scored.result.failure
    assert failure is not None and failure.kind == "RequestRefusedError"


async def test_a_failing_proposer_keeps_the_reference_that_was_paid_for() -> None:
    writes_none = FunctionProvider(lambda _: "\\boxed{4}")
    async with cat.CaT(estimator=writes_none, reward=cat.RubricReward()) as c:
        scored = await scored_group(c, GROUP, {})
    assert scored.result.rewards == (None,) * 4 and scored.failed
    assert scored.cause is not None and "StructuredOutputError" in scored.cause
    assert scored.result.answer == "4"
    assert scored.result.usage.requests == len(writes_none.requests) > 1


async def test_a_group_that_a_filter_left_out_has_not_failed() -> None:
    group = cat.group_of("2+2", ["\\boxed{4}"] * 3)
    async with cat.CaT(estimator=Majority(), reward=SkipFlat(cat.AnswerReward())) as c:
        scored = await scored_group(c, group, {})
    assert scored.result.rewards == (None,) * 3
    assert scored.left_out and not scored.failed


async def test_a_reference_cut_short_by_a_budget_is_not_rewarded_by() -> None:
    account = Account(cat.Budget(requests=0))
    async with cat.CaT(estimator=anchor(), reward=cat.AnswerReward()) as c:
        scored = await scored_group(c, GROUP, {}, account)
    assert scored.result.rewards == (None,) * 4
    assert scored.cause is not None and "budget of 0 requests" in scored.cause


async def test_an_anchor_that_nobody_bound_is_an_error_and_not_a_failed_group() -> None:
    unbound = cat.Synthesizer(PolicyAnchor("initial"))
    async with cat.CaT(estimator=unbound, reward=cat.AnswerReward()) as c:
        with pytest.raises(ConfigurationError, match="has no model yet"):
            await scored_group(c, GROUP, {})


class AllButTheLast(cat.Reward):
    """Has no evidence of the last rollout."""

    needs_reference = False

    async def score(self, group: Group, reference: Reference | None, ctx: Context) -> Given:
        return [*[1.0] * (len(group.rollouts) - 1), None]


class AllTheSame(cat.Reward):
    """Finds no difference."""

    needs_reference = False

    async def score(self, group: Group, reference: Reference | None, ctx: Context) -> Given:
        return [1.0] * len(group.rollouts)


@pytest.mark.parametrize(
    ("reward", "why"),
    [
        (AllButTheLast(), "1 of 4 rollouts has no reward: .+"),
        (SkipFlat(AllTheSame()), "4 of 4 .*LeftOut"),
    ],
)
async def test_numbers_are_given_where_each_rollout_has_one(reward: cat.Reward, why: str) -> None:
    async with cat.CaT(estimator=anchor(), reward=cat.AnswerReward()) as c:
        assert (await scored_group(c, GROUP, {})).numbers == (1.0, 0.0, 1.0, 0.0)
    async with cat.CaT(estimator=anchor(), reward=reward) as c:
        scored = await scored_group(c, GROUP, {})
    with pytest.raises(NoRewardError, match=why):
        _ = scored.numbers
