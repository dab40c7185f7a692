"""A config is the paper's unless changed, survives YAML, and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("yaml")

import catsdk as cat
from catsdk.answers import ExactMatch
from catsdk.core.errors import InvalidInputError
from catsdk_trainers.config.presets import PRESETS, preset
from catsdk_trainers.config.settings import CaTConfig


def test_the_defaults_are_the_papers() -> None:
    config = CaTConfig(model="m")
    assert (config.rollouts.count, config.batch, config.prompts_of_a_step) == (8, 256, 32)
    assert (config.learning_rate, config.kl, config.steps) == (5e-7, 1e-3, 1000)
    assert config.rollouts.max_tokens == 1536
    assert config.cat == {
        "estimator": {
            "Synthesizer": {
                "anchor": {"PolicyAnchor": {"kind": "initial"}},
                "show_question": False,
            }
        },
        "reward": "AnswerReward",
    }
    plan = config.sft
    assert (plan.batch, plan.learning_rate, plan.lora and plan.lora.rank) == (32, 5e-5, 32)


@pytest.mark.parametrize(
    ("name", "heat", "top_k", "top_p"),
    [("gemma3-4b", 1.0, 64, 0.95), ("qwen3-4b", 0.7, 20, 0.8), ("llama3.1-8b", 0.7, 50, 0.9)],
)
def test_a_preset_samples_as_the_paper_does(
    name: str, heat: float, top_k: int, top_p: float
) -> None:
    rollouts = preset(name).rollouts
    assert (rollouts.temperature, rollouts.top_k, rollouts.top_p) == (heat, top_k, top_p)
    assert rollouts.count == 8


def test_a_preset_keeps_what_a_change_of_its_section_does_not_name() -> None:
    changed = preset("qwen3-4b", rollouts={"count": 4}, steps=7)
    assert (changed.rollouts.count, changed.rollouts.top_k, changed.steps) == (4, 20, 7)
    assert changed.rollouts.chat_template == {"enable_thinking": False}
    assert "count" not in PRESETS["qwen3-4b"]["rollouts"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_yaml(name: str, tmp_path: Path) -> None:
    config = preset(name, lora={"rank": 4}, cat={"reward": 0.5 * cat.RubricReward() + cat.Gold()})
    file = tmp_path / "run.yaml"
    file.write_text(config.to_yaml())
    assert CaTConfig.read(file) == config


def test_changes_go_over_the_text_and_the_text_over_the_preset() -> None:
    text = "steps: 10\nrollouts: {top_k: 5}\nlearning_rate: 1e-6"
    changes = {"rollouts.top_p": 0.5, "lora.rank": 3}
    config = CaTConfig.from_yaml(text, changes, under=PRESETS["qwen3-4b"])
    rollouts = config.rollouts
    assert (rollouts.temperature, rollouts.top_k, rollouts.top_p) == (0.7, 5, 0.5)
    assert (config.steps, config.learning_rate, config.lora and config.lora.rank) == (10, 1e-6, 3)
    assert PRESETS["qwen3-4b"]["rollouts"]["top_p"] == 0.8


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("rewrad: 1", "no option 'rewrad'; there are model, data"),
        ("rollouts: {cuont: 3}", "in rollouts, Rollouts: there is no option 'cuont'"),
        ("cat: {reward: Goald}", "in cat, reward: there is no 'Goald'; known: .*Gold"),
        ("cat: {rewards: Gold}", "in cat, there is no 'rewards'; a CaT has policy"),
        ("cat: {reward: {Gold: {colum: a}}}", "Gold has no argument 'colum'"),
        ("cat: {policy: 'openai:x'}", "the policy is `model`"),
        ("cat: {client: {limit: 1}}", "a client has no setting 'limit'"),
        ("cat: Gold", "cat is 'Gold'; write a mapping"),
        ("budget: {euros: 1}", "in budget, Budget: there is no option 'euros'"),
        (
            "cat: {estimator: {Synthesizer: {anchor: {PolicyAnchor: {kind: x}}}}}",
            "kind is 'x'",
        ),
        ("kl: -1", "kl is -1: Input should be greater"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        CaTConfig.from_yaml(f"model: m\n{setting}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a list", "write a mapping"),
        ("a: [", "is not YAML: line 1, column 5"),
        ("steps: 3", "model is missing"),
    ],
)
def test_a_text_that_is_no_config_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        CaTConfig.from_yaml(text)


def test_a_setting_is_no_section() -> None:
    with pytest.raises(InvalidInputError, match="steps is 3: it has no parts"):
        CaTConfig.from_yaml("model: m\nsteps: 3", {"steps.count": 1})


def test_an_unknown_preset_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no preset 'gpt'; known: gemma3-4b"):
        preset("gpt")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        CaTConfig.read(tmp_path / "missing.yaml")


def test_roles_and_whole_methods_are_taken_as_objects_and_kept_as_names() -> None:
    by = cat.RubricReward(judge=cat.Panel("openai:a", "openai:b")) + 0.1 * cat.LengthPenalty(750)
    answers = cat.Answers(grader=ExactMatch())
    client = cat.Client(limits=cat.Limits(in_flight=8))
    method: Any = cat.CaT(estimator="openai:c", reward=by, answers=answers, client=client)
    config = CaTConfig(model="m", cat=method)
    again = CaTConfig.from_yaml(config.to_yaml())
    assert again == config == CaTConfig(model="m", cat=method.to_data())
    made = cat.CaT.from_data(again.cat)
    assert (made.rewarder, made.answers) == (by, answers)
    assert made.client.sending.limits.in_flight == 8


def test_what_a_section_leaves_out_is_the_papers() -> None:
    config = CaTConfig.from_yaml("model: m\ncat: {reward: Gold}")
    assert config.cat["reward"] == "Gold"
    assert config.cat["estimator"] == CaTConfig(model="m").cat["estimator"]
    deep = {"cat.estimator.Synthesizer.anchor.PolicyAnchor.prompts": "box", "cat.reward": "Random"}
    changed = CaTConfig.from_yaml("model: m", deep, under={"cat": CaTConfig(model="m").cat})
    assert "box" in changed.to_yaml() and changed.cat["reward"] == "Random"
