"""Rewards by weights, a grade, meaning or length, and sums of them, each with its reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Completion, Failure, Group, Reference, Request, Score, Usage
from catsdk.rewards.equivalent import EquivalenceReward
from catsdk.rewards.graded import GradedReward
from catsdk.rewards.penalties import LengthPenalty
from catsdk.rewards.reward import Reward, Sum
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.scoring import Missing
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider
from tests.rubrics.scripted import (
    PROMPT,
    FixedJudge,
    contains_judge,
    group_of,
    reference_of,
    rollout_of,
    rubric_of,
    said,
)

GROUP = group_of("alpha beta", "beta", "")
REFERENCE = reference_of(GROUP)


def values(scores: tuple[Score, ...]) -> list[float | None]:
    return [score.value for score in scores]


async def test_weights_are_points_and_pitfalls_take_theirs_off() -> None:
    rubric = rubric_of("alpha", "beta", weights=(3.0, -1.0))
    scores = await RubricReward(judge=Judge(contains_judge()), rubric=rubric).reward(
        GROUP, REFERENCE
    )
    assert values(scores) == [pytest.approx(2 / 3), 0.0, 0.0]
    assert scores[0].reasons == ("it meets 2 of 2 criteria", "which is 2 of 3 points")


async def test_a_rubric_of_pitfalls_alone_rewards_nothing_and_says_so() -> None:
    rubric = rubric_of("alpha", weights=(-1.0,))
    scores = await RubricReward(judge=Judge(contains_judge()), rubric=rubric).reward(
        GROUP, REFERENCE
    )
    assert values(scores) == [None] * 3
    assert {score.failure and score.failure.kind for score in scores} == {"NoPositiveCriterion"}


async def test_missing_verdicts_are_left_out_only_where_enough_are_there() -> None:
    judge = FixedJudge(lambda name, text: None if name == "c1" else True)
    rubric = rubric_of("a", "b", "c", "d")
    for at_least, value in ((0.75, 1.0), (0.8, None)):
        policy = Missing(then="mean", at_least=at_least)
        scores = await RubricReward(judge=judge, rubric=rubric, missing=policy).reward(
            GROUP, REFERENCE
        )
        assert values(scores) == [value] * 3
        assert {score.coverage for score in scores} == {0.75}


@pytest.mark.behaviour("failed-rollout-is-data")
async def test_a_failed_rollout_has_its_cause_and_no_reward() -> None:
    failure = Failure(kind="ServerError", message="boom")
    group = GROUP.model_copy(update={"failures": {3: failure}})
    for rewarder in (
        RubricReward(judge=Judge(contains_judge()), rubric=rubric_of("alpha")),
        GradedReward(FunctionProvider(lambda _: "{}"), rubric=rubric_of("alpha")),
        EquivalenceReward(FunctionProvider(lambda _: "yes")),
        LengthPenalty(),
    ):
        score = (await rewarder.reward(group, REFERENCE))[3]
        assert (score.index, score.value, score.failure) == (3, None, failure)


# --- stopping early ---


async def test_judging_stops_when_the_order_can_no_longer_change() -> None:
    judge = FixedJudge(lambda name, text: text == "good")
    group = group_of("good", "bad")
    rubric = rubric_of(*"abcde")
    scores = await RubricReward(judge=judge, rubric=rubric, stop_early=True).reward(
        group, REFERENCE
    )
    assert len(judge.asked) == 2 * 3
    assert values(scores) == [1.0, 0.0]
    assert scores[0].coverage == pytest.approx(0.6)
    assert "judged by 3 of 5 criteria" in scores[0].reasons[-1]


async def test_heavier_criteria_are_judged_first() -> None:
    judge = FixedJudge(lambda name, text: (name == "c2") == (text == "good"))
    rubric = rubric_of("a", "b", weights=(1.0, 5.0))
    scores = await RubricReward(judge=judge, rubric=rubric, stop_early=True).reward(
        group_of("good", "bad"), REFERENCE
    )
    assert {name for name, _ in judge.asked} == {"c2"}
    assert values(scores) == [1.0, 0.0]


async def test_a_pitfall_alone_does_not_stop_the_judging() -> None:
    judge = FixedJudge(lambda name, text: (name == "c1") == (text == "bad"))
    rubric = rubric_of("lies", "helps", "thanks", weights=(-9.0, 1.0, 0.5))
    scores = await RubricReward(judge=judge, rubric=rubric, stop_early=True).reward(
        group_of("good", "bad"), REFERENCE
    )
    assert {name for name, _ in judge.asked} == {"c1", "c2"}
    assert values(scores) == [1.0, 0.0]


async def test_while_two_can_tie_all_is_judged() -> None:
    judge = FixedJudge(lambda name, text: True)
    rubric = rubric_of("a", "b")
    scores = await RubricReward(judge=judge, rubric=rubric, stop_early=True).reward(
        GROUP, REFERENCE
    )
    assert len(judge.asked) == 6
    assert values(scores) == [1.0] * 3


async def test_judging_stops_early_under_a_mean_too_where_no_verdict_is_missing() -> None:
    judge = FixedJudge(lambda name, text: text == "good")
    reward = RubricReward(
        judge=judge,
        rubric=rubric_of(*"abcde"),
        missing=Missing(then="mean", at_least=0.1),
        stop_early=True,
    )
    assert values(await reward.reward(group_of("good", "bad"), REFERENCE)) == [1.0, 0.0]
    assert len(judge.asked) == 2 * 3


async def test_a_missing_verdict_is_no_place_in_the_order() -> None:
    judge = FixedJudge(lambda name, text: None if text == "" else text == "alpha beta")
    rubric = rubric_of(*"abcde")
    scores = await RubricReward(judge=judge, rubric=rubric, stop_early=True).reward(
        GROUP, REFERENCE
    )
    assert values(scores) == [1.0, 0.0, None]
    assert len(judge.asked) == 3 * 3


# --- one grade ---


async def test_an_implicit_reward_is_the_grade_over_ten() -> None:
    reply = json.dumps({"evidence": "beta", "reason": "good", "grade": 7})
    model = FunctionProvider(lambda _: reply)
    rubric = rubric_of("alpha", "worse", weights=(1.0, -0.5))
    scores = await GradedReward(model, rubric=rubric).reward(group_of("alpha beta"), REFERENCE)
    assert values(scores) == [0.7]
    assert scores[0].reasons[1:] == ("good", 'evidence: "beta"')
    assert (scores[0].usage.requests, len(scores[0].calls)) == (1, 1)
    assert "weight: -0.5\nworse" in model.requests[0].messages[1].text


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"grade": 11}, "StructuredOutputError"),
        ({"grade": -1}, "StructuredOutputError"),
        ({"grade": "good"}, "StructuredOutputError"),
        ({"grade": 7.5}, "StructuredOutputError"),
        ({"grade": True}, "StructuredOutputError"),
        ({"grade": 7, "evidence": "never"}, "EvidenceNotFoundError"),
    ],
)
async def test_a_grade_that_is_none_or_misquotes_is_no_reward(
    fields: dict[str, object], kind: str
) -> None:
    model = FunctionProvider(lambda _: json.dumps(fields))
    (score,) = await GradedReward(model, rubric=rubric_of("a")).reward(group_of("x"), REFERENCE)
    assert (score.value, score.failure and score.failure.kind) == (None, kind)
    assert score.usage.requests == 2


# --- the same meaning ---


def first_wins(request: Request) -> str:
    """A judge that goes by position: yes where the reference comes first."""
    text = request.messages[1].text
    return json.dumps(said(text.index("the reference") < text.index("a response")))


async def test_the_judge_of_meaning_gives_one_or_zero() -> None:
    model = FunctionProvider(lambda r: "yes" if "alpha" in r.messages[1].text else "no")
    scores = await EquivalenceReward(model).reward(GROUP, REFERENCE)
    assert values(scores) == [1.0, 0.0, 0.0]
    assert "means the same as the reference" in scores[0].reasons[0]


async def test_in_both_orders_a_judge_that_goes_by_position_gives_no_reward() -> None:
    group = group_of("a response")
    model = FunctionProvider(first_wins)
    fair = EquivalenceReward(model, both_orders=True)
    (score,) = await fair.reward(group, REFERENCE)
    assert (score.value, score.failure and score.failure.kind) == (None, "PositionBias")
    assert score.usage.requests == 2


async def test_a_seed_draws_which_text_comes_first() -> None:
    group = group_of(*(f"a response {at}" for at in range(40)))
    model = FunctionProvider(first_wins)
    first = values(await EquivalenceReward(model, seed=1).reward(group, REFERENCE))
    assert 5 < sum(value == 1.0 for value in first) < 35
    assert values(await EquivalenceReward(model, seed=1).reward(group, REFERENCE)) == first
    assert values(await EquivalenceReward(model, seed=2).reward(group, REFERENCE)) != first


async def test_a_judge_of_meaning_that_cannot_tell_gives_no_reward() -> None:
    model = FunctionProvider(lambda _: json.dumps(said(None)))
    (score,) = await EquivalenceReward(model).reward(group_of("x"), REFERENCE)
    assert (score.value, score.failure and score.failure.kind) == (None, "CannotTell")


# --- length ---


def long_group(*tokens: int, reasoning: int = 0) -> Group:
    rollouts = tuple(
        rollout_of("x", at).model_copy(
            update={
                "completion": Completion(
                    text="x",
                    usage=Usage(output_tokens=count, reasoning_tokens=reasoning, requests=1),
                )
            }
        )
        for at, count in enumerate(tokens)
    )
    return Group(prompt=PROMPT, rollouts=rollouts)


async def test_only_responses_over_the_length_are_penalised_and_thinking_counts() -> None:
    scores = await LengthPenalty().reward(long_group(750, 751), REFERENCE)
    assert values(scores) == [0.0, -1.0]
    thought = await LengthPenalty().reward(long_group(800, reasoning=100), REFERENCE)
    assert values(thought) == [-1.0]


async def test_a_length_that_nobody_reported_is_unknown_and_not_zero() -> None:
    scores = await LengthPenalty().reward(long_group(2_000, 0), REFERENCE)
    assert values(scores) == [None, None]
    assert scores[0].failure is not None and scores[0].failure.kind == "UnknownLength"


async def test_a_counter_counts_the_tokens() -> None:
    class Words:
        def count_tokens(self, text: str) -> int:
            return len(text.split())

    penalty = LengthPenalty(over=1, penalty=-0.5, counter=Words())
    assert values(await penalty.reward(GROUP, REFERENCE)) == [-0.5, 0.0, 0.0]


# --- sums ---


class Fixed(Reward):
    """Gives the numbers that it was made with, in the order of the rollouts."""

    def __init__(self, *given: float | None, name: str = "fixed") -> None:
        self.given, self._name = given, name

    @property
    def name(self) -> str:
        return self._name

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> list[float | None]:
        return list(self.given)


async def test_a_sum_weighs_its_parts_and_keeps_them() -> None:
    reward = 2 * Fixed(1.0, 0.5, 0.0, name="a") + Fixed(-1.0, 0.0, 0.0, name="b")
    scores = await reward.reward(GROUP, REFERENCE)
    assert values(scores) == [1.0, 1.0, 0.0]
    assert {name: part.value for name, part in scores[0].parts.items()} == {"a": 1.0, "b": -1.0}
    assert scores[0].reasons == ("a: 2 x 1", "b: 1 x -1")


async def test_a_sum_without_one_part_is_none_with_that_part_s_cause() -> None:
    reward = Fixed(1.0, None, 0.0) + Fixed(1.0, 1.0, 1.0)
    scores = await reward.reward(GROUP, REFERENCE)
    assert values(scores) == [2.0, None, 1.0]
    assert scores[1].failure is not None and scores[1].failure.kind == "NoEvidence"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sum(()),
        lambda: float("nan") * Fixed(),
        lambda: Sum((Fixed(), Fixed()), (1.0,)),
        lambda: LengthPenalty(over=0),
        lambda: LengthPenalty(penalty=1.0),
        lambda: Missing(at_least=0.0),
    ],
)
def test_wrong_settings_are_refused(make: Any) -> None:
    with pytest.raises(InvalidInputError):
        make()
