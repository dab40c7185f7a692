"""Who plays a role that nobody named: the estimator's model, the environment, the first policy."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import ConfigurationError
from catsdk.core.types import Reference
from catsdk.estimators import (
    Adaptive,
    BestOfN,
    GenerativeSelfAggregation,
    Grading,
    Likelihood,
    MixtureOfAgents,
    RecursiveSelfAggregation,
    Shuffled,
)
from catsdk.rewards import EquivalenceReward, GradedReward
from catsdk.sampling import AdaptiveSampler
from catsdk.testing import FunctionProvider
from tests.method.scripted import anchor, judge, policy

MINE = "openai:mine"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CATSDK_MODEL", "CATSDK_ANCHOR", "CATSDK_JUDGE"):
        monkeypatch.delenv(name, raising=False)


def models(c: cat.CaT) -> tuple[Any, Any, Any]:
    return c.defaults.policy, c.defaults.anchor, c.defaults.judge


def test_without_names_the_first_policy_plays_every_role() -> None:
    assert models(cat.CaT("openai:a")) == ("openai:a",) * 3
    assert models(cat.CaT(["openai:a", "openai:b"])) == ("openai:a",) * 3
    assert models(cat.CaT(cat.Sampler(["openai:a", "openai:b"]))) == ("openai:a",) * 3
    assert models(cat.CaT(AdaptiveSampler(cat.Sampler("openai:a")))) == ("openai:a",) * 3


def test_the_environment_comes_before_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATSDK_ANCHOR", "openai:anchor")
    assert models(cat.CaT("openai:a")) == ("openai:a", "openai:anchor", "openai:anchor")
    monkeypatch.setenv("CATSDK_JUDGE", "openai:judge")
    assert models(cat.CaT("openai:a")) == ("openai:a", "openai:anchor", "openai:judge")
    monkeypatch.setenv("CATSDK_MODEL", "openai:env")
    assert models(cat.CaT()) == ("openai:env", "openai:anchor", "openai:judge")
    assert models(cat.CaT(cat.Sampler(seed=1))) == models(cat.CaT())
    assert models(cat.CaT(AdaptiveSampler())) == models(cat.CaT())


@pytest.mark.parametrize(
    "estimator",
    [
        MINE,
        cat.Synthesizer(MINE),
        GenerativeSelfAggregation(MINE),
        cat.Cascade(cat.Majority(), cat.Synthesizer(MINE)),
        cat.Cascade(Adaptive(cat.Majority()), Shuffled(cat.Synthesizer(MINE))),
        Adaptive(Shuffled(cat.Synthesizer(MINE))),
        MixtureOfAgents([[GenerativeSelfAggregation(MINE)]], cat.Synthesizer()),
        MixtureOfAgents([[cat.Majority()]], cat.Synthesizer(MINE)),
        RecursiveSelfAggregation(GenerativeSelfAggregation(), cat.Synthesizer(MINE)),
    ],
    ids=repr,
)
def test_the_estimator_s_model_is_the_anchor_however_deep_it_is(
    estimator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATSDK_ANCHOR", "openai:env")
    assert models(cat.CaT("openai:a", estimator=estimator)) == ("openai:a", MINE, MINE)
    monkeypatch.setenv("CATSDK_JUDGE", "openai:judge")
    assert cat.CaT("openai:a", estimator=estimator).defaults.judge == "openai:judge"


@pytest.mark.parametrize(
    "estimator",
    [
        cat.Majority(),
        cat.Synthesizer(),
        BestOfN(Likelihood(MINE)),
        cat.Cascade(BestOfN(Grading(MINE)), cat.Synthesizer()),
    ],
    ids=repr,
)
def test_a_model_that_only_rates_is_no_anchor(estimator: Any) -> None:
    assert models(cat.CaT("openai:a", estimator=estimator)) == ("openai:a",) * 3


def test_an_own_estimator_s_model_is_the_anchor() -> None:
    class Own:
        model = MINE

        async def estimate(self, group: cat.Group, ctx: cat.Context) -> Reference:
            return ctx.reference(group.rollouts[0])

    assert models(cat.CaT("openai:a", estimator=Own())) == ("openai:a", MINE, MINE)


@pytest.mark.parametrize(
    ("reward", "asked"),
    [
        (cat.RubricReward(), {"propose_rubric": "anchor", "judge": "anchor"}),
        (cat.RubricReward(judge=cat.Judge()), {"propose_rubric": "anchor", "judge": "anchor"}),
        (
            cat.RubricReward(judge=judge(name="hers")),
            {"propose_rubric": "anchor", "judge": "hers"},
        ),
        (
            cat.RubricReward(proposer=cat.RubricProposer(anchor(name="own")), judge=judge()),
            {"propose_rubric": "own", "judge": "judge"},
        ),
        (EquivalenceReward(), {"equivalence": "anchor"}),
        (EquivalenceReward(judge(name="hers")), {"equivalence": "hers"}),
        (GradedReward(judge(name="hers")), {"propose_rubric": "anchor", "grade": "hers"}),
    ],
    ids=repr,
)
async def test_each_call_of_a_reward_goes_to_the_model_of_its_role(
    reward: cat.Reward, asked: dict[str, str]
) -> None:
    result = await cat.CaT(policy(), estimator=anchor(), reward=reward).run("q", 2)
    assert {call.stage: call.model for call in result.calls} == asked


async def test_a_description_keeps_its_models_when_the_environment_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    c = cat.CaT("openai:a")
    monkeypatch.setenv("CATSDK_ANCHOR", "openai:later")
    assert models(c) == ("openai:a",) * 3


class Heavy(FunctionProvider):
    loads_here = True


async def test_a_run_that_would_load_weights_for_one_call_names_the_fix() -> None:
    pytest.importorskip("torch")
    c = cat.CaT("local:some/weights")
    for run in (c.run("q", 2), c.sample("q", 2), c.synthesize("q", 2)):
        with pytest.raises(ConfigurationError, match="local:some/weights.*async with CaT"):
            await run
    # What is loaded already is no cost of this call.
    assert (await cat.CaT(Heavy(lambda _: "\\boxed{4}")).run("q", 2)).answer == "4"


def test_the_providers_that_load_weights_say_so() -> None:
    pytest.importorskip("torch")
    from catsdk.providers import LocalProvider, VLLMEngineProvider

    assert VLLMEngineProvider.loads_here and LocalProvider("some/weights").loads_here
    assert not LocalProvider().loads_here and not LocalProvider.untrained(0).loads_here
