"""`trl grpo` trains with our reward, which its files and the environment describe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("trl")
pytestmark = pytest.mark.needs_torch

from catsdk.core.errors import ConfigurationError, NoModelError
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk_trainers.trl.command_line import EnvironmentReward, reward_from_environment

ROOT = Path(__file__).parents[2]
STEPS = 2


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CATSDK_"):
            monkeypatch.delenv(name)


def write_config(folder: Path, **settings: Any) -> str:
    file = folder / "reward.yaml"
    file.write_text(json.dumps({"model": "m", **settings}))
    return str(file)


def documented() -> dict[str, Any]:
    """The file for `trl grpo` that the documentation shows."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    block = page.partition("  ```yaml\n  model_name_or_path")[2].partition("  ```")[0]
    return dict(yaml.safe_load(textwrap.dedent(f"  model_name_or_path{block}")))


@pytest.mark.slow
@pytest.mark.parametrize("by", ["flags", "file"])
def test_trl_grpo_trains_with_the_reward_that_a_file_describes(tmp_path: Path, by: str) -> None:
    from tests.providers.tiny_models import tiny_model, tiny_tokenizer

    tiny_model().save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    (tmp_path / "data").mkdir()
    rows = [{"prompt": [{"role": "user", "content": f"{at}+{at}"}]} for at in range(8)]
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    config = write_config(
        tmp_path,
        cat={"estimator": {"Synthesizer": {"anchor": "openai:loopback"}}},
        rollouts={"count": 2, "max_tokens": 6},
    )
    settings: dict[str, Any] = {
        "model_name_or_path": str(tmp_path / "model"),
        "dtype": "float32",
        "dataset_name": str(tmp_path / "data"),
        "reward_funcs": "catsdk.train.cat_reward",
        "output_dir": str(tmp_path / "out"),
        "max_steps": STEPS,
        "per_device_train_batch_size": 4,
        "num_generations": 2,
        "max_completion_length": 6,
        "gradient_checkpointing": False,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": STEPS,
    }
    told = {"CATSDK_TRAIN_CONFIG": config}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    if by == "file":
        shown = documented()
        assert shown["reward_funcs"] == ["catsdk.train.cat_reward"]
        own = {name: value for name, value in settings.items() if name != "reward_funcs"}
        (tmp_path / "grpo.yaml").write_text(yaml.safe_dump(shown | own | {"env": told}))
        told, arguments = {}, ["--config", str(tmp_path / "grpo.yaml")]
    with LoopbackServer(FunctionProvider(lambda _: "\\boxed{4}")) as server:
        paths = (ROOT, ROOT / "providers", ROOT / "trainers")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("trl")), "grpo", *arguments],
            capture_output=True,
            text=True,
            timeout=380,
            check=False,
            cwd=tmp_path,
            env=os.environ
            | told
            | {
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": server.key,
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
            },
        )
        assert done.returncode == 0, done.stderr
        assert server.counters.requests == STEPS * 2
    state = json.loads(
        (tmp_path / "out" / f"checkpoint-{STEPS}" / "trainer_state.json").read_text()
    )
    logged = [row for row in state["log_history"] if "cat/scored" in row]
    # Random weights never say 4, so that each rollout is rewarded, by 0.
    assert [(row["rewards/answer/mean"], row["cat/scored"]) for row in logged] == [
        (0.0, 1.0)
    ] * STEPS


def test_the_environment_alone_describes_the_papers_reward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_ANCHOR", "vllm:base")
    reward = reward_from_environment()
    assert (reward.__name__, reward.num_generations) == ("answer", 8)


def test_without_an_anchor_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CATSDK_ANCHOR", raising=False)
    with pytest.raises(NoModelError, match="CATSDK_TRAIN_CONFIG"):
        reward_from_environment()
    monkeypatch.setenv("CATSDK_TRAIN_CONFIG", write_config(tmp_path))
    with pytest.raises(ConfigurationError, match="name the initial weights, such as 'local:m'"):
        reward_from_environment()


def test_a_reward_without_anchor_needs_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = write_config(
        tmp_path, cat={"reward": {"AnswerReward": {"estimator": "Majority"}}}, rollouts={"count": 3}
    )
    monkeypatch.setenv("CATSDK_TRAIN_CONFIG", config)
    reward = reward_from_environment()
    boxed = [f"\\boxed{{{answer}}}" for answer in (1, 2, 1)]
    assert reward(["q"] * 3, boxed) == [1.0, 0.0, 1.0]
    reward.close()


def test_it_is_imported_without_a_config_and_asks_for_one_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import catsdk.train

    assert callable(catsdk.train.cat_reward)
    made = EnvironmentReward()
    with pytest.raises(NoModelError, match="CATSDK_TRAIN_CONFIG"):
        str(made.__name__)
    gold = write_config(tmp_path, cat={"reward": "Gold"}, rollouts={"count": 2})
    monkeypatch.setenv("CATSDK_TRAIN_CONFIG", gold)
    assert made.__name__ == "gold"
    assert made(["q"] * 2, ["\\boxed{1}", "\\boxed{2}"], answer=["1", "1"]) == [1.0, 0.0]
    made.made.close()
