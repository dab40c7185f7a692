"""A training whose teacher is worse than a vote says so before its first step."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from transformers import TrainerControl, TrainerState

import catsdk as cat
from catsdk.core.types import Group, Reference
from catsdk.runtime.context import Context
from catsdk_providers.box.problems import problems, solve
from catsdk_trainers.config.settings import CaTConfig, Stop
from catsdk_trainers.trl.advising import CompareWithVote, below_majority
from catsdk_trainers.trl.grpo import grpo


def measured(teacher: float, majority: float, unlike: float) -> dict[str, float]:
    return {
        "eval_cat/teacher": teacher,
        "eval_cat/majority": majority,
        "eval_cat/over_majority": teacher - majority,
        "eval_cat/unlike_majority": unlike,
    }


def test_the_teacher_is_below_the_vote_only_where_the_interval_says_so() -> None:
    # By hand: -0.3, and 1.96 * sqrt((0.4 - 0.09) / n) is 0.22 of 25 prompts and 0.49 of 5.
    told = below_majority(measured(0.2, 0.5, 0.4), 25)
    assert told is not None
    assert "(-0.30, 95 % interval -0.52 to -0.08)" in told
    assert "cat.estimator=Majority" in told
    assert below_majority(measured(0.2, 0.5, 0.4), 5) is None
    assert below_majority(measured(0.5, 0.2, 0.4), 25) is None
    assert below_majority(measured(0.5, 0.5, 0.0), 25) is None
    assert below_majority({"eval_cat/teacher": 0.1}, 25) is None


class Zero:
    """Always the same wrong answer."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        return ctx.reference("\\boxed{0}", method="zero")


@pytest.mark.parametrize("ends", [True, False])
def test_a_teacher_that_is_worse_than_the_vote_is_found_out(
    ends: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held_out = [
        {"prompt": str(problem), "answer": solve(problem).answer}
        for problem in problems("heldout", 12, 0, digits=(3, 4))
    ]
    settings: dict[str, Any] = {
        "model": "local",
        "data": "box:rl",
        "output": str(tmp_path),
        "steps": 2,
        "batch": 4,
        "device_batch": 4,
        "rollouts": {"count": 4, "max_tokens": 112},
        "evaluation": {"every": 2, "batch": 128},
        "checkpoints": {"every": 0},
        "stop": {"below_majority": ends},
        "trl": {"gradient_checkpointing": False},
    }
    config = CaTConfig(**settings)
    with caplog.at_level(logging.WARNING, "catsdk_trainers.trl.advising"):
        zero = cat.CaT(estimator=Zero(), reward=cat.AnswerReward())
        trained = grpo(config, held_out=held_out, cat=zero)
    assert "the majority of the same rollouts" in caplog.text
    assert trained.steps == (1 if ends else 2)
    assert (trained.stopped_because is not None) is ends


@pytest.mark.parametrize(("prompts", "asks", "told"), [(0, True, 1), (0, False, 0), (5, True, 0)])
def test_where_nothing_measures_a_teacher_that_asks_a_model_that_is_said(
    prompts: int, asks: bool, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "catsdk_trainers.trl.advising"):
        watch = CompareWithVote(Stop(), prompts, asks=asks)
        watch.on_train_begin(None, TrainerState(), TrainerControl())
    assert len(caplog.records) == told
    assert all("no held-out prompts with known answers" in r.message for r in caplog.records)
