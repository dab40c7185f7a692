"""Settings that make no training are refused before anything is loaded, each with what to set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from dataclasses import fields

from trl.trainer.grpo_config import GRPOConfig

from catsdk.core.errors import CatError, InvalidInputError
from catsdk.train import grpo, preflight
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.arguments import grpo_arguments


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"batch": 10}, "make no groups of 8: give a multiple of rollouts.count, such as 16"),
        ({"batch": 16, "device_batch": 6}, "set device_batch to one of 1, 2, 4, 8, 16"),
        ({"trl": {"beta": 0.1}}, r"trl.beta \(set kl\)"),
        ({"trl": {"num_generations": 4}}, r"trl.num_generations \(set rollouts.count\)"),
        ({"trl": {"loss_type": "dapo"}}, r"trl.loss_type \(set nothing: it is fixed\)"),
        ({"trl": {"num_generatons": 4}}, "has no argument 'num_generatons'; did you mean num_gen"),
    ],
)
def test_a_setting_that_makes_no_training_is_refused_with_what_to_set(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        grpo_arguments(CaTConfig(model="m", **changes), evaluates=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 10}, "make no groups of 8"),
        ({"trl": {"foo": 3}}, "has no argument 'foo'"),
        ({"cat": {"estimator": {"Synthesizer": {"anchor": "none:x"}}}}, "PolicyAnchor: {kind: KI"),
        ({"cat": {"reward": {"RubricReward": {"judge": "none:x"}}}}, "the provider 'none', which"),
        # The teacher of held-out prompts, though no reward asks it.
        (
            {"cat": {"estimator": {"Synthesizer": {"anchor": "none:x"}}, "reward": "Gold"}},
            "the provider 'none', which",
        ),
        (
            {"cat": {"estimator": {"Synthesizer": {"anchor": "openai:x"}}, "reward": "Gold"}},
            "openai:x needs a key: set OPENAI_API_KEY",
        ),
    ],
)
@pytest.mark.parametrize("run", [preflight, grpo])
def test_a_preflight_refuses_what_the_training_refuses_before_weights_are_loaded(
    run: Callable[..., object],
    changes: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    config = CaTConfig(model="/no/such/model", output=str(tmp_path), **changes)
    with pytest.raises(CatError, match=message):
        run(config, [{"prompt": "1+1", "answer": "2"}], [{"prompt": "2+2", "answer": "4"}])


def test_each_argument_that_follows_from_a_setting_names_one_that_is_there() -> None:
    own = grpo_arguments(CaTConfig(model="m"), evaluates=True)
    assert own.keys() <= {field.name for field in fields(GRPOConfig)}
    whole = CaTConfig(model="m").model_dump()
    for name in own:
        with pytest.raises(InvalidInputError) as refused:
            grpo_arguments(CaTConfig(model="m", trl={name: own[name]}), evaluates=True)
        setting = str(refused.value).partition("(set ")[2].partition(")")[0]
        if setting.startswith("nothing"):
            continue
        for each in setting.split(" and "):
            section, _, part = each.partition(".")
            assert section in whole
            assert not part or part in whole[section]
