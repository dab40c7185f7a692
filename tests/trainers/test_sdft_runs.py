"""Self-distillation: the teacher reads the synthesis, the policy does not, and learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from transformers import TrainerCallback

from catsdk.core.errors import InvalidInputError
from catsdk.testing import FunctionProvider
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.offline.sdft import sdft
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_grpo_runs import changed
from tests.trainers.test_sft_runs import ROWS, answers, config_for

SHORT: dict[str, Any] = {"batch": 4, "device_batch": 4, "checkpoints": {"every": 1}}


def config_of(folder: Path, epochs: float, **trl: Any) -> CaTConfig:
    model = folder / "model"
    tiny_model().save_pretrained(model)
    tiny_tokenizer().save_pretrained(model)
    plan = {"learning_rate": 0.02, "epochs": epochs, "lora": None}
    said = {"gradient_checkpointing": False, **trl}
    return config_for(folder / "run", model=str(model), **SHORT, sft=plan, trl=said)


class Heard(TrainerCallback):
    """Keeps what the teacher is given to read."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def on_train_begin(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        self.texts |= {row["privileged_context"] for row in told["train_dataloader"].dataset}


def test_the_policy_moves_towards_itself_with_the_synthesis_and_goes_on_after_an_end(
    tmp_path: Path,
) -> None:
    teacher, heard = FunctionProvider(answers, name="teacher"), Heard()
    config = config_of(tmp_path, 0.5)
    trained = sdft(config, ROWS, teacher=teacher, callbacks=[heard])
    assert heard.texts == {"It is \\boxed{7}."}
    assert trained.steps == 3
    losses = [row["loss"] for row in trained.history if "loss" in row]
    # The two differ by what they read alone: without the synthesis there is nothing to learn.
    assert losses[0] > 0
    assert changed(trained.output, tmp_path / "model", lora=False)

    again = sdft(config, ROWS, teacher=teacher)
    assert again.resumed_from == trained.output / "checkpoint-3"
    assert len(teacher.requests) == 2 * len(ROWS)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"teacher_kind": "live"}, "SDFTConfig of TRL has no argument 'teacher_kind'"),
        ({"teacher_prompt_template": "{prompt}"}, "must contain both"),
        ({"num_generations": 3}, "trl.num_generations .set rollouts.count."),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_paid_for(
    setting: dict[str, Any], told: str, tmp_path: Path
) -> None:
    teacher = FunctionProvider(answers)
    with pytest.raises(InvalidInputError, match=told):
        sdft(config_of(tmp_path, 1, **setting), ROWS, teacher=teacher)
    assert teacher.requests == []


def test_too_few_prompts_for_a_step_are_refused_before_anything_is_paid_for(
    tmp_path: Path,
) -> None:
    teacher = FunctionProvider(answers)
    config = config_of(tmp_path, 1)
    few = ROWS[: config.prompts_of_a_step - 1]
    told = rf"{len(few)} prompts? cannot fill a step: a batch of 4 completions"
    with pytest.raises(InvalidInputError, match=told):
        sdft(config, few, teacher=teacher)
    assert teacher.requests == []
