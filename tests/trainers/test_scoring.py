"""A group is rewarded from its own reference, and what fails has a cause and no number."""

from collections.abc import Callable

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.types import Request
from catsdk.primitives.synthesizer import Synthesizer
from catsdk.testing import FunctionProvider
from catsdk_trainers.controls import ClusterShareScorer, GoldScorer, RandomScorer
from catsdk_trainers.scoring import CaTScorer, cat_scorer

GROUP = cat.group_of("2+2", ["so \\boxed{4}", "so \\boxed{5}", "so \\boxed{4}", "no idea"])
Script = Callable[[Request], str]


def anchor(answer: str = "4") -> FunctionProvider:
    def script(request: Request) -> str:
        if "criteria" in request.messages[-1].text.lower():
            return '{"criteria": ["a", "b", "c", "d", "e"]}'
        return f"\\boxed{{{answer}}}"

    return FunctionProvider(script, name="anchor")


async def test_each_rollout_is_rewarded_by_the_synthesized_reference() -> None:
    async with cat_scorer(anchor()) as scorer:
        score = await scorer.score_group(GROUP, {})
    assert score.rewards == (1.0, 0.0, 1.0, 0.0)
    assert (score.reference and score.reference.answer, score.cause) == ("4", None)
    assert score.usage.requests == 1


async def test_an_anchor_of_the_environment_does_not_take_the_place_of_the_given_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_ANCHOR", "local")
    given = anchor()
    async with cat_scorer(given) as scorer:
        await scorer.score_group(GROUP, {})
    assert len(given.requests) == 1


async def test_with_a_rubric_the_judge_decides_and_every_call_is_counted() -> None:
    judge = FunctionProvider(lambda request: "no" if "{5}" in request.messages[-1].text else "yes")
    with anyio.fail_after(5):
        async with cat_scorer(anchor(), judge, rubric=True) as scorer:
            score = await scorer.score_group(GROUP, {})
    assert score.rewards == (1.0, 0.0, 1.0, 1.0)
    # Of four rollouts two are equal: five criteria are asked of three.
    assert score.usage.requests == 2 + 15 == 2 + len(judge.requests)


async def test_a_failing_anchor_gives_no_reward_and_says_why() -> None:
    def script(_: Request) -> str:
        raise RequestRefusedError("no")

    scorer = CaTScorer(Synthesizer(FunctionProvider(script)))
    score = await scorer.score_group(GROUP, {})
    assert score.rewards == (None,) * 4
    assert score.cause is not None and score.cause.kind == "RequestRefusedError"


async def test_a_failing_proposer_keeps_the_reference_that_was_paid_for() -> None:
    writes_none = FunctionProvider(lambda _: "\\boxed{4}")
    async with cat_scorer(writes_none, rubric=True) as scorer:
        score = await scorer.score_group(GROUP, {})
    assert score.rewards == (None,) * 4
    assert score.cause is not None and score.cause.kind == "StructuredOutputError"
    assert score.usage.requests == 1


async def test_gold_rewards_by_the_rows_answer_or_says_that_there_is_none() -> None:
    scorer = GoldScorer(column="gold")
    assert (await scorer.score_group(GROUP, {"gold": "5"})).rewards == (0.0, 1.0, 0.0, 0.0)
    for gold in ("so it is\n#### 5", "\\boxed{5}", "The answer is 5.", 5, ["7", "5"]):
        assert (await scorer.score_group(GROUP, {"gold": gold})).rewards == (0.0, 1.0, 0.0, 0.0)
    missing = await scorer.score_group(GROUP, {"answer": "5"})
    assert missing.rewards == (None,) * 4
    assert missing.cause is not None and "'gold' is None" in missing.cause.message


async def test_the_cluster_share_is_the_share_of_the_group_with_the_same_answer() -> None:
    assert (await ClusterShareScorer().score_group(GROUP, {})).rewards == (0.5, 0.25, 0.5, 0.0)


@pytest.mark.parametrize("seed", range(3))
async def test_chance_is_repeatable_and_fair(seed: int) -> None:
    group = cat.group_of("2+2", [f"\\boxed{{{at}}}" for at in range(400)])
    rewards = (await RandomScorer(seed).score_group(group, {})).rewards
    assert rewards == (await RandomScorer(seed).score_group(group, {})).rewards
    assert 150 < sum(r or 0.0 for r in rewards) < 250
    assert rewards != (await RandomScorer(seed + 1).score_group(group, {})).rewards
