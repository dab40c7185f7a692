"""If an anchor or judge hangs, fails or drifts, training goes on or stops, and invents nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

import torch

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Request
from catsdk.testing import FunctionProvider
from catsdk_trainers.config.settings import Failing
from catsdk_trainers.trl.attach import AnchorDriftedError, attach
from catsdk_trainers.trl.failing import ScoringFailedError
from catsdk_trainers.trl.reward import GroupReward
from catsdk_trainers.trl.reward import reward as reward_of
from tests.trainers.test_grpo_training import STEPS, trainer_of


class Hangs:
    """A judge that never answers about the response that it is told to; else it says yes or no."""

    name = "judge"

    def __init__(self, on: str = "") -> None:
        self.on, self.asked = on, 0

    async def complete(self, request: Request, on_text: Any = None) -> Sequence[Completion]:
        self.asked += 1
        if self.on in request.messages[-1].text:
            await anyio.sleep_forever()
        return [Completion(text="yes" if self.asked % 3 else "no")]


def writes(request: Request) -> str:
    """An anchor that synthesizes anything, and five criteria."""
    if "criteria" in request.messages[-1].text.lower():
        return '{"criteria": ["a", "b", "c", "d", "e"]}'
    return "# UNIFIED RESPONSE\nanything"


def refuses(_: Request) -> str:
    raise RequestRefusedError("the anchor is not there")


def synthesized_by(anchor: Provider, **settings: Any) -> GroupReward:
    c = cat.CaT(estimator=cat.Synthesizer(anchor), reward=cat.AnswerReward())
    return reward_of(c, **settings)


def judged_by(judge: Provider, **settings: Any) -> GroupReward:
    synthesis = cat.Synthesizer(FunctionProvider(writes))
    return reward_of(cat.CaT(estimator=synthesis, reward=cat.RubricReward(judge=judge)), **settings)


def weights(trainer: Any) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in trainer.model.parameters()]


def trained(reward: GroupReward, folder: Path, **settings: Any) -> tuple[Any, bool]:
    """The trainer after its steps, and whether its weights are as they were."""
    trainer = trainer_of("qwen3", folder, reward, lora=False, **settings)
    reward.follow(trainer)
    before = weights(trainer)
    try:
        trainer.train()
    finally:
        reward.close()
    same = all(bool((old == new).all()) for old, new in zip(before, weights(trainer), strict=True))
    return trainer, same


def test_a_judge_that_hangs_costs_its_groups_the_reward_and_not_the_run(tmp_path: Path) -> None:
    reward = judged_by(Hangs(), failing=Failing(deadline=0.3, share=1.0))
    trainer, unmoved = trained(reward, tmp_path, log_completions=True, num_completions_to_print=0)
    assert trainer.state.global_step == STEPS
    assert [row["cat/scored"] for row in trainer.state.log_history if "cat/scored" in row] == [
        0.0
    ] * STEPS
    assert unmoved, "without a single reward nothing was to be learnt"
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(tmp_path / "completions" / "completions_00001.parquet")
    assert all("not scored within 0.3 s" in cause for cause in table["no_reward_because"])


def test_an_anchor_that_fails_moves_no_weight(tmp_path: Path) -> None:
    reward = synthesized_by(FunctionProvider(refuses), failing=Failing(share=1.0))
    trainer, unmoved = trained(reward, tmp_path)
    assert trainer.state.global_step == STEPS
    assert unmoved


def test_an_anchor_that_fails_for_too_long_ends_the_run_and_is_named(tmp_path: Path) -> None:
    reward = synthesized_by(FunctionProvider(refuses), failing=Failing(steps=2))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    reward.follow(trainer)
    with pytest.raises(ScoringFailedError, match=r"2 steps.*the anchor is not there"):
        trainer.train()
    reward.close()
    assert trainer.state.global_step == 1


def test_with_a_judge_that_answers_the_same_run_moves_the_weights(tmp_path: Path) -> None:
    trainer, unmoved = trained(judged_by(Hangs(on="never said")), tmp_path)
    assert trainer.state.global_step == STEPS
    assert not unmoved


@pytest.mark.parametrize("on_drift", ["stop", "warn"])
def test_a_drifting_anchor_stops_the_run_or_is_told(
    on_drift: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replies = iter(["same", "same", "other", "other"])

    def script(request: Request) -> str:
        return next(replies) if request.temperature == 0 else refuses(request)

    anchor = FunctionProvider(script, name="hosted")
    reward = synthesized_by(anchor, failing=Failing(share=1.0))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    attach(trainer, reward, probe_every=1, on_drift=on_drift)
    if on_drift == "stop":
        with pytest.raises(AnchorDriftedError, match="hosted answered 'same' .* 'other'"):
            trainer.train()
    else:
        with caplog.at_level(logging.WARNING):
            trainer.train()
        assert "hosted answered 'same'" in caplog.text
        assert trainer.state.global_step == STEPS
    reward.close()


def test_an_anchor_that_cannot_be_probed_has_not_drifted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reward = synthesized_by(Hangs(), failing=Failing(share=1.0, deadline=0.3))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    attach(trainer, reward, probe_every=2, probe_seconds=0.05)
    with caplog.at_level(logging.WARNING):
        trainer.train()
    reward.close()
    assert "the anchor judge could not be probed: TimeoutError" in caplog.text
    assert trainer.state.global_step == STEPS
