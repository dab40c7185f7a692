"""Units of the laboratory leave their numbers, are run once, and become a table and a verdict."""

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

import catsdk as cat
from catsdk.estimators import Majority, Synthesizer
from catsdk.runtime import context_of
from catsdk.train import PolicyAnchor, cat_of
from catsdk_providers.box.problems import parse
from examples.lab.curves import draw, gain, read_units, table
from examples.lab.laboratory import run_all, verdict
from examples.lab.mistakes import failing_pairs, pairs_of
from examples.lab.others import OTHERS, SameText, Swapped
from examples.lab.rl import config_of, rows_of, run
from examples.lab.units import ARMS, PLANS, Plan, Unit, file_of, units

ROOT = Path(__file__).resolve().parents[2]
TINY = Plan(
    steps=2, prompts=2, group=2, every=1, evaluated=3, longer=2, sft_problems=4, sft_batch=2
)


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
def test_a_unit_leaves_its_numbers_and_is_not_run_again(arm: str, tmp_path: Path) -> None:
    unit = Unit(arm, 0, TINY)
    file = run(unit, tmp_path)
    told = json.loads(file.read_text())
    assert told["unit"] == asdict(unit)
    first, last = told["points"][0], told["points"][-1]
    assert (first["step"], len(first["held_out"]["single"])) == (0, TINY.evaluated)
    assert set(last["held_out"]) == {"single", "greedy", "majority", "teacher", "own"}
    assert len(last["longer"]["own"]) == TINY.longer
    assert len(told["log"]) == told["points"][-1]["step"]
    if arm not in {"sft", *OTHERS}:
        assert all(row["cat/scored"] > 0 for row in told["log"])
    written = file.stat().st_mtime_ns
    assert run(unit, tmp_path) == file
    assert file.stat().st_mtime_ns == written
    assert not (tmp_path / "runs" / unit.name).exists()


@pytest.mark.parametrize("name", ["", "rubric", "short", "long", "long-32", "long-1000"])
def test_the_page_says_what_the_recorded_units_say(name: str) -> None:
    folder = ROOT / "docs" / "lab" / name
    told = table(read_units(folder))
    between = f"<!-- {folder.name} -->\n{told}\n<!-- /{folder.name} -->"
    assert between in (ROOT / "docs" / "results.md").read_text("utf-8")


def test_units_that_are_done_are_not_started(tmp_path: Path) -> None:
    done, missing = Unit("cat", 0, TINY), Unit("cat", 1, TINY)
    file_of(done, tmp_path).write_text(json.dumps({"unit": asdict(done)}))
    # No module has this name: what is started fails.
    assert run_all([done, missing], "examples.lab.nothing", tmp_path, 1, []) == [missing]


def test_the_arms_differ_in_their_reward_and_in_nothing_else() -> None:
    configs = {
        arm: config_of(Unit(arm, 1, PLANS["full"]), Path("x")) for arm in ARMS if arm != "sft"
    }
    rewarded = {arm: cat_of(config) for arm, config in configs.items()}
    names = {arm: type(each.rewarder).__name__ for arm, each in rewarded.items()}
    assert names == {
        "cat": "AnswerReward",
        "cat-current": "AnswerReward",
        "ttrl": "AnswerReward",
        "gold": "Gold",
        "random": "Random",
        "rubric": "RubricReward",
        **dict.fromkeys(("harmony", "co-rewarding-1", "co-rewarding-2"), "AnswerReward"),
        "empo": "EntropyBand",
        "rlpr": "SkipFlat",
        "darling": "Diverse",
        "certainty": "SelfCertainty",
        "entropy": "NegativeEntropy",
    }
    for arm, kind in (("cat", "initial"), ("cat-current", "current")):
        estimator = rewarded[arm].estimator
        assert isinstance(estimator, Synthesizer)
        assert isinstance(estimator.anchor, PolicyAnchor)
        assert estimator.anchor.kind == kind
    assert isinstance(rewarded["ttrl"].estimator, Majority)
    same = [config.model_copy(update={"cat": {}}) for config in configs.values()]
    assert all(config == same[0] for config in same)


def test_a_plan_with_few_problems_repeats_them() -> None:
    plan = PLANS["long-32"]
    assert plan.steps * plan.prompts > 32
    few, many = (rows_of(Unit("cat", 0, PLANS[name])) for name in ("long-32", "long-1000"))
    assert len({row["prompt"] for row in few}) == 32
    assert len({row["prompt"] for row in many}) == 1000


async def test_a_sum_is_swapped_and_equal_texts_are_told_from_others() -> None:
    group = cat.group_of("12+34", ["a", "b"])
    async with context_of(cat.Client(), group=group) as ctx:
        assert await Swapped().paraphrase(group, ctx) == "34+12"
        scores = await SameText().reward(group, ctx.reference("b"), ctx)
    assert [score.value for score in scores] == [0.0, 1.0]


def written(folder: Path, arm: str, seed: int, start: str, end: str) -> None:
    def point(step: int, single: str) -> dict[str, Any]:
        ones = "1" * len(single)
        others = dict.fromkeys(("greedy", "majority", "teacher", "own"), ones)
        return {"step": step, "held_out": {"single": single, **others}}

    row = {
        "step": 1,
        "reward": 0.5,
        "frac_reward_zero_std": 0.1,
        "cat/agreement": 0.4,
        "entropy": 0.1,
        "completions/mean_length": 70.0,
    }
    told = {
        "unit": asdict(Unit(arm, seed, PLANS["short"])),
        "seconds": 60,
        "points": [point(0, start), point(24, end)],
        "log": [row],
    }
    (folder / f"{arm}-{seed}.json").write_text(json.dumps(told))


def test_the_verdict_wants_synthesis_to_rise_and_chance_not(tmp_path: Path) -> None:
    written(tmp_path, "cat", 0, "12341234", "56785678")
    written(tmp_path, "random", 0, "12341234", "21432143")
    told, fine = verdict(tmp_path)
    assert fine, told
    assert "cat, seed 0: held-out accuracy +0.500" in told
    written(tmp_path, "random", 0, "12341234", "56785678")
    assert not verdict(tmp_path)[1]
    written(tmp_path, "random", 0, "12341234", "12341234")
    written(tmp_path, "cat", 0, "12341234", "21432143")
    assert not verdict(tmp_path)[1]


def test_a_gain_is_paired_by_problem(tmp_path: Path) -> None:
    written(tmp_path, "cat", 0, "0808", "1717")
    ((told,),) = read_units(tmp_path).values()
    mean, error = gain(told)
    # By hand: the differences are 1/8, -1/8, 1/8, -1/8.
    assert mean == 0
    assert error == pytest.approx((4 * (1 / 8) ** 2 / 3) ** 0.5 / 2)


def test_table_and_curves_are_made_from_the_files(tmp_path: Path) -> None:
    for arm in ("cat", "random"):
        for seed in range(2):
            written(tmp_path, arm, seed, "12341234", "56785678")
    arms = read_units(tmp_path)
    rows = table(arms).splitlines()
    assert len(rows) == 4
    assert "| 2 | 0.312 (0.312 to 0.312) | 0.812" in rows[2]
    draw(arms, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_every_arm_comes_before_the_second_seed() -> None:
    names = [unit.name for unit in units(PLANS["full"], ("cat", "random"), 2)]
    assert names == ["cat-0", "random-0", "cat-1", "random-1"]


def test_a_sum_of_digits_that_most_of_its_problems_fail_on_is_found() -> None:
    asked = [*[parse("11+11")] * 10, *[parse(f"17+{at}8") for at in range(1, 10)], parse("70+80")]
    assert pairs_of(asked[-1]) == {(7, 8), (0, 0)}
    assert failing_pairs(asked, "0000111111" + "0000001111") == {(7, 8): (6, 10)}
