"""Each example runs as a stranger would run it."""

import pytest

from tests.examples.running import run

pytestmark = [pytest.mark.needs_torch]


def test_the_application_prints_an_answer_with_its_evidence() -> None:
    out = run("application.py")
    assert "\\boxed{" in out
    assert "agreement of the rollouts" in out
    assert "2 requests" in out


def test_a_judge_behind_http_rewards_the_rollouts_of_a_local_policy() -> None:
    out = run("hosted_judge.py")
    assert "r1: shows c7=" in out
    assert out.count("reward ") == 4
    assert "criteria" in out


def test_responses_from_elsewhere_are_rewarded_without_labels() -> None:
    out = run("verifiable_reward.py")
    assert "rollout 0: reward 1.0" in out
    assert "rollout 2: reward 0.0" in out


def test_four_providers_work_as_one() -> None:
    out = run("four_providers.py")
    assert "reference: 46" in out
    assert out.count("reward 0.2") == 4
    for call in ("sample: openai:loopback", "synthesize: anchor", "judge: anthropic:loopback"):
        assert call in out
