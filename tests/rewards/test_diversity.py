"""Diversity multiplies a reward by the share of others that say something else; a band filters."""

from __future__ import annotations

from collections import Counter
from math import log

import pytest

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.types import Failure, Group, Request
from catsdk.errors import InvalidInputError
from catsdk.rewards import ClusterShare, Diverse, EntropyBand, EquivalenceReward
from catsdk.rewards.diversity import _pairs
from catsdk.testing import FunctionProvider
from tests.estimators.groups import answers


class Ones(cat.Reward):
    """1 for every rollout."""

    needs_reference = False

    async def score(self, group: Group, reference: object, ctx: object) -> list[float]:
        return [1.0] * len(group.rollouts)


async def test_the_factor_is_the_share_of_others_with_another_answer_and_at_least_some() -> None:
    # Of 4 others: a's see 2 other answers, b sees 4, the one without an answer 4.
    scores = await Diverse(Ones()).reward(answers("aaab-"))
    assert [score.value for score in scores] == [0.5, 0.5, 0.5, 1.0, 1.0]
    scores = await Diverse(Ones()).reward(answers("aaa"))
    assert [score.value for score in scores] == [0.1] * 3
    scores = await Diverse(Ones(), least=0.0).reward(answers("aaa"))
    assert [score.value for score in scores] == [0.0] * 3
    assert [score.value for score in await Diverse(Ones()).reward(answers("a"))] == [1.0]


async def test_what_is_wrong_earns_nothing_however_different_it_is() -> None:
    reward = Diverse(cat.AnswerReward(estimator=cat.Majority()))
    scores = await reward.reward(answers("aabc"))
    assert [score.value for score in scores] == pytest.approx([2 / 3, 2 / 3, 0.0, 0.0])


def judge_of(same: set[frozenset[str]]) -> FunctionProvider:
    """Says yes of the pairs of letters in `same`."""

    def script(request: Request) -> str:
        text = request.messages[-1].text
        pair = frozenset(word for word in ("rain", "wet", "hose", "sun") if f"({word})" in text)
        return "yes" if pair in same else "no"

    return FunctionProvider(script)


async def test_texts_without_answers_are_compared_by_a_judge_once_a_pair() -> None:
    group = cat.group_of("Why?", [f"It is ({word})." for word in ("rain", "wet", "hose", "sun")])
    judge = judge_of({frozenset({"rain", "wet"}), frozenset({"wet", "hose"})})
    scores = await Diverse(Ones(), same=EquivalenceReward(judge)).reward(group)
    assert [score.value for score in scores] == pytest.approx([2 / 3, 1 / 3, 2 / 3, 1.0])
    assert len(judge.requests) == 6
    assert sum(score.usage.requests for score in scores) == 6


async def test_each_rollout_is_compared_with_a_bounded_number_of_others() -> None:
    judge = FunctionProvider(lambda _: "no")
    group = cat.group_of("Why?", [f"text {at}" for at in range(16)])
    await Diverse(Ones(), same=EquivalenceReward(judge), others=4).reward(group)
    assert len(judge.requests) == 16 * 4 / 2


@pytest.mark.parametrize("total", range(1, 12))
@pytest.mark.parametrize("others", range(2, 12))
def test_pairs_are_all_different_and_as_many_for_each_place(total: int, others: int) -> None:
    pairs = _pairs(total, others)
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert all(one != other for one, other in pairs)
    met = Counter(at for pair in pairs for at in pair)
    assert len({met[at] for at in range(total)}) == 1
    most = min(others, total - 1)
    assert max(met.values(), default=0) in {most, most - 1}
    assert total == 1 or met[0] > 0


async def test_a_pair_without_a_verdict_is_no_reward_for_both_with_its_cause() -> None:
    def script(request: Request) -> str:
        if "(rain)" in request.messages[-1].text and "(sun)" in request.messages[-1].text:
            raise RequestRefusedError("filtered")
        return "no"

    group = cat.group_of("Why?", ["(rain)", "(wet)", "(sun)"])
    reward = Diverse(Ones(), same=EquivalenceReward(FunctionProvider(script)))
    scores = await reward.reward(group)
    assert [score.value for score in scores] == [None, 1.0, None]
    kinds = [score.failure and score.failure.kind for score in scores]
    assert kinds == ["RequestRefusedError", None, "RequestRefusedError"]


class Mixed(cat.Reward):
    needs_reference = False

    async def score(self, group: Group, reference: object, ctx: object) -> list[float | None]:
        return [-1.0, None, 1.0]


async def test_a_negative_reward_and_none_have_no_product() -> None:
    scores = await Diverse(Mixed()).reward(answers("abc"))
    kinds = [score.failure and score.failure.kind for score in scores]
    assert ([s.value for s in scores], kinds) == (
        [None, None, 1.0],
        ["NegativeReward", "NoEvidence", None],
    )


async def test_rollouts_that_failed_are_no_others() -> None:
    group = answers("ab").model_copy(
        update={"failures": {2: Failure(kind="ServerError", message="down")}}
    )
    scores = await Diverse(Ones()).reward(group)
    assert [score.value for score in scores] == [1.0, 1.0, None]


@pytest.mark.parametrize(
    ("letters", "above", "below", "kept"),
    [
        # H of 2+1+1 is 0.5 ln 2 + 0.5 ln 4 = 1.0397, of 3+1 it is 0.5623, of 4 it is 0.
        ("aabc", 0.0, None, True),
        ("aaaa", 0.0, None, False),
        ("abcd", 0.0, None, False),
        ("ab--", 0.0, None, False),
        ("aa--", 0.0, None, True),
        ("aabc", 1.03, 1.05, True),
        ("aabc", 1.04, 1.05, False),
        ("aabc", 0.5, 1.0, False),
        ("aaab", 0.5, 1.0, True),
        ("----", 0.0, None, False),
    ],
)
async def test_only_groups_in_the_band_of_entropy_are_rewarded(
    letters: str, above: float, below: float | None, kept: bool
) -> None:
    group = answers(letters)
    scores = await EntropyBand(ClusterShare(), above, below).reward(group)
    if kept:
        plain = await ClusterShare().reward(group)
        assert [score.value for score in scores] == [score.value for score in plain]
    else:
        assert {score.value for score in scores} == {None}
        assert {score.failure and score.failure.kind for score in scores} == {"LeftOut"}


async def test_a_rollout_without_an_answer_is_a_class_of_its_own_in_the_entropy() -> None:
    # Two of a, one of b, and two that agree with nobody: 0.4 ln 2.5 + 3 (0.2 ln 5).
    (first, *_) = await EntropyBand(ClusterShare(), below=0.1).reward(answers("aab--"))
    assert str(first.failure).endswith("is 1.332 nats, not under 0.1")


async def test_the_reason_tells_the_entropy_and_the_bound() -> None:
    (first, *_) = await EntropyBand(ClusterShare(), below=log(3)).reward(answers("abc"))
    assert str(first.failure).endswith("1.099 nats, not under 1.1")


async def test_a_group_out_of_the_band_costs_nothing() -> None:
    judge = FunctionProvider(lambda _: "yes")
    inner = EquivalenceReward(judge)
    reward = EntropyBand(Diverse(Ones(), same=inner))
    assert [s.value for s in await reward.reward(answers("aa"))] == [None, None]
    assert judge.requests == []


def test_settings_that_make_no_sense_are_refused_by_their_value() -> None:
    with pytest.raises(InvalidInputError, match="above is 2 and below 1"):
        EntropyBand(ClusterShare(), 2, 1)
    with pytest.raises(InvalidInputError, match="above is nan"):
        EntropyBand(ClusterShare(), float("nan"))
    with pytest.raises(InvalidInputError, match="others is 1"):
        Diverse(ClusterShare(), others=1)
    with pytest.raises(InvalidInputError, match="least is 2"):
        Diverse(ClusterShare(), least=2)
    with pytest.raises(InvalidInputError, match="same is 'openai:a'"):
        Diverse(ClusterShare(), same="openai:a")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="inner is 3"):
        EntropyBand(3)  # type: ignore[arg-type]


def test_wrappers_need_what_they_wrap_needs() -> None:
    assert EntropyBand(cat.AnswerReward()).needs_reference
    assert not Diverse(ClusterShare()).needs_reference
    assert Diverse(Ones()).by_answer
    assert not Diverse(Ones(), same=EquivalenceReward()).by_answer
