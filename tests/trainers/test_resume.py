"""A run that was killed goes on as one that was not: same data, same rewards, same weights."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [pytest.mark.needs_torch, pytest.mark.slow]

from safetensors.torch import load_file

from catsdk.core.errors import ConfigurationError
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.resuming import begin, last_whole
from tests import forked
from tests.providers.tiny_models import tiny_model, tiny_tokenizer

STEPS = 6
# The anchor's own words decide the rewards, so that one other token of it or of a rollout shows.
RUN = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
from dataclasses import dataclass
from hashlib import sha256
from transformers import TrainerCallback
import catsdk as cat
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.describing import cat_of, policy_sampling
from catsdk_trainers.trl.grpo import grpo

config = CaTConfig.read(sys.argv[1])

@dataclass(frozen=True)
class ByTheAnchorsWords(cat.Reward):
    anchor: PolicyAnchor
    needs_reference = False

    async def score(self, group, reference, ctx):
        said = policy_sampling(config).request(group.prompt, seed=config.seed)
        words = (await (await ctx.model(self.anchor)).complete(said))[0].text
        texts = [f"{ctx.row['uid']} {words} {rollout.text}" for rollout in group.rollouts]
        rewards = [sha256(text.encode()).digest()[0] / 255 for text in texts]
        with open(sys.argv[2], "a") as seen:
            seen.write(json.dumps([ctx.row["uid"], rewards]) + "\\n")
        return rewards

class Kill(TrainerCallback):
    def on_save(self, args, state, control, **_):
        if state.global_step == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

rows = [{"prompt": f"{at}+{at}", "uid": at} for at in range(5)]
method = cat.CaT(reward=ByTheAnchorsWords(cat_of(config).estimator.anchor))
trained = grpo(config, rows, cat=method, callbacks=[Kill()])
rewards = [row["reward"] for row in trained.history if "reward" in row]
print(json.dumps([str(trained.resumed_from), rewards]))
"""


def run(config: CaTConfig, seen: Path, *, killed_at: int = -1) -> tuple[int, Any]:
    """The exit code, and what the run printed last."""
    file = seen.with_suffix(".yaml")
    file.write_text(config.to_yaml())
    done = forked.run("-c", RUN, str(file), str(seen), str(killed_at), seconds=380)
    lines = done.stdout.strip().splitlines()
    assert lines or done.returncode < 0, done.stderr
    return done.returncode, json.loads(lines[-1]) if lines else None


@pytest.mark.parametrize(("anchor", "lora"), [("average", None), ("initial", {"rank": 2})])
def test_a_killed_run_goes_on_as_if_it_had_not_been(anchor: str, lora: Any, tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    settings: dict[str, Any] = {
        "model": str(tmp_path / "model"),
        "output": str(tmp_path / "whole"),
        "steps": STEPS,
        "batch": 8,
        "device_batch": 4,
        "learning_rate": 0.01,
        "rollouts": {"count": 2, "max_tokens": 6},
        "cat": {
            "estimator": {
                "Synthesizer": {"anchor": {"PolicyAnchor": {"kind": anchor, "decay": 0.5}}}
            }
        },
        "lora": lora,
        "evaluation": {"every": 0},
        "checkpoints": {"every": 2},
        "trl": {"gradient_checkpointing": False},
    }
    config = CaTConfig(**settings)
    code, (_, rewards) = run(config, tmp_path / "whole.jsonl")
    assert (code, len(rewards)) == (0, STEPS)

    broken = config.model_copy(update={"output": str(tmp_path / "broken")})
    # Killed when the checkpoint of step 4 is written but not marked: it is not to be trusted.
    code, _ = run(broken, tmp_path / "killed.jsonl", killed_at=4)
    assert code == -signal.SIGKILL
    assert (tmp_path / "broken" / "checkpoint-4").exists()
    assert last_whole(tmp_path / "broken") == tmp_path / "broken" / "checkpoint-2"
    code, (resumed_from, again) = run(broken, tmp_path / "resumed.jsonl")
    assert (code, resumed_from) == (0, str(tmp_path / "broken" / "checkpoint-2"))

    assert again == rewards
    whole, killed, resumed = (
        (tmp_path / f"{name}.jsonl").read_text().splitlines()
        for name in ("whole", "killed", "resumed")
    )
    groups = 4  # of one step
    assert sorted(killed) == sorted(whole[: 4 * groups])
    assert sorted(resumed) == sorted(whole[2 * groups :])
    name = "adapter_model.safetensors" if lora else "model.safetensors"
    one, other = load_file(tmp_path / "whole" / name), load_file(tmp_path / "broken" / name)
    assert all(bool((one[key] == other[key]).all()) for key in one)


def test_a_folder_with_another_run_is_refused_and_says_what_differs(tmp_path: Path) -> None:
    config = CaTConfig(model="m", output=str(tmp_path))
    assert begin(tmp_path, config, {"data": "1"}) is None
    (tmp_path / "checkpoint-10").mkdir()
    (tmp_path / "checkpoint-10" / "catsdk-whole.json").write_text("{}")
    longer = config.model_copy(update={"steps": 5000})
    assert begin(tmp_path, longer, {"data": "1"}) == tmp_path / "checkpoint-10"
    other = config.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(ConfigurationError, match=r"learning_rate was 5e-07 and is 0\.0001"):
        begin(tmp_path, other, {"data": "1"})
    with pytest.raises(ConfigurationError, match="the data differs"):
        begin(tmp_path, config, {"data": "2"})
    assert begin(tmp_path, other, {"data": "2"}, resume=False) is None
    assert last_whole(tmp_path) is None
