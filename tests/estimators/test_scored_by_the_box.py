"""Perplexity and mutual predictability from end to end, scored by the model in the box."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import catsdk as cat
from catsdk.core.errors import NoEvidenceError
from catsdk.core.sending import Budget
from catsdk.core.types import Group, Usage
from catsdk.estimators import Likelihood, MinPerplexity, MutualPredictability, WeightedMajority
from catsdk.prompts.prompt import load
from catsdk.runs.ledger import Ledger, paid
from catsdk.runs.store import RunStore
from catsdk.runtime.client import Client
from catsdk.runtime.context import Context, context_of
from catsdk.runtime.roles import Estimator

pytestmark = [pytest.mark.needs_torch]
pytest.importorskip("torch")

PROMPT = "4821673+3947851"
SCORERS = [MinPerplexity("local"), MutualPredictability("local")]


@pytest.fixture
async def group() -> Group:
    return await cat.Sampler("local", cat.Sampling(max_tokens=96), seed=5).sample(PROMPT, 4)


def provider() -> cat.Provider:
    from catsdk.providers import LocalProvider

    return LocalProvider()


async def means(group: Group, *, among_others: bool) -> dict[str, float]:
    """The mean log-probability of each rollout, asked of the bare provider one by one."""
    from catsdk.providers import LocalProvider

    bare = LocalProvider()
    found: dict[str, float] = {}
    for rollout in group.rollouts:
        others = [other.text for other in group.rollouts if other.index != rollout.index]
        words = load(bare.capabilities.prompts, "predict")
        before = words.messages(question=PROMPT, responses=others)
        scored = await bare.score(before if among_others else group.prompt, rollout.text)
        logprobs = [token.logprob for token in scored.logprobs or ()]
        found[str(rollout.index)] = sum(logprobs) / len(logprobs)
    return found


async def test_the_least_perplexity_is_that_of_the_scores_asked_for_one_by_one(
    group: Group,
) -> None:
    expected = await means(group, among_others=False)
    reference = await MinPerplexity("local").estimate(group)
    told = reference.provenance.settings
    perplexities = {index: math.exp(-mean) for index, mean in expected.items()}
    assert told["perplexities"] == pytest.approx(perplexities, rel=1e-4)
    assert str(told["selected"]) == max(expected, key=lambda index: expected[index])
    assert len(reference.calls) == 4
    assert {call.stage for call in reference.calls} == {"score"}


async def test_mutual_predictability_reads_the_other_rollouts_before_each(group: Group) -> None:
    expected = await means(group, among_others=True)
    reference = await MutualPredictability("local").estimate(group)
    told = reference.provenance.settings
    assert told["mean_logprobs"] == pytest.approx(expected, rel=1e-4)
    assert str(told["selected"]) == max(expected, key=lambda index: expected[index])
    assert len(reference.calls) == 4 and reference.usage.input_tokens > 4 * len(PROMPT)


async def test_sampled_and_scored_log_probabilities_are_the_same_measure() -> None:
    sampling = cat.Sampling(max_tokens=96, logprobs=True)
    group = await cat.Sampler("local", sampling, seed=5).sample(PROMPT, 2)
    own, scored = Likelihood(), Likelihood("local")
    for ours, theirs in zip(await own.rate(group), await scored.rate(group), strict=True):
        assert ours.value == pytest.approx(theirs.value, abs=0.05)


async def test_votes_can_be_weighed_by_a_model_that_did_not_write_them(group: Group) -> None:
    weighted = await WeightedMajority(Likelihood("local"), weight="exp").estimate(group)
    assert weighted.answer in {rollout.answer for rollout in group.rollouts}
    assert len(weighted.calls) == 4


@pytest.mark.parametrize("estimator", SCORERS, ids=lambda each: type(each).__name__)
async def test_scores_are_paid_from_the_budget_around_them(
    estimator: Estimator, group: Group
) -> None:
    client = Client(budget=Budget(requests=4, tokens=100_000))
    account = client.account
    assert account is not None
    async with context_of(client) as ctx:
        reference = await estimator.estimate(group, ctx)
        used = Usage.total(call.usage for call in reference.calls)
        assert (account.requests, account.tokens) == (4, used.tokens)
        with pytest.raises(NoEvidenceError, match="budget of 4 requests"):
            await estimator.estimate(group, ctx)
    assert account.requests == 4


def at(ctx: Context, ledger: Ledger) -> Context:
    """The context of one piece of work, whose answers are kept."""
    return replace(ctx, around=(ledger.at("item"),))


@pytest.mark.parametrize("kind", [MinPerplexity, MutualPredictability])
async def test_scores_are_kept_by_a_run_and_not_asked_for_twice(
    kind: type[MinPerplexity | MutualPredictability], group: Group, tmp_path: Path
) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store)
        async with context_of(Client()) as ctx:
            first = await kind(provider()).estimate(group, at(ctx, ledger))
            spent = await paid(store)
            again = await kind(provider()).estimate(group, at(ctx, ledger))
        assert await paid(store) == spent
    assert (spent.requests, again.text) == (4, first.text)
