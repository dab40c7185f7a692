"""Tiny models of three families go through catsdk.train.grpo, with adapters and in full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from safetensors.torch import load_file

from catsdk.data.results import read_results
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.grpo import grpo
from catsdk_trainers.trl.resuming import last_whole
from tests.providers.tiny_gguf import write_gguf
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.two_ranks import on_two_ranks

ROWS = [{"prompt": f"{at}+{at}", "answer": str(2 * at)} for at in range(5)]


def saved_model(family: str, folder: Path) -> str:
    tiny_model(family).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


def tiny_config(model: str, output: Path, **changes: Any) -> CaTConfig:
    settings: dict[str, Any] = {
        "model": model,
        "output": str(output),
        "steps": 3,
        "batch": 8,
        "device_batch": 4,
        "learning_rate": 0.01,
        "rollouts": {"count": 2, "max_tokens": 6},
        "cat": {"reward": "Random"},
        "evaluation": {"every": 2, "rollouts": 2, "prompts": 2},
        "checkpoints": {"every": 2},
        "trl": {"gradient_checkpointing": False},
    }
    return CaTConfig(**(settings | changes))


def changed(output: Path, start: Path, *, lora: bool) -> bool:
    """Whether training moved the weights: of adapters the second matrices, which begin at zero."""
    if lora:
        adapters = load_file(output / "adapter_model.safetensors")
        return any(bool(w.count_nonzero()) for name, w in adapters.items() if "lora_B" in name)
    before, after = load_file(start / "model.safetensors"), load_file(output / "model.safetensors")
    return any(not bool((before[name] == after[name]).all()) for name in before)


@pytest.mark.slow
@pytest.mark.parametrize("lora", [{"rank": 2}, None], ids=["lora", "full"])
@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
def test_three_steps_train_a_model_and_leave_a_checkpoint(
    family: str, lora: Any, tmp_path: Path
) -> None:
    model = saved_model(family, tmp_path / "model")
    config = tiny_config(model, tmp_path / "run", lora=lora)
    trained = grpo(config, ROWS, held_out=ROWS)
    assert (trained.steps, trained.stopped_because, trained.resumed_from) == (3, None, None)
    rewards = [row["reward"] for row in trained.history if "reward" in row]
    assert len(rewards) == 3 and all(0 <= reward <= 1 for reward in rewards)
    evaluations = [row for row in trained.history if "eval_loss" in row]
    assert [row["step"] for row in evaluations] == [0, 2, 3]
    # A model with random weights writes no synthesis that could be measured as the teacher.
    assert all("eval_cat/policy" in row and "eval_cat/majority" in row for row in evaluations)
    assert last_whole(trained.output) == trained.output / "checkpoint-3"
    groups = [
        each for path in sorted(trained.output.glob("groups/*")) for each in read_results(path)
    ]
    assert [each.step for each in groups] == [step for step in (1, 2, 3) for _ in range(4)]
    assert changed(trained.output, Path(model), lora=lora is not None)
    kept = json.loads((trained.output / "checkpoint-2" / "trainer_state.json").read_text())
    assert [row["step"] for row in kept["log_history"] if "reward" in row] == [1, 2]


@pytest.mark.slow
def test_a_training_begins_with_a_gguf_file_and_goes_on_without_reading_it_again(
    tmp_path: Path,
) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", tiny_model("llama"), tiny_tokenizer())
    output = tmp_path / "run"
    # With a divergence to weigh, TRL reads the initial weights a second time.
    grpo(tiny_config(str(file), output, steps=2, kl=0.1), ROWS)
    assert changed(output, output / "initial", lora=False)
    read = (output / "initial" / "model.safetensors").stat().st_mtime_ns
    trained = grpo(tiny_config(str(file), output, steps=4, kl=0.1), ROWS)
    assert (trained.steps, trained.resumed_from) == (4, output / "checkpoint-2")
    assert (output / "initial" / "model.safetensors").stat().st_mtime_ns == read


RANK = """
import json, sys
from pathlib import Path
from catsdk_trainers.trl.grpo import grpo
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_grpo_runs import ROWS, tiny_config

model = tiny_model()
config = tiny_config(
    "tiny", Path(sys.argv[1]), batch=4, device_batch=2, lora=None, kl=0,
    rollouts={"count": 4, "max_tokens": 6}, cat={"reward": "ClusterShare"},
    trl={"gradient_checkpointing": False, "log_completions": True, "num_completions_to_print": 0},
)
done = grpo(config, ROWS, model=model, tokenizer=tiny_tokenizer())
total = float(sum(parameter.double().sum() for parameter in model.parameters()))
print(json.dumps([done.steps, total]))
"""


@pytest.mark.slow
def test_two_ranks_that_hold_half_a_group_each_train_as_one(tmp_path: Path) -> None:
    first, second = on_two_ranks(RANK, str(tmp_path))
    assert first == second
    assert first[0] == 3
    pandas = pytest.importorskip("pandas")
    for step in (1, 2, 3):
        table = pandas.read_parquet(tmp_path / "completions" / f"completions_{step:05}.parquet")
        assert len(table) == 4
        assert table["prompt"].astype(str).nunique() == 1
