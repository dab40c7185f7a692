"""Two ranks split no group, and reward as one rank does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.needs_torch

ROOT = Path(__file__).parents[2]
RANK = """
import json, sys
from contextlib import asynccontextmanager
import torch.distributed as dist
from catsdk_trainers.controls import ClusterShareScorer
from catsdk_trainers.trl_reward import GroupReward

@asynccontextmanager
async def open_scorer():
    yield ClusterShareScorer()

rank, port, counts = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
dist.init_process_group(
    "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=len(counts)
)
prompts = [f"q{at // 4}" for at in range(12)]
texts = [f"\\\\boxed{{{answer}}}" for answer in "001012331112"]
start, end = sum(counts[:rank]), sum(counts[: rank + 1])
reward = GroupReward(open_scorer, 4)
try:
    print(json.dumps(reward(prompts[start:end], texts[start:end])))
except Exception as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
reward.close()
dist.destroy_process_group()
"""
ALONE = [0.75, 0.75, 0.25, 0.75, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 0.25]


def ranks(counts: list[int]) -> list[Any]:
    """What each rank's reward function returns, when the rows are dealt out so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "providers", ROOT / "trainers"))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(rank), port, json.dumps(counts)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
        for rank in range(len(counts))
    ]
    return [json.loads(process.communicate(timeout=120)[0]) for process in running]


def test_one_rank_rewards_by_the_groups_shares() -> None:
    assert ranks([12]) == [ALONE]


def test_two_ranks_with_whole_groups_reward_their_own() -> None:
    assert ranks([8, 4]) == [ALONE[:8], ALONE[8:]]


def test_groups_that_are_dealt_over_two_ranks_are_put_together_again() -> None:
    assert ranks([6, 6]) == [ALONE[:6], ALONE[6:]]


def test_rows_that_make_no_groups_end_the_step_on_both_ranks() -> None:
    told = ranks([6, 5])
    assert any("InvalidInputError: " in each for each in told)
    assert all("rows do not make groups of 4" in each for each in told)
