"""Selectors choose what a count by hand chooses, and tell their ties, abstentions and gaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError, NoEvidenceError, UnsupportedError
from catsdk.estimators import (
    Adaptive,
    BestOfN,
    Cascade,
    GenerativeSelfAggregation,
    Likelihood,
    Majority,
    MinPerplexity,
    MixtureOfAgents,
    MutualPredictability,
    RandomChoice,
    RecursiveSelfAggregation,
    SelfBestOfN,
    Shuffled,
    Synthesizer,
    UniversalSelfConsistency,
    WeightedMajority,
)
from tests.estimators.groups import Fixed, answers, with_logprobs


async def test_the_majority_counts_equal_answers_as_one() -> None:
    group = cat.group_of("q", ["\\boxed{3}", "\\boxed{0.5}", "-", "\\boxed{0.50}", "\\boxed{1/2}"])
    reference = await Majority().estimate(group)
    assert (reference.answer, reference.provenance.settings["selected"]) == ("0.5", 1)
    assert reference.provenance.settings["votes"] == [["0.5", 3], ["3", 1]]
    assert reference.provenance.settings["abstained"] == 1
    assert reference.agreement == pytest.approx(3 / 4)
    assert reference.calls == ()


async def test_a_tie_is_told_and_goes_to_one_of_its_answers() -> None:
    for seed in range(20):
        reference = await Majority(seed=seed).estimate(answers("cabba"))
        assert reference.answer in {"a", "b"}
        assert reference.provenance.settings["tied"] is True
        assert reference.majority is None
    assert (await Majority(tie="first").estimate(answers("cabba"))).answer == "a"


TIED: list[tuple[Callable[[int], Any], str]] = [
    (lambda seed: Majority(seed=seed), "abba"),
    (lambda seed: WeightedMajority(Fixed(2.0, 1.0, 1.0), seed=seed), "abb"),
    (lambda seed: BestOfN(Fixed(3.0, 3.0, 1.0), seed=seed), "abc"),
]


@pytest.mark.parametrize(("made", "letters"), TIED)
async def test_a_tie_is_settled_by_a_fair_lot(made: Callable[[int], Any], letters: str) -> None:
    group = answers(letters)
    chosen = [(await made(seed).estimate(group)).answer for seed in range(400)]
    # Fair to five standard deviations of the count, which is sqrt(400) / 2 = 10.
    assert set(chosen) == {"a", "b"} and 150 <= chosen.count("a") <= 250


@pytest.mark.parametrize(("made", "letters"), TIED)
async def test_the_lot_is_the_same_in_every_run_and_in_any_order_of_the_rollouts(
    made: Callable[[int], Any], letters: str
) -> None:
    group = answers(letters)
    turned = group.model_copy(update={"rollouts": group.rollouts[::-1]})
    for seed in range(20):
        first = await made(seed).estimate(group)
        assert (await made(seed).estimate(group)) == first
        assert (await made(seed).estimate(turned)).answer == first.answer


async def test_prompts_do_not_share_the_luck_of_their_ties() -> None:
    groups = [cat.group_of(f"q{n}", ["\\boxed{a}", "\\boxed{b}"]) for n in range(400)]
    chosen = [(await Majority().estimate(group)).answer for group in groups]
    # As good as one rollout: the first is right where "a" is, and so is about half of these.
    assert 150 <= chosen.count("a") <= 250
    picked = [(await RandomChoice().estimate(group)).answer for group in groups]
    assert 150 <= sum(a == b for a, b in zip(chosen, picked, strict=True)) <= 250


async def test_a_tie_can_abstain() -> None:
    reference = await Majority(tie="abstain").estimate(answers("abba"))
    assert (reference.answer, reference.text) == (None, "")


async def test_a_group_without_answers_has_a_reference_without_one() -> None:
    reference = await Majority().estimate(answers("--"))
    assert (reference.answer, reference.text, reference.agreement) == (None, "no idea", None)
    assert reference.provenance.settings["abstained"] == 2


async def test_weights_decide_against_the_count() -> None:
    reference = await WeightedMajority(Fixed(1.0, 1.5, 3.0)).estimate(answers("aab"))
    assert reference.answer == "b"
    assert reference.provenance.settings["votes"] == [["a", 2.5], ["b", 3.0]]


async def test_the_best_rated_rollout_of_the_winning_answer_is_taken() -> None:
    reference = await WeightedMajority(Fixed(1.0, 1.5, 2.0)).estimate(answers("aab"))
    assert (reference.answer, reference.provenance.settings["selected"]) == ("a", 1)


async def test_a_rollout_without_a_score_has_no_vote() -> None:
    reference = await WeightedMajority(Fixed(None, None, 0.1)).estimate(answers("aab"))
    assert reference.answer == "b"
    assert reference.provenance.settings["unrated"] == [0, 1]
    with pytest.raises(NoEvidenceError):
        await WeightedMajority(Fixed(None, None, None)).estimate(answers("aab"))


async def test_negative_scores_need_exponentials() -> None:
    rater = Fixed(-1.0, -1.0, math.log(0.5))
    with pytest.raises(InvalidInputError, match="exp"):
        await WeightedMajority(rater).estimate(answers("aab"))
    # 2 exp(-1) = 0.736 against 0.5.
    reference = await WeightedMajority(rater, weight="exp").estimate(answers("aab"))
    assert reference.answer == "a"


async def test_log_probabilities_weigh_votes_by_the_mean_over_tokens() -> None:
    # exp(-2), exp(-3) and exp(-0.5): the one b outweighs both a, 0.607 against 0.135 + 0.050.
    group = with_logprobs("aab", [[-1.0, -3.0], [-3.0], [-0.25, -0.75]])
    weighted = WeightedMajority(Likelihood(), weight="exp")
    assert (await weighted.estimate(group)).answer == "b"
    assert (await Majority().estimate(group)).answer == "a"


async def test_the_least_perplexity_is_that_of_the_mean_not_of_the_sum() -> None:
    # Means -1.5, -1.0 and none; by the sum, -3 against -4, the first would be taken.
    group = with_logprobs("abc", [[-2.0, -1.0], [-1.0] * 4, None])
    reference = await MinPerplexity().estimate(group)
    assert reference.answer == "b"
    told = reference.provenance.settings
    assert told["perplexities"] == pytest.approx({"0": math.exp(1.5), "1": math.exp(1.0)})
    assert told["unrated"] == [2]


async def test_without_log_probabilities_they_say_so() -> None:
    with pytest.raises(UnsupportedError, match="logprobs=True"):
        await MinPerplexity().estimate(answers("ab"))
    with pytest.raises(NoEvidenceError, match="logprobs=True"):
        await WeightedMajority(Likelihood(), weight="exp").estimate(answers("ab"))


async def test_the_best_score_is_taken_and_no_score_is_no_zero() -> None:
    reference = await BestOfN(Fixed(1.0, None, 2.5, 2.0)).estimate(answers("abcd"))
    assert reference.answer == "c"
    assert reference.provenance.settings["scores"] == {"0": 1.0, "2": 2.5, "3": 2.0}
    assert reference.provenance.settings["tied"] is False
    with pytest.raises(NoEvidenceError):
        await BestOfN(Fixed(None)).estimate(answers("a"))


async def test_a_random_choice_repeats_under_its_seed_and_differs_between_prompts() -> None:
    group = answers("abcdefgh")
    chosen = [(await RandomChoice(seed).estimate(group)).answer for seed in [1, 1, *range(40)]]
    assert chosen[0] == chosen[1]
    assert set(chosen) == set("abcdefgh")


@pytest.mark.parametrize(
    "estimator",
    [
        Adaptive(Majority()),
        BestOfN(Fixed()),
        Cascade(Majority(), Synthesizer()),
        GenerativeSelfAggregation(),
        Majority(),
        MinPerplexity(),
        MixtureOfAgents([[Majority()]], Majority()),
        MutualPredictability(),
        RandomChoice(),
        RecursiveSelfAggregation(Majority(), Majority()),
        SelfBestOfN(),
        Shuffled(Majority()),
        UniversalSelfConsistency(),
        WeightedMajority(Fixed()),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_an_empty_group_has_no_evidence(estimator: Any) -> None:
    with pytest.raises(NoEvidenceError):
        await estimator.estimate(answers(""))
