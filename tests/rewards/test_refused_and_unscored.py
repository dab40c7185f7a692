"""What a reward cannot score is refused with what to give, or has no value and a cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Any, Literal

import pytest

import catsdk as cat
from catsdk.core.errors import ConfigurationError, InvalidInputError, ServerError
from catsdk.core.types import Failure, Group, Provenance, Reference, Rubric, Score
from catsdk.rewards import (
    Diverse,
    EquivalenceReward,
    GradedReward,
    NegativeEntropy,
    ReferenceProbability,
    SelfCertainty,
    SkipAgreed,
)
from catsdk.rewards.reward import LEFT_OUT
from catsdk.testing import FunctionProvider
from tests.rewards.test_scored_rewards import Reader
from tests.rubrics.scripted import contains_judge, group_of, reference_of, rubric_of

GROUP = group_of("four", "five")
NO_ROLE: Any = object()
NOT_ASKED = FunctionProvider(lambda _: "a model that nobody should have asked")


class Given(cat.Reward):
    """Gives what it was made with."""

    needs_reference = False

    def __init__(self, *given: Any) -> None:
        self.given = given

    async def score(self, group: Group, reference: Reference | None, ctx: Any) -> Sequence[Any]:
        return self.given


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: cat.AnswerReward(estimator=NO_ROLE), "an async method estimate"),
        (lambda: cat.AnswerReward(unknown=inf), "unknown is inf; give a finite number, or None"),
        (lambda: cat.AnswerReward(unknown=nan), "unknown is nan"),
        (lambda: SkipAgreed(Given(), above=1.01), "above is 1.01; give a share from 0 to 1"),
        (lambda: SkipAgreed(Given(), above=-0.01), "above is -0.01"),
        (lambda: cat.RubricReward(rubric=rubric_of()), "has no criteria; give at least one"),
        (lambda: cat.RubricReward(judge=NO_ROLE), "judge is <object .*; give a model string"),
        (lambda: GradedReward(rubric=rubric_of()), "has no criteria; give at least one"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_its_value(
    make: Callable[[], cat.Reward], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        make()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_both_ends_of_a_share_are_shares(share: float) -> None:
    assert SkipAgreed(Given(), above=share).above == share


def test_two_criteria_with_one_id_are_refused() -> None:
    criteria = rubric_of("a", "b").criteria
    twice = Rubric(
        criteria=(criteria[0], criteria[0].model_copy(update={"text": "c"})),
        provenance=Provenance(method="test"),
    )
    with pytest.raises(InvalidInputError, match=r"the ids \['c1', 'c1'\]; give each its own"):
        cat.RubricReward(rubric=twice)


@pytest.mark.parametrize("kind", [cat.RubricReward, GradedReward, EquivalenceReward])
async def test_a_reward_by_a_reference_says_that_it_needs_one(kind: type[cat.Reward]) -> None:
    reward = kind()
    with pytest.raises(InvalidInputError, match=f"{reward.name} needs a reference; give one"):
        await reward.reward(GROUP)


async def test_a_reference_without_an_answer_rewards_nobody_and_says_what_to_do() -> None:
    scores = await cat.AnswerReward().reward(GROUP, reference_of(GROUP, "It depends."))
    assert [score.value for score in scores] == [None, None]
    for score in scores:
        assert score.failure is not None and score.failure.kind == "NoReferenceAnswer"
        assert "boxed" in score.failure.message


async def test_an_estimator_that_abstains_leaves_the_group_out() -> None:
    reference = reference_of(GROUP).model_copy(
        update={"provenance": Provenance(method="vote", settings={"abstains": "all differ"})}
    )
    scores = await cat.AnswerReward().reward(GROUP, reference)
    assert [score.failure for score in scores] == [Failure(kind=LEFT_OUT, message="all differ")] * 2


@pytest.mark.parametrize(
    "reward",
    [
        EquivalenceReward(NOT_ASKED, max_response=9),
        GradedReward(NOT_ASKED, rubric=rubric_of("good"), max_response=9),
    ],
)
async def test_a_response_of_more_characters_than_allowed_is_not_sent(reward: cat.Reward) -> None:
    group = group_of("0123456789")
    (score,) = await reward.reward(group, reference_of(group, "short"))
    assert score.value is None
    assert score.failure is not None and score.failure.kind == "ResponseTooLong"
    assert score.calls == ()


async def test_a_response_of_just_as_many_characters_is_judged() -> None:
    judge = FunctionProvider(lambda _: "yes")
    group = group_of("012345678")
    reward = EquivalenceReward(judge, max_response=9)
    (score,) = await reward.reward(group, reference_of(group, "short"))
    assert score.value == 1.0
    (score,) = await reward.reward(group, reference_of(group, "a reference of many characters"))
    assert score.value is None


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_reply_that_cannot_be_read_is_asked_for_again_as_often_as_it_says(
    attempts: int,
) -> None:
    mumbling = FunctionProvider(lambda _: "I would rather not say.")
    group, reference = group_of("four"), reference_of(GROUP)
    for reward in (
        GradedReward(mumbling, rubric=rubric_of("good"), attempts=attempts),
        EquivalenceReward(mumbling, attempts=attempts),
    ):
        before = len(mumbling.requests)
        (score,) = await reward.reward(group, reference)
        assert len(mumbling.requests) - before == attempts
        assert score.value is None and score.usage.requests == attempts
        assert score.failure is not None and score.failure.kind == "StructuredOutputError"


def _not_set_up(_: object) -> str:
    raise ConfigurationError("no key; set KEY")


@pytest.mark.parametrize(
    "reward",
    [
        EquivalenceReward(FunctionProvider(_not_set_up)),
        GradedReward(FunctionProvider(_not_set_up), rubric=rubric_of("good")),
    ],
)
async def test_a_judge_that_is_not_set_up_is_raised_and_is_no_missing_score(
    reward: cat.Reward,
) -> None:
    with pytest.raises(ConfigurationError, match="set KEY"):
        await reward.reward(GROUP, reference_of(GROUP))


# --- scores of one's own ---


async def test_a_score_of_a_rollout_that_is_not_in_the_group_is_refused() -> None:
    stray = Given(Score(index=0, value=1.0), Score(index=2, value=1.0))
    with pytest.raises(InvalidInputError, match=r"for rollout 2; the group has \[0, 1\]"):
        await stray.reward(GROUP)


@pytest.mark.parametrize("value", [inf, -inf, nan])
@pytest.mark.parametrize("as_score", [False, True])
async def test_a_reward_that_is_not_finite_is_refused(value: float, as_score: bool) -> None:
    second = Score.model_construct(index=1, value=value) if as_score else value
    with pytest.raises(InvalidInputError, match="the reward of rollout 1 is -?(inf|nan)"):
        await Given(Score(index=0, value=1.0) if as_score else 1.0, second).reward(GROUP)


async def test_a_rollout_without_a_score_has_no_value_and_says_so() -> None:
    first, second = await Given(Score(index=0, value=1.0)).reward(GROUP)
    assert first.value == 1.0
    assert (second.index, second.value) == (1, None)
    assert second.failure is not None and second.failure.kind == "MissingScore"
    assert second.reasons == ("the reward gave no score for this rollout",)


async def test_numbers_are_one_for_each_rollout_and_may_stand_beside_scores_and_none() -> None:
    scores = await Given(None, Score(index=1, value=0.5)).reward(GROUP)
    assert [score.value for score in scores] == [None, 0.5]
    assert scores[0].failure is not None and scores[0].failure.kind == "NoEvidence"
    with pytest.raises(InvalidInputError, match="gave 1 numbers for 2 rollouts"):
        await Given(0.5).reward(GROUP)


@pytest.mark.parametrize("given", [1.0, None, (value for value in (1.0, 0.0))])
async def test_what_is_no_list_at_all_is_refused(given: Any) -> None:
    class Own(Given):
        async def score(self, group: Group, reference: Reference | None, ctx: Any) -> Any:
            return given

    with pytest.raises(InvalidInputError, match="give a list with one score or number"):
        await Own().reward(GROUP)


# --- rewards of pairs and of readings ---


@pytest.mark.parametrize("degree", [-0.01, 1.01])
async def test_sameness_outside_of_0_to_1_is_refused(degree: float) -> None:
    with pytest.raises(InvalidInputError, match=rf"same gave {degree:g} for a pair"):
        await Diverse(Given(1.0, 1.0), same=Given(degree)).reward(GROUP)


async def test_a_pair_without_a_verdict_gives_neither_of_its_rollouts_a_reward() -> None:
    scores = await Diverse(Given(1.0, 1.0), same=Given(None)).reward(GROUP)
    for score in scores:
        assert score.value is None
        assert score.failure is not None and score.failure.kind == "NoEvidence"


async def test_a_service_that_fails_is_the_reason_of_every_missing_score() -> None:
    class Down(Given):
        async def score(self, group: Group, reference: Reference | None, ctx: Any) -> Sequence[Any]:
            raise ServerError("down", status=500)

    failed = Failure(kind="TimedOutError", message="the rollout failed")
    group = GROUP.model_copy(update={"failures": {2: failed}})
    scores = await Down().reward(group)
    assert [score.index for score in scores] == [0, 1, 2]
    assert [score.failure and score.failure.kind for score in scores[:2]] == ["ServerError"] * 2
    assert scores[2].failure == failed
    assert all("down" in score.reasons[0] for score in scores[:2])


async def test_the_reference_follows_a_text_in_which_the_answer_is_written_otherwise() -> None:
    # The answer was read from "one half"; there is nothing to put the reference in place of.
    group = group_of("It is one half.")
    rollout = group.rollouts[0].model_copy(update={"answer": "1/2"})
    group = group.model_copy(update={"rollouts": (rollout,)})
    reader = Reader({"0.5": [0.1], "It is one half.\n\n0.5": [0.4]})
    reference = reference_of(group, "0.5").model_copy(update={"answer": "0.5"})
    (score,) = await ReferenceProbability(reader, of="answer").reward(group, reference)
    assert score.value == pytest.approx(0.3)


@pytest.mark.parametrize("reward", [NegativeEntropy, SelfCertainty])
async def test_a_reading_of_no_tokens_is_no_confidence(
    reward: type[NegativeEntropy | SelfCertainty],
) -> None:
    (score,) = await reward(Reader({"": []})).reward(group_of(""))
    assert score.value is None
    assert score.failure is not None and score.failure.kind == "UnsupportedError"


async def test_no_rollouts_are_no_scores_and_cost_nothing() -> None:
    reward = ReferenceProbability(Reader({}))
    empty = GROUP.model_copy(update={"rollouts": ()})
    assert await reward.reward(empty, reference_of(GROUP)) == ()


@pytest.mark.parametrize(
    ("of", "text", "told"),
    [
        ("text", "", "the reference has no text"),
        ("answer", "no", "the reference has no final answer"),
    ],
)
async def test_a_reference_without_what_is_read_is_named(
    of: Literal["text", "answer"], text: str, told: str
) -> None:
    reward = ReferenceProbability(Reader({}), of=of)
    for score in await reward.reward(GROUP, reference_of(GROUP, text)):
        assert score.value is None
        assert score.failure == Failure(kind="NoReferenceAnswer", message=told)


async def test_a_rubric_that_is_given_needs_no_reference() -> None:
    reward = cat.RubricReward(judge=contains_judge(), rubric=rubric_of("four"))
    assert not reward.needs_reference
    assert [score.value for score in await reward.reward(GROUP)] == [1.0, 0.0]
