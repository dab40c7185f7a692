"""The recipe of the model in the box can be killed at any step and ends with the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.lab.recipe import Recipe
from tests import forked

pytest.importorskip("transformers")
pytestmark = pytest.mark.needs_torch

TRAIN = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
import torch
from examples.lab.pretrain import train
from examples.lab.recipe import MIX, Kind, Recipe

left = 9

def kill_before_the_ninth_record(event, arguments):
    global left
    if event == "open" and str(arguments[0]).endswith("record.jsonl"):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "kill":
    sys.addaudithook(kill_before_the_ninth_record)
torch.set_num_threads(1)
few = replace(
    MIX, solve=Kind(4), synthesis_tokens=200, criteria=Kind(1, 0.1), judge=Kind(1, 0.1)
)
small = replace(
    Recipe(), layers=1, width=32, feed_forward=32, head_dim=32, steps=10, own_steps=3,
    judge_steps=3, mix=few, judge_mix=replace(few, compared=True, noisy_share=0.5), pool=200,
    own_problems=2, own_samples=2, save_every=5,
)
train(small, Path(sys.argv[1]))
"""


def trained(out: Path, how: str) -> int:
    """Run the recipe, small, in a process of its own; returns its exit code."""
    return forked.run("-c", TRAIN, str(out), how, seconds=300).returncode


def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    assert trained(tmp_path / "whole", "whole") == 0
    assert trained(tmp_path / "killed", "kill") == -9
    assert not (tmp_path / "killed" / "model").exists()
    assert trained(tmp_path / "killed", "resume") == 0
    weights = [tmp_path / run / "model" / "model.safetensors" for run in ("whole", "killed")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    steps = (tmp_path / "killed" / "record.jsonl").read_text().splitlines()
    # Eight steps were recorded, of which five were saved, and there are 16 in all.
    assert len(steps) == 8 + (16 - 5)


def test_the_rates_fall_rise_again_for_the_judge_and_fall() -> None:
    recipe = Recipe()
    scales = [recipe.rate_scale(step) for step in range(recipe.all_steps)]
    judge = recipe.taught_steps
    assert max(scales[:judge]) == 1.0
    assert scales[judge - 1] == scales[0] == 0.02
    assert max(scales[judge:]) == recipe.judge_rate
    assert scales[judge] < scales[judge + recipe.warmup] > scales[-1]
