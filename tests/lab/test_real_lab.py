"""The laboratory on a real model: its questions, its arms, and what is made of finished units."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytest.importorskip("matplotlib")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from catsdk.answers import is_same
from catsdk.train import cat_of
from examples.lab.curves import read_units
from examples.lab.units import Unit
from examples.real_lab.laboratory import draw, summary, table
from examples.real_lab.questions import KINDS, TRAINED, UNTRAINED, questions
from examples.real_lab.rl import config_of
from examples.real_lab.units import ARMS, PLANS

ALL = 10**6


def test_nothing_that_is_measured_was_trained_on_in_either_order() -> None:
    train = {question.about for question in questions("train", ALL, 0, tuple(KINDS))}
    held_out = {question.about for question in questions("held_out", ALL, 0, tuple(KINDS))}
    assert not train & held_out
    assert {"sum 3 4", "capital France"} <= train | held_out
    assert not {question.kind for question in questions("train", ALL, 0)} & {*UNTRAINED}


def test_there_are_enough_questions_of_each_kind_and_the_seed_alone_chooses() -> None:
    plan = PLANS["full"]
    for split, count in (("train", plan.trained), ("held_out", plan.evaluated)):
        drawn = questions(split, count, 0)  # type: ignore[arg-type]
        for kind in TRAINED:
            assert sum(question.kind == kind for question in drawn) == count
        assert drawn == questions(split, count, 0)  # type: ignore[arg-type]
        assert drawn != questions(split, count, 1)  # type: ignore[arg-type]


def test_answers_are_right() -> None:
    by_prompt = {q.prompt: q.answer for q in questions("train", ALL, 0, tuple(KINDS))}
    by_prompt |= {q.prompt: q.answer for q in questions("held_out", ALL, 0, tuple(KINDS))}
    for words, answer in (
        ("What is 7 plus 12?", "19"),
        ("What is 6 times 8?", "48"),
        ("Which is larger, 34 or 89?", "89"),
        ("What is 20 minus 15?", "5"),
        ("What is the capital of Norway?", "Oslo"),
    ):
        (found,) = (by_prompt[prompt] for prompt in by_prompt if prompt.startswith(words))
        assert is_same(found, answer)


def test_a_weak_anchor_does_not_end_a_unit() -> None:
    config = config_of(Unit("cat", 0, PLANS["full"]), Path("weights"), Path("x"))
    assert config.failing.share == 1.0


def test_the_arms_differ_in_their_reward_and_in_nothing_else() -> None:
    configs = {
        arm: config_of(Unit(arm, 1, PLANS["full"]), Path("weights"), Path("x"))
        for arm in ARMS
        if arm != "sft"
    }
    names = {arm: type(cat_of(each).rewarder).__name__ for arm, each in configs.items()}
    assert names == {
        "cat": "AnswerReward",
        "majority": "AnswerReward",
        "random": "Random",
        "gold": "Gold",
    }
    same = [config.model_copy(update={"cat": {}}) for config in configs.values()]
    assert all(config == same[0] for config in same)


def written(folder: Path, arm: str, seed: int, start: str, end: str) -> None:
    def point(step: int, single: str) -> dict[str, Any]:
        others = dict.fromkeys(("greedy", "majority", "teacher"), "10" * (len(single) // 2))
        found = {"single": single, **others}
        return {"step": step, "held_out": found, "untrained": found}

    told = {
        "unit": asdict(Unit(arm, seed, PLANS["full"])),
        "seconds": 600,
        "points": [point(0, start), point(60, end)],
        "log": [{"step": 1, "cat/scored": 0.75}],
    }
    (folder / f"{arm}-{seed}.json").write_text(json.dumps(told))


def test_the_table_has_each_finished_unit_with_intervals_and_no_other(tmp_path: Path) -> None:
    written(tmp_path, "random", 0, "0808", "0808")
    written(tmp_path, "cat", 0, "0808", "1717")
    written(tmp_path, "cat", 1, "0000", "4444")
    rows = summary(read_units(tmp_path, ARMS))
    assert [(row["arm"], row["seed"]) for row in rows] == [("cat", 0), ("cat", 1), ("random", 0)]
    # By hand: differences of 1/8, -1/8, 1/8, -1/8 have the standard error 0.0722.
    assert rows[0]["gains"]["held_out"] == {"mean": 0.0, "low": -0.1415, "high": 0.1415}
    assert rows[1]["gains"]["held_out"] == {"mean": 0.5, "low": 0.5, "high": 0.5}
    lines = table(rows).splitlines()
    assert len(lines) == 5
    assert "| +0.000 (-0.141 to +0.141) |" in lines[2]
    columns = lines[0].count("|")
    *_, missing, other = table(
        rows, [Unit("random", seed, PLANS["full"]) for seed in range(3)]
    ).splitlines()
    assert missing.startswith("| random (control) | 1 | not run |")
    assert other.startswith("| random (control) | 2 | not run |")
    assert missing.count("|") == columns
    draw(rows, tmp_path / "gains.png")
    assert (tmp_path / "gains.png").stat().st_size > 1000
