"""A service whose key is missing is found before anything is asked, whichever role names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import catsdk as cat
from catsdk.batch import Plan, run
from catsdk.core.errors import ConfigurationError, UnknownProviderError
from catsdk.estimators import Cascade
from catsdk.testing import FunctionProvider

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def policy() -> FunctionProvider:
    return FunctionProvider(lambda request: [r"\boxed{4}"] * request.n)


@pytest.mark.parametrize(
    "roles",
    [
        {"estimator": "openai:a"},
        {"estimator": Cascade(cat.Majority(), cat.Synthesizer("openai:a"))},
        {"reward": cat.RubricReward(judge="openai:a")},
        {"reward": cat.RubricReward(judge=cat.Panel("openai:a", "openai:b"))},
        {"reward": cat.AnswerReward() + cat.RubricReward(judge="openai:a")},
        {"reward": cat.RubricReward(proposer=cat.RubricProposer("openai:a"))},
    ],
)
async def test_a_missing_key_is_named_before_the_policy_is_asked(
    policy: FunctionProvider, roles: dict[str, object]
) -> None:
    c = cat.CaT(policy, **roles)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="openai:a needs a key: set OPENAI_API_KEY"):
        await c.run("2+2?", n=2)
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        async with c:
            pass
    assert not policy.requests


@pytest.mark.parametrize(
    "roles",
    [
        {"estimator": "opnai:a"},
        {"reward": cat.RubricReward(judge="opnai:a")},
        {"reward": cat.RubricReward(judge=cat.Panel("local", "opnai:a"))},
        {"reward": cat.RubricReward(proposer=cat.RubricProposer("opnai:a"))},
    ],
)
async def test_an_unknown_provider_is_named_before_the_policy_is_asked(
    policy: FunctionProvider, roles: dict[str, object]
) -> None:
    c = cat.CaT(policy, **roles)  # type: ignore[arg-type]
    told = "names the provider 'opnai', which is not known here. Did you mean 'openai:a'"
    with pytest.raises(UnknownProviderError, match=re.escape(told)):
        await c.run("2+2?", n=2)
    with pytest.raises(UnknownProviderError, match=re.escape(told)):
        async with c:
            pass
    assert not policy.requests


async def test_a_reference_alone_needs_the_estimators_models_and_no_judge(
    policy: FunctionProvider,
) -> None:
    judge = cat.RubricReward(judge="opnai:a")
    assert (await cat.CaT(policy, reward=judge).synthesize("2+2?", n=2)).answer == "4"
    asked = len(policy.requests)
    for anchor, told in (("opnai:a", "the provider 'opnai'"), ("openai:a", "set OPENAI_API_KEY")):
        with pytest.raises(ConfigurationError, match=told):
            await cat.CaT(policy, estimator=anchor).synthesize("2+2?", n=2)
    assert len(policy.requests) == asked


async def test_a_missing_key_is_named_before_a_policy_is_opened() -> None:
    # The policy cannot be opened either, which would be noticed if it were tried.
    c = cat.CaT("replay:/no/such/file", reward=cat.RubricReward(judge="openai:a"))
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        async with c:
            pass


async def test_a_default_counts_where_a_role_asks_for_it(
    policy: FunctionProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATSDK_JUDGE", "openai:a")
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        await cat.CaT(policy, reward=cat.RubricReward()).run("2+2?", n=2)
    assert not policy.requests
    # Nobody is asked to judge whether two answers are the same.
    result = await cat.CaT(policy, estimator=cat.Majority(), reward=cat.AnswerReward()).run("2+2?")
    assert set(result.rewards) == {1.0}


async def test_a_batch_stops_before_its_first_row_and_needs_no_judge_for_references(
    policy: FunctionProvider, tmp_path: Path
) -> None:
    judged = cat.CaT(policy, estimator=cat.Majority(), reward=cat.RubricReward(judge="openai:a"))
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        await run(["2+2?"], tmp_path / "rewards", Plan(judged, n=2, produces="rewards"))
    assert not policy.requests
    assert (await run(["2+2?"], tmp_path / "references", Plan(judged, n=2))).ok == 1
