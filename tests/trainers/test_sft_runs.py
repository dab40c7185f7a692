"""CaT-SFT synthesizes each prompt once, learns from the pairs, and stops when it learns no more."""

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

from catsdk.core.errors import NoEvidenceError, RequestRefusedError
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.offline.pairs import synthesized_pairs
from catsdk_trainers.offline.sft import sft
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.two_ranks import on_two_ranks

ROWS = [f"{at}+{at}" for at in range(12)]
PROMPTS = [{"prompt": [{"role": "user", "content": text}]} for text in ROWS]


def config_for(folder: Path, **changes: Any) -> CaTConfig:
    settings: dict[str, Any] = {
        "model": "tiny",
        "output": str(folder),
        "device_batch": 4,
        "rollouts": {"count": 2, "max_tokens": 12},
        "sft": {
            "batch": 4,
            "learning_rate": 0.02,
            "epochs": 4,
            "lora": None,
            "validation": 0.3,
            "evaluate_every": 2,
        },
        "trl": {"gradient_checkpointing": False},
    }
    return CaTConfig(**(settings | changes))


def answers(request: Request) -> str:
    return "# UNIFIED RESPONSE\nIt is \\boxed{7}." if len(request.messages[-1].text) > 9 else "7"


def test_each_prompt_is_synthesized_once_and_the_loss_falls(tmp_path: Path) -> None:
    teacher = FunctionProvider(answers, name="teacher")
    config = config_for(tmp_path)
    trained = sft(config, ROWS, model=tiny_model(), tokenizer=tiny_tokenizer(), teacher=teacher)
    assert len(teacher.requests) == len(ROWS) * 2
    lines = (tmp_path / "synthesized.jsonl").read_text().splitlines()
    assert {json.loads(line)["text"] for line in lines} == {"It is \\boxed{7}."}
    losses = [row["eval_loss"] for row in trained.history if "eval_loss" in row]
    assert len(losses) >= 2 and losses[-1] < losses[0]
    assert (tmp_path / "model.safetensors").exists()

    again = sft(config, ROWS, model=tiny_model(), tokenizer=tiny_tokenizer(), teacher=teacher)
    assert len(teacher.requests) == len(ROWS) * 2
    assert again.resumed_from is not None
    assert again.steps == trained.steps


def test_it_stops_when_the_validation_loss_falls_no_more(tmp_path: Path) -> None:
    plan = {"batch": 4, "learning_rate": 3.0, "epochs": 50, "lora": None, "validation": 0.3}
    config = config_for(tmp_path, sft=plan | {"evaluate_every": 1, "patience": 2})
    teacher = FunctionProvider(answers)
    trained = sft(config, ROWS, model=tiny_model(), tokenizer=tiny_tokenizer(), teacher=teacher)
    assert trained.steps < 30
    assert trained.stopped_because is not None and "validation loss" in trained.stopped_because


def test_a_prompt_that_fails_makes_no_pair_and_is_tried_again(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        if not working and "3+3" in request.messages[-1].text:
            raise RequestRefusedError("no")
        return answers(request)

    working = False
    config, kept = config_for(tmp_path), tmp_path / "pairs.jsonl"
    made = synthesized_pairs(config, PROMPTS, FunctionProvider(script), kept)
    assert len(made) == len(ROWS) - 1
    assert "RequestRefusedError" in kept.read_text() or "NoEvidenceError" in kept.read_text()
    working = True
    again = FunctionProvider(script)
    assert len(synthesized_pairs(config, PROMPTS, again, kept)) == len(ROWS)
    assert len(again.requests) == 2


def test_pairs_of_other_settings_and_torn_lines_do_not_count(tmp_path: Path) -> None:
    kept = tmp_path / "pairs.jsonl"
    synthesized_pairs(config_for(tmp_path), PROMPTS, FunctionProvider(answers), kept)
    with kept.open("a") as lines:
        lines.write('{"key": "torn')
    assert len(synthesized_pairs(config_for(tmp_path), PROMPTS, None, kept)) == len(ROWS)
    assert synthesized_pairs(config_for(tmp_path, seed=1), PROMPTS, None, kept) == []


def test_pairs_of_another_teacher_do_not_count_and_the_latest_ones_are_trained_on(
    tmp_path: Path,
) -> None:
    config, kept = config_for(tmp_path), tmp_path / "pairs.jsonl"
    small = FunctionProvider(answers, name="small")
    big = FunctionProvider(lambda _: "# UNIFIED RESPONSE\n\\boxed{8}", name="big")
    synthesized_pairs(config, PROMPTS, small, kept)
    synthesized_pairs(config, PROMPTS, big, kept)
    assert len(big.requests) == 2 * len(ROWS)
    texts = {
        pair["completion"][0]["content"] for pair in synthesized_pairs(config, PROMPTS, None, kept)
    }
    assert texts == {"\\boxed{8}"}


RANK = """
import json, sys
from pathlib import Path
from catsdk.testing import FunctionProvider
from catsdk_trainers.offline.sft import sft
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_sft_runs import ROWS, answers, config_for

model, teacher = tiny_model(), FunctionProvider(answers, name="teacher")
config = config_for(Path(sys.argv[1]), device_batch=2)
done = sft(config, ROWS, model=model, tokenizer=tiny_tokenizer(), teacher=teacher)
total = float(sum(parameter.double().sum() for parameter in model.parameters()))
print(json.dumps([len(teacher.requests), done.steps, total]))
"""


@pytest.mark.slow
def test_of_two_ranks_one_makes_the_pairs_and_both_learn_the_same(tmp_path: Path) -> None:
    first, second = on_two_ranks(RANK, str(tmp_path))
    assert [first[0], second[0]] == [2 * len(ROWS), 0]
    assert first[1:] == second[1:]


def test_without_a_single_pair_nothing_is_trained(tmp_path: Path) -> None:
    def refuses(_: Request) -> str:
        raise RequestRefusedError("no")

    with pytest.raises(NoEvidenceError, match="none of 12 prompts"):
        sft(
            config_for(tmp_path),
            ROWS,
            model=tiny_model(),
            tokenizer=tiny_tokenizer(),
            teacher=FunctionProvider(refuses),
        )
