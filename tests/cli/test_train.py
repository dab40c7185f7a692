"""`catsdk train` reads presets, files and settings, and trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = pytest.mark.needs_torch

from catsdk.core.errors import InvalidInputError
from catsdk_trainers.config.settings import CaTConfig
from tests.cli.test_commands import catsdk
from tests.forked import PATHS, clean_environment


def test_a_preset_a_file_and_settings_make_one_config(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("steps: 10\nrollouts: {max_tokens: 7}\n")
    options = ("--preset", "qwen3-4b", "--set", "lora.rank=4", "--out", "there", "--show")
    done = catsdk("train", str(file), *options)
    config = CaTConfig.from_yaml(done.stdout)
    assert (config.model, config.steps, config.output) == ("Qwen/Qwen3-4B", 10, "there")
    assert (config.rollouts.max_tokens, config.rollouts.top_k) == (7, 20)
    assert config.lora is not None and config.lora.rank == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--preset NAME --show prints a config"),
        (("--set", "steps=3"), "NAME is one of"),
        (("--data", "rows.jsonl"), "say what to train: --model MODEL with --data FILE"),
        (
            ("--preset", "qwen3-4b", "--set", "system=a: b: c"),
            "the value is not YAML: line 1, column 5: mapping values are not",
        ),
        (("--preset", "gpt"), "no preset 'gpt'"),
        (("--preset", "qwen3-4b", "--set", "stps=3"), "no option 'stps'"),
        (("--preset", "qwen3-4b", "--set", "steps"), "write NAME=VALUE"),
        (("--preset", "qwen3-4b", "--set", "cat.reward=Goold"), "there is no 'Goold'; known:"),
        (("--preset", "qwen3-4b", "--set", "budget.euros=3"), "there is no option 'euros'"),
        (("--preset", "qwen3-4b"), "there is no data: set `data` in the config"),
    ],
)
def test_wrong_input_ends_with_2_and_says_what_to_do(arguments: tuple[str, ...], told: str) -> None:
    done = catsdk("train", *arguments)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())


@pytest.mark.parametrize("more", [(), ("--preflight",)])
@pytest.mark.parametrize(
    ("judge", "told"),
    [
        ("openai:j", "openai:j needs a key: set OPENAI_API_KEY"),
        ("opnai:j", "the provider 'opnai', which is not known here. Did you mean 'openai:j'"),
    ],
)
def test_a_judge_that_cannot_be_asked_is_named_before_the_trainer_is_imported(
    judge: str, told: str, more: tuple[str, ...]
) -> None:
    # In a process of its own: others have the imports already.
    program = (
        "import sys; from catsdk.cli import main\n"
        "try: main()\n"
        "finally: print('imported', 'trl' in sys.modules)"
    )
    reward = f"cat.reward={{RubricReward: {{judge: {judge!r}}}}}"
    command = (sys.executable, "-c", program, "train", "--preset", "box", "--set", reward, *more)
    environment = clean_environment("openai") | {"PYTHONPATH": PATHS}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "imported False" in done.stdout


def test_a_model_and_data_are_enough(tmp_path: Path) -> None:
    done = catsdk("train", "--model", "local:there", "--data", "rows.jsonl", "--show")
    config = CaTConfig.from_yaml(done.stdout)
    assert config == CaTConfig(model="local:there", data="rows.jsonl")


@pytest.mark.slow
def test_the_model_in_the_box_trains_by_one_line_and_what_it_became_is_a_model(
    tmp_path: Path,
) -> None:
    short = [
        "steps=1",
        "batch=16",
        "device_batch=16",
        "rollouts.max_tokens=112",
        "evaluation.every=0",
    ]
    sets = [word for setting in short for word in ("--set", setting)]
    run = tmp_path / "run"
    done = catsdk("train", "--preset", "box", "--out", str(run), *sets, seconds=380)
    assert done.returncode == 0, done.stderr
    answered = catsdk("sample", "23 + 58", "-n", "2", "--model", f"local:{run}", seconds=120)
    assert answered.returncode == 0, answered.stderr
    # What it is prompted by goes where its weights go.
    assert json.loads((run / "config.json").read_text())["catsdk_prompts"] == "box"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            ("model=/no/such/model",),
            "the model '/no/such/model' cannot be loaded (there is no such folder)",
        ),
        (
            ("cat.estimator.Synthesizer.anchor=initial",),
            "for an anchor made of the model in training write {PolicyAnchor: {kind: KIND}}",
        ),
    ],
)
def test_a_model_that_is_nowhere_is_named(
    changes: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "1"}')
    sets = [word for change in changes for word in ("--set", change)]
    done = catsdk("train", "--preset", "qwen3-4b", "--data", str(rows), *sets, seconds=120)
    assert done.returncode in {1, 2}
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


# transformers warns about its own future.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"trl": {"foo": 3}}, "trl.foo: GRPOConfig of TRL has no argument 'foo'"),
        ({"trl": {"use_vlm": True}}, "did you mean use_vllm"),
        ({"cat": {"reward": "Gold"}}, "1 of 2 training rows have no known answer in the column"),
        ({"cat": {"reward": {"Gold": {"column": "key"}}}}, "2 of 2 training rows"),
        ({"held_out": [{"prompt": "1", "answer": {"a": 1}}]}, "row 0 (from 0), column 'answer'"),
    ],
)
def test_what_cannot_train_is_refused_before_the_first_step(
    settings: dict[str, Any], told: str, tmp_path: Path
) -> None:
    from catsdk_trainers.trl.grpo import grpo

    tests = settings.pop("held_out", None)
    config = CaTConfig(model="/no/such/model", output=str(tmp_path), **settings)
    rows = [{"prompt": "1+1", "answer": "2"}, {"prompt": "2+2", "answer": ""}]
    with pytest.raises(InvalidInputError) as caught:
        grpo(config, rows, tests)
    assert told in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_column_of_several_kinds_is_refused_before_the_model_is_looked_for(
    tmp_path: Path,
) -> None:
    from catsdk_trainers.trl.grpo import grpo

    config = CaTConfig(model="/no/such/model", output=str(tmp_path))
    rows: list[dict[str, Any]] = [{"prompt": "a", "level": 1}, {"prompt": "b", "level": "x"}]
    with pytest.raises(InvalidInputError, match="the column 'level' .* has 1 and .* has 'x'"):
        grpo(config, rows)


def test_an_accuracy_of_zero_and_an_early_stop_are_printed(tmp_path: Path) -> None:
    from catsdk.cli.train import summary
    from catsdk_trainers.trl.trained import Trained

    history: list[dict[str, Any]] = [
        {"eval_cat/policy": 0.0}, {"loss": 1.0}, {"eval_cat/policy": None},
        {"eval_cat/policy": 0.0},
    ]  # fmt: skip
    told = summary(Trained(tmp_path, 3, tuple(history), "the budget of 2 usd is used up"))
    assert "held-out accuracy 0.000 at the start, 0.000 now" in told
    assert "stopped early: the budget of 2 usd is used up" in told


@pytest.mark.slow
def test_it_trains_and_says_where_the_model_is(tmp_path: Path) -> None:
    from tests.providers.tiny_models import tiny_model, tiny_tokenizer

    tiny_model().save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"prompt": f"{at}"}) for at in "12"))
    file = tmp_path / "run.yaml"
    settings = {
        "model": str(tmp_path / "model"),
        "data": str(tmp_path / "rows.jsonl"),
        "output": str(tmp_path / "run"),
        "steps": 1,
        "batch": 4,
        "device_batch": 4,
        "rollouts": {"count": 2, "max_tokens": 4},
        "cat": {"reward": "Random"},
        "trl": {"gradient_checkpointing": False},
    }
    file.write_text(json.dumps(settings))
    done = catsdk("train", str(file), seconds=380)
    assert done.returncode == 0, done.stderr
    assert "1 step, model in" in done.stdout
    assert (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.slow
def test_a_preflight_trains_nothing_and_its_code_says_what_it_found(tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = ("--preset", "box", "--out", str(run), "--preflight", "--prompts", "2")
    sets = ("--set", "rollouts.count=4", "--set", "cat.reward={Gold: {column: gold}}")
    done = catsdk("train", *options, *sets, seconds=380)
    # Two prompts are too few to say anything.
    assert done.returncode == 1, done.stderr
    shown = " ".join(done.stdout.split())
    assert "2 training prompts and 2 with known answers, 4 rollouts each" in shown
    assert "UNKNOWN: a condition of the rule could not be checked. Measure more prompts" in shown
    done = catsdk("train", *options, *sets, "--json", seconds=380)
    found = json.loads(done.stdout)
    assert (found["pays"], found["measures"]["lead"]["mean"]) == ("unknown", None)
    assert not run.exists()
