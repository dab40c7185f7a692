"""Two ranks split no group, and reward as one rank does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.trainers.two_ranks import on_two_ranks

pytestmark = pytest.mark.needs_torch

RANK = """
import json, sys
import torch.distributed as dist
import catsdk as cat
from catsdk.rewards import ClusterShare
from catsdk.train import reward as reward_of

dist.init_process_group("gloo")
rank, cases = dist.get_rank(), json.loads(sys.argv[1])
reward = reward_of(cat.CaT(reward=ClusterShare()), 4)

def rewards(counts):
    start, end = sum(counts[:rank]), sum(counts[: rank + 1])
    try:
        return reward(prompts[start:end], texts[start:end], log_metric=lambda *_: None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

prompts = [f"q{at // 4}" for at in range(12)]
texts = [f"\\\\boxed{{{answer}}}" for answer in "001012331112"]
print(json.dumps([rewards(counts) for counts in cases]))
reward.close()
dist.destroy_process_group()
"""
# By hand: the share of each group of four that gives the same answer.
ALONE = [0.75, 0.75, 0.25, 0.75, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 0.25]
WHOLE, SPLIT, TOO_FEW, ONE = [8, 4], [6, 6], [6, 5], [2, 2]


@pytest.fixture(scope="module")
def told() -> list[list[Any]]:
    """What two ranks' reward functions say to the rows as they are dealt out in each case."""
    ranks = on_two_ranks(RANK, json.dumps([WHOLE, SPLIT, TOO_FEW, ONE]))
    return [list(case) for case in zip(*ranks, strict=True)]


def test_ranks_with_whole_groups_reward_their_own(told: list[list[Any]]) -> None:
    assert told[0] == [ALONE[:8], ALONE[8:]]


def test_groups_that_are_dealt_over_two_ranks_are_put_together_again(
    told: list[list[Any]],
) -> None:
    assert told[1] == [ALONE[:6], ALONE[6:]]


def test_rows_that_make_no_groups_end_the_step_on_both_ranks(told: list[list[Any]]) -> None:
    assert any("InvalidInputError: " in each for each in told[2])
    assert all("rows do not make groups of 4" in each for each in told[2])


def test_a_rank_that_is_left_without_a_group_gets_its_rewards_too(told: list[list[Any]]) -> None:
    assert told[3] == [ALONE[:2], ALONE[2:4]]
