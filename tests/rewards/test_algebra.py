"""Rewards add up, missing evidence stays missing, and a group left out is not a failed one."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.types import Completion, Failure, Score, Usage
from catsdk.rewards import ClusterShare, Random, SkipAgreed, SkipFlat, Sum, TruncationPenalty
from catsdk.rewards.penalties import response_tokens
from catsdk.rewards.reward import LEFT_OUT
from catsdk.scored import Scored
from catsdk.testing import FunctionProvider
from tests.method.scripted import anchor, judge, policy

GROUP = cat.group_of("q", ["so \\boxed{4}", "so \\boxed{4}", "so \\boxed{5}", "none"])


class Given(cat.Reward):
    """Gives the numbers that it was made with."""

    needs_reference = False

    def __init__(self, *values: float | None) -> None:
        self.values = values

    async def score(self, group: Any, reference: Any, ctx: Any) -> list[float | None]:
        return list(self.values)


A, B, C = Given(1.0, 0.0, 0.5, 1.0), Given(1.0, 1.0, 0.0, 0.0), Given(0.0, 0.25, 0.0, None)


async def values(reward: cat.Reward, group: cat.Group = GROUP) -> list[float | None]:
    return [score.value for score in await reward.reward(group)]


@pytest.mark.behaviour("none-stays-none-in-sums")
@pytest.mark.parametrize(
    ("reward", "wanted"),
    [
        (0.5 * A + B - C, [1.5, 0.75, 0.25, None]),
        (A * 2, [2.0, 0.0, 1.0, 2.0]),
        (-A, [-1.0, 0.0, -0.5, -1.0]),
        (2 * (A + 0.5 * B) - 3 * (A - B), [3.0, 4.0, -0.5, -1.0]),
        (A - (B - C), [0.0, -0.75, 0.5, None]),
        (sum([A, B]), [2.0, 1.0, 0.5, 1.0]),
        (0 * C + A, [1.0, 0.0, 0.5, None]),
    ],
    ids=["weights", "right", "minus", "nested", "minus a difference", "sum()", "weight 0"],
)
async def test_the_algebra_is_that_of_numbers_and_none_stays_none(
    reward: cat.Reward, wanted: list[float | None]
) -> None:
    assert await values(reward) == wanted


async def test_a_nested_sum_is_one_sum_whose_parts_have_names_of_their_own() -> None:
    reward = 2 * (A + 0.5 * B) - A
    assert isinstance(reward, Sum)
    assert reward.weights == (2.0, 1.0, -1.0)
    assert reward.names == ("given", "given#2", "given#3")
    assert list((await reward.reward(GROUP))[0].parts) == ["given", "given#2", "given#3"]


@pytest.mark.parametrize("wrong", [0.5, 1, True, math.nan, "a", None, object(), [1.0]])
@pytest.mark.parametrize("reward", [A, A + B], ids=["one", "sum"])
def test_only_rewards_add_up(reward: Any, wrong: Any) -> None:
    ways: tuple[Callable[[], Any], ...] = (
        lambda: reward + wrong,
        lambda: wrong + reward,
        lambda: reward - wrong,
        lambda: wrong - reward,
    )
    for added in ways:
        with pytest.raises(InvalidInputError, match=r"a reward, only a reward can; ") as refused:
            added()
        assert str(refused.value).startswith(repr(wrong))
        assert ("0.5 * reward" in str(refused.value)) == isinstance(wrong, int | float)


@pytest.mark.parametrize(
    "wrong", ["2", None, True, math.nan, math.inf, -math.inf, 10**400, [2.0], 1j, B]
)
@pytest.mark.parametrize("reward", [A, A + B], ids=["one", "sum"])
def test_only_finite_numbers_weigh(reward: Any, wrong: Any) -> None:
    fix = "add rewards up" if wrong is B else "give a finite number, such as 0.5"
    for weighed in (lambda: reward * wrong, lambda: wrong * reward, lambda: Sum((A,), (wrong,))):
        with pytest.raises(InvalidInputError, match=rf"the weight of a reward is .*; {fix}"):
            weighed()


def test_any_kind_of_real_number_weighs() -> None:
    numpy = pytest.importorskip("numpy")
    halves: tuple[Any, ...] = 0.5, Fraction(1, 2), numpy.float32(0.5), numpy.float64(0.5)
    for half in halves:
        assert repr(half * A) == repr(A * half) == repr(0.5 * A)
    assert repr(numpy.int64(2) * A) == repr(2 * A)


def test_weights_that_overflow_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"the weight of a reward is inf"):
        _ = 1e308 * (10 * A)


def test_a_sum_reads_as_it_is_written() -> None:
    reward = cat.RubricReward() + 0.1 * cat.LengthPenalty(500)
    assert repr(reward) == "RubricReward() + 0.1 * LengthPenalty(over=500)"


async def test_a_filter_leaves_groups_out_without_calling_them_failed() -> None:
    agreed = cat.group_of("q", ["so \\boxed{4}"] * 4)
    for reward in (SkipAgreed(ClusterShare()), SkipFlat(ClusterShare())):
        scores = await reward.reward(agreed)
        assert {score.failure.kind for score in scores if score.failure} == {LEFT_OUT}
        assert await values(reward) == await values(ClusterShare())
    both = await (SkipAgreed(A) + B).reward(agreed)
    assert {(score.value, score.failure and score.failure.kind) for score in both} == {
        (None, LEFT_OUT)
    }
    # What a filter found flat was paid for: it is still there to be looked at.
    flat = await SkipFlat(ClusterShare() + ClusterShare()).reward(agreed)
    assert all(score.parts for score in flat)


async def test_a_filter_in_front_spends_nothing_on_a_group_that_is_left_out() -> None:
    says = judge()
    reward = SkipAgreed(cat.RubricReward(judge=says))
    result = await cat.CaT(policy("4444"), estimator=anchor(), reward=reward).run("q", 4)
    assert (result.rewards, says.requests, result.rubrics) == ((None,) * 4, [], ())
    assert not result.partial and result.failure is None


@pytest.mark.parametrize(
    "reward",
    [
        cat.Gold(),
        Random(),
        ClusterShare(),
        cat.LengthPenalty(),
        TruncationPenalty(),
        cat.AnswerReward(estimator=cat.Majority()),
        SkipAgreed(cat.Gold()),
        SkipFlat(Random()),
        cat.Gold() + 0.1 * cat.LengthPenalty() - Random(),
    ],
    ids=repr,
)
async def test_a_reward_that_needs_no_reference_calls_no_anchor(reward: cat.Reward) -> None:
    model = policy()
    result = await cat.CaT(model, reward=reward).run("q", 4, row={"answer": "4"})
    assert (reward.needs_reference, result.reference) == (False, None)
    assert len(model.requests) == result.usage.requests == 1
    assert len(result.scores) == 4


@pytest.mark.parametrize(
    "reward",
    [cat.AnswerReward(), cat.Gold() + cat.AnswerReward(), SkipAgreed(cat.RubricReward())],
    ids=repr,
)
async def test_one_part_that_needs_a_reference_is_enough(reward: cat.Reward) -> None:
    assert reward.needs_reference
    with pytest.raises(InvalidInputError, match="needs a reference; give one"):
        await reward.reward(GROUP)


def test_prompts_ask_for_an_answer_where_one_part_of_a_sum_goes_by_answers() -> None:
    assert (TruncationPenalty() + 0.5 * cat.AnswerReward()).by_answer
    assert SkipFlat(cat.AnswerReward() + TruncationPenalty()).by_answer
    assert not (TruncationPenalty() + cat.LengthPenalty()).by_answer


async def test_an_estimator_that_was_named_is_asked_though_no_reward_needs_it() -> None:
    teacher = anchor()
    result = await cat.CaT(policy(), estimator=teacher, reward=cat.Gold()).run(
        "q", 4, row={"answer": "4"}
    )
    assert (result.answer, result.rewards) == ("4", (1.0, 1.0, 0.0, 1.0))


async def test_two_references_stand_in_one_sum() -> None:
    reward = cat.AnswerReward() + 10 * cat.AnswerReward(estimator=cat.Majority())
    result = await cat.CaT(policy("4454"), estimator=anchor("5"), reward=reward).run("q", 4)
    assert result.answer == "5"
    assert result.rewards == (10.0, 10.0, 1.0, 10.0)
    assert list(result.scores[0].parts) == ["answer", "answer#2"]


async def test_the_calls_of_a_reference_of_a_reward_s_own_are_counted() -> None:
    reward = cat.AnswerReward(estimator=cat.Synthesizer(anchor("5")))
    result = await cat.CaT(policy("4454"), reward=reward).run("q", 4)
    assert (result.reference, result.rewards) == (None, (0.0, 0.0, 1.0, 0.0))
    assert [call.model for call in result.calls] == ["anchor"]


async def test_a_model_that_cannot_be_opened_is_raised_and_not_rewarded() -> None:
    reward = cat.AnswerReward() + cat.RubricReward(judge="nowhere:x")
    with pytest.raises(ConfigurationError, match="nowhere"):
        await cat.CaT(policy(), estimator=anchor(), reward=reward).run("q", 4)


@pytest.mark.parametrize("requests", [2, 3, 4])
async def test_a_budget_that_ends_while_rewarding_keeps_the_rest_and_says_so(
    requests: int,
) -> None:
    client = cat.Client(budget=cat.Budget(requests=requests))
    reward = cat.Gold() + cat.RubricReward(judge=judge())
    c = cat.CaT(policy(), estimator=anchor(), reward=reward, client=client)
    result = await c.run("q", 4, row={"answer": "4"})
    assert result.partial and result.failure is None and result.group is not None
    assert (len(result.group.rollouts), result.answer) == (4, "4")
    assert result.rewards == (None,) * 4
    kinds = {s.failure.kind for s in result.scores if s.failure is not None}
    assert kinds == {"BudgetExceededError"}
    assert [score.parts["gold"].value for score in result.scores] == [1.0, 1.0, 0.0, 1.0]
    assert client.account is not None and client.account.requests == result.usage.requests


# --- the length of a response ---


def lengths(*usages: Usage) -> cat.Group:
    rollouts = tuple(
        cat.Rollout(index=at, completion=Completion(text="a b", usage=usage))
        for at, usage in enumerate(usages)
    )
    return cat.Group(prompt=(cat.Message(role="user", content="q"),), rollouts=rollouts)


class Words:
    def count_tokens(self, text: str) -> int:
        return len(text.split())


def test_the_length_is_all_that_the_policy_wrote() -> None:
    told = lengths(Usage(output_tokens=9, reasoning_tokens=7), Usage(output_tokens=2))
    assert response_tokens(told) == [9, 2]
    thought = Completion(text="b c", reasoning="a ", usage=Usage(output_tokens=9))
    group = cat.Group(prompt=told.prompt, rollouts=(cat.Rollout(index=0, completion=thought),))
    assert response_tokens(group, Words()) == [3]


@pytest.mark.parametrize(
    "usages",
    [
        (Usage(output_tokens=40), Usage()),
        (Usage(), Usage()),
        (Usage(output_tokens=9, unreported=1), Usage(output_tokens=9, unreported=1)),
    ],
    ids=["the sum is with the first", "nothing", "unreported"],
)
async def test_a_length_that_is_unknown_is_no_length(usages: tuple[Usage, ...]) -> None:
    group = lengths(*usages)
    assert response_tokens(group) == [None, None]
    scores = await cat.LengthPenalty(1).reward(group)
    assert {(s.value, s.failure and s.failure.kind) for s in scores} == {(None, "UnknownLength")}
    assert await values(cat.LengthPenalty(1, counter=Words()), group) == [-1.0, -1.0]


def test_an_empty_response_has_no_tokens_and_its_group_has_lengths() -> None:
    full = Completion(text="a b", usage=Usage(output_tokens=2))
    rollouts = (
        cat.Rollout(index=0, completion=full),
        cat.Rollout(index=1, completion=Completion(text="", usage=Usage())),
    )
    group = cat.Group(prompt=(cat.Message(role="user", content="q"),), rollouts=rollouts)
    assert response_tokens(group) == [2, 0]


async def test_the_length_that_a_service_reports_is_the_one_that_is_penalised() -> None:
    words = FunctionProvider(
        lambda request: ["one two three \\boxed{1}", "\\boxed{1}"][: request.n]
    )
    result = await cat.CaT(words, reward=cat.LengthPenalty(2)).run("q", 2)
    assert result.rewards == (-1.0, 0.0)


async def test_a_response_that_was_cut_is_penalised() -> None:
    cut = Completion(text="a", finish_reason="length")
    texts: list[str | Completion] = [cut, "b"]
    model = FunctionProvider(lambda request: texts[: request.n])
    assert (await cat.CaT(model, reward=TruncationPenalty(-0.5)).run("q", 2)).rewards == (-0.5, 0.0)


class Named(Given):
    """Is called as it is told."""

    def __init__(self, name: str) -> None:
        super().__init__(1.0, 1.0, 1.0, 1.0)
        self.called = name

    @property
    def name(self) -> str:
        return self.called


@pytest.mark.parametrize(
    "names", [("a#2", "a", "a"), ("a", "a", "a#2"), ("x#y", "x#y", "x#y"), ("", "", "#2")]
)
async def test_parts_with_any_names_are_all_counted_and_told_apart(names: tuple[str, ...]) -> None:
    scores = await Sum(tuple(map(Named, names))).reward(GROUP)
    assert [score.value for score in scores] == [3.0] * 4
    assert all(len(score.parts) == 3 for score in scores)


@pytest.mark.parametrize(
    "given",
    [{0.0, 0.25, 0.5, 1.0}, b"abcd", dict.fromkeys(range(4), 1.0)],
    ids=["a set", "bytes", "a mapping"],
)
async def test_what_has_no_order_of_rollouts_is_no_list_of_rewards(given: Any) -> None:
    class Own(Given):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            return given

    with pytest.raises(InvalidInputError, match="give a list with one score or number"):
        await Own().reward(GROUP)


@pytest.mark.parametrize("shape", [None, (2,), (2, 2)])
async def test_a_value_that_is_not_one_finite_number_is_named(
    shape: tuple[int, ...] | None,
) -> None:
    # numpy comes with an extra only.
    value = 10**400 if shape is None else pytest.importorskip("numpy").ones(shape)
    with pytest.raises(InvalidInputError, match="the reward of rollout 1 is"):
        await Given(1.0, value, 1.0, 1.0).reward(GROUP)


@pytest.mark.parametrize("also_numbers", [False, True])
async def test_two_scores_for_one_rollout_are_refused_instead_of_the_first_being_lost(
    also_numbers: bool,
) -> None:
    class Twice(Given):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            first = group.rollouts[0]
            rest = [0.5, 0.5] if also_numbers else [ctx.score(r, 0.5) for r in group.rollouts[2:]]
            return [ctx.score(first, 1.0), ctx.score(first, 0.0), *rest]

    with pytest.raises(InvalidInputError, match="indices \\[0, 0, 2, 3\\]"):
        await Twice().reward(GROUP)


@pytest.mark.parametrize("wrong", [cat.Majority(), "Gold", cat.AnswerReward, None])
def test_what_is_not_a_reward_is_refused_where_it_is_added_or_wrapped(wrong: Any) -> None:
    for composed in (lambda: Sum((A, wrong)), lambda: SkipFlat(wrong), lambda: SkipAgreed(wrong)):
        with pytest.raises(InvalidInputError, match="give a reward such as"):
            composed()


@pytest.mark.parametrize("penalty", [float("-inf"), float("nan"), 1.0])
def test_a_penalty_that_no_sum_could_hold_is_refused_before_anything_is_paid(
    penalty: float,
) -> None:
    for kind in (cat.LengthPenalty, TruncationPenalty):
        with pytest.raises(InvalidInputError, match="penalty"):
            kind(penalty=penalty)


async def test_a_rollout_that_failed_in_a_flat_group_keeps_its_own_cause() -> None:
    class Half(Given):
        async def score(self, group: Any, reference: Any, ctx: Any) -> Any:
            lost = Failure(kind="BudgetExceededError", message="the budget is reached")
            failed = Score(index=0, value=None, failure=lost)
            return [failed, *(ctx.score(rollout, 1.0) for rollout in group.rollouts[1:])]

    result = await cat.CaT(policy("4444"), reward=SkipFlat(Half())).run("q", 4)
    kinds = [score.failure.kind for score in result.scores if score.failure]
    assert kinds == ["BudgetExceededError", *[LEFT_OUT] * 3]
    assert result.partial
    assert result.group is not None
    assert Scored(result.group, result).left_out
