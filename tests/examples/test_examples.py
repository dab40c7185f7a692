"""Each example runs as a stranger would run it."""

import pytest

from tests.examples.running import run

pytestmark = [pytest.mark.needs_torch]

SAYS = {
    "application.py": ["\\boxed{", "agreement of the rollouts", "2 requests"],
    "hosted_judge.py": ["r1: shows c7=", "criteria"],
    "verifiable_reward.py": ["rollout 0: reward 1.0", "rollout 2: reward 0.0"],
    "four_providers.py": ["reference: 46", "sample: openai:loopback", "synthesize: anchor",
                          "judge: anthropic:loopback"],
}  # fmt: skip
REWARDS = {"hosted_judge.py": "reward ", "four_providers.py": "reward 0.2"}


@pytest.mark.parametrize("name", SAYS)
def test_an_example_prints_what_it_promises(name: str) -> None:
    out = run(name)
    for words in SAYS[name]:
        assert words in out
    if name in REWARDS:
        assert out.count(REWARDS[name]) == 4, "each of the four rollouts has its reward"
