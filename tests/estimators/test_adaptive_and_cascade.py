"""Adaptive sampling stops by the Beta criterion; a cascade pays the anchor where it must."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import CatError, InvalidInputError, NoEvidenceError, RequestRefusedError
from catsdk.core.types import Request
from catsdk.estimators import (
    Adaptive,
    Cascade,
    Greedy,
    Majority,
    MixtureOfAgents,
    RecursiveSelfAggregation,
    Shuffled,
)
from catsdk.sampling.adaptive import AdaptiveSampler, leads
from catsdk.testing import FunctionProvider
from tests.estimators.groups import answers


def anchor(answer: str = "z") -> FunctionProvider:
    return FunctionProvider(lambda _: f"\\boxed{{{answer}}}", name="anchor")


def test_the_criterion_equals_its_integral() -> None:
    # P(p > 1/2) for p ~ Beta(v1 + 1, v2 + 1), integrated by hand-made Simpson sums.
    for first, second in [(3, 0), (4, 0), (4, 1), (5, 5), (7, 2)]:
        weight = math.factorial(first + second + 1) / (
            math.factorial(first) * math.factorial(second)
        )
        steps = 2000
        total = 0.0
        for at in range(steps + 1):
            p = 0.5 + 0.5 * at / steps
            factor = 1 if at in (0, steps) else 4 if at % 2 else 2
            total += factor * p**first * (1 - p) ** second
        assert leads(first, second) == pytest.approx(weight * total * 0.5 / steps / 3, abs=1e-9)


def test_the_criterion_has_the_values_worked_out_by_hand() -> None:
    assert leads(3, 0) == 15 / 16
    assert leads(4, 0) == 31 / 32
    assert leads(1, 1) == 0.5


async def test_four_equal_answers_are_enough_for_95_percent() -> None:
    reference = await Adaptive(Majority(), confidence=0.95).estimate(answers("aaaabbbb"))
    assert (reference.answer, len(reference.rollouts)) == ("a", 4)
    assert reference.provenance.settings["drawn"] == 4


async def test_with_certainty_alone_it_stops_when_the_leader_cannot_be_overtaken() -> None:
    reference = await Adaptive(Majority(), confidence=1.0).estimate(answers("abaaaabb"))
    # After a b a a a a the lead is 4 and 2 are left; one earlier it is 3 and 3 are left.
    assert len(reference.rollouts) == 6
    whole = await Adaptive(Majority(), confidence=1.0).estimate(answers("abababab"))
    assert len(whole.rollouts) == 8


async def test_a_confidence_that_would_stop_at_a_tie_is_refused() -> None:
    for confidence in (0.5, 1.1):
        with pytest.raises(InvalidInputError, match="confidence"):
            Adaptive(Majority(), confidence=confidence)


async def test_the_sampler_draws_no_more_than_the_estimator_would_use() -> None:
    letters = "abaaaabb"

    def script(request: Request) -> str:
        seed = request.seed or 0
        return f"\\boxed{{{letters[(seed - first) % 8]}}}"

    # One by one, so that each request has the seed of its rollout.
    policy = FunctionProvider(script, capabilities=cat.Capabilities(seed=True))
    first = 0
    probe = await cat.Sampler(policy, seed=7).sample("which?", 1)
    first = policy.requests[0].seed or 0
    assert probe.rollouts[0].index == 0
    for confidence in (0.8, 0.9, 0.95, 1.0):
        policy.requests.clear()
        group = await AdaptiveSampler(cat.Sampler(policy, seed=7), confidence).sample("which?", 8)
        whole = await cat.Sampler(policy, seed=7).sample("which?", 8)
        reference = await Adaptive(Majority(), confidence).estimate(whole)
        assert [r.text for r in group.rollouts] == [r.text for r in reference.rollouts]
        assert len(group.calls) == len(group.rollouts) == len(policy.requests) - 8


async def test_failed_draws_are_kept_and_do_not_count_as_votes() -> None:
    calls = iter(range(100))

    def script(_: Request) -> str:
        if next(calls) == 1:
            raise RequestRefusedError("filtered")
        return "\\boxed{a}"

    policy = FunctionProvider(script, capabilities=cat.Capabilities())
    group = await AdaptiveSampler(cat.Sampler(policy), 0.95).sample("which?", 8)
    assert [rollout.index for rollout in group.rollouts] == [0, 2, 3, 4]
    assert list(group.failures) == [1]


async def test_agreement_keeps_the_majority_and_no_call_is_made() -> None:
    model = anchor()
    reference = await Cascade(Majority(), cat.Synthesizer(model), 0.75).estimate(answers("aaab"))
    assert (reference.answer, model.requests, reference.calls) == ("a", [], ())
    assert reference.provenance.settings["cascade"] == "easy"


@pytest.mark.parametrize("letters", ["aabb", "abcd", "aabc", "--"])
async def test_disagreement_ties_and_silence_go_to_the_anchor(letters: str) -> None:
    model = anchor()
    reference = await Cascade(Majority(), cat.Synthesizer(model), 0.75).estimate(answers(letters))
    assert (reference.answer, len(model.requests), len(reference.calls)) == ("z", 1, 1)
    assert reference.provenance.settings["cascade"] == "hard"


async def test_a_cascade_over_adaptive_sampling_uses_few_rollouts_or_all() -> None:
    cascade = Cascade(Adaptive(Majority(), 0.95), cat.Synthesizer(anchor()), 0.75)
    easy = await cascade.estimate(answers("aaaaaaaa"))
    hard = await cascade.estimate(answers("abababab"))
    assert (len(easy.rollouts), len(hard.rollouts)) == (4, 8)
    with pytest.raises(InvalidInputError, match="threshold"):
        Cascade(Majority(), Majority(), 1.5)


async def test_shuffled_rollouts_keep_their_index_and_their_votes() -> None:
    group = answers("aabbb---")
    reference = await Shuffled(Majority(), seed=3).estimate(group)
    assert [r.index for r in reference.rollouts] != list(range(8))
    assert sorted(r.index for r in reference.rollouts) == list(range(8))
    assert reference.answer == "b"


async def test_greedy_answers_anew_and_counts_one_call() -> None:
    model = FunctionProvider(lambda _: "\\boxed{g}")
    sampler = cat.Sampler(model, cat.Sampling(temperature=0.0))
    reference = await Greedy(sampler).estimate(answers("ab"))
    assert (reference.answer, model.requests[0].temperature) == ("g", 0.0)
    assert reference.usage.requests == 1

    def fail(_: Request) -> str:
        raise RequestRefusedError("down")

    with pytest.raises(NoEvidenceError, match="down"):
        await Greedy(cat.Sampler(FunctionProvider(fail, capabilities=cat.Capabilities()))).estimate(
            answers("ab")
        )


class Gives:
    """An estimator that is wrong: it gives what it likes, or is not async."""

    def __init__(self, given: object, *, waits: bool = True) -> None:
        self.given, self.waits = given, waits

    def __repr__(self) -> str:
        return "Gives(...)"

    def estimate(self, group: cat.Group, ctx: cat.Context) -> Any:
        async def later() -> object:
            return self.given

        return later() if self.waits else self.given


INSIDE: dict[str, Callable[[Any], Any]] = {
    "alone": lambda wrong: wrong,
    "cascade, easy": lambda wrong: Cascade(wrong, Majority()),
    "cascade, hard": lambda wrong: Cascade(Majority(), wrong, threshold=1.0),
    "adaptive": Adaptive,
    "shuffled": Shuffled,
    "recursive": lambda wrong: RecursiveSelfAggregation(Majority(), wrong),
    "mixture": lambda wrong: MixtureOfAgents([[Majority(), Majority()]], wrong),
    "nested": lambda wrong: Adaptive(Shuffled(Cascade(wrong, Majority()))),
}


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("given", ["a text", None, 7, cat.group_of("q", ["a"])])
async def test_what_is_no_reference_is_named_with_its_estimator_inside_of_others(
    inside: str, given: object
) -> None:
    estimator = INSIDE[inside](Gives(given))
    with pytest.raises(CatError, match=r"Gives\(\.\.\.\) gave .*; give a Reference"):
        await cat.CaT(anchor(), estimator=estimator).run(answers("aab"))


@pytest.mark.parametrize("inside", INSIDE)
async def test_an_estimator_that_is_not_async_is_named_inside_of_others(inside: str) -> None:
    estimator = INSIDE[inside](Gives(None, waits=False))
    with pytest.raises(CatError, match=r"estimate of Gives\(\.\.\.\) is not async"):
        await cat.CaT(anchor(), estimator=estimator).run(answers("aab"))
