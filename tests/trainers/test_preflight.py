"""A preflight measures what a training would meet, and makes no number of what it cannot see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = pytest.mark.needs_torch

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure, Result
from catsdk.estimators import Majority
from catsdk.scored import Scored, failed_group
from catsdk.testing import FunctionProvider
from catsdk.train import CaTConfig, Measure, Preflight, preflight, preset
from catsdk_providers.box.problems import problems, solve
from catsdk_trainers.preflight.consensus import Consensus
from catsdk_trainers.preflight.rule import (
    FEWEST,
    LEAST_AIM,
    LEAST_USABLE,
    MOST_WITHOUT_ANSWER,
    MOST_WITHOUT_REWARD,
    answer_of,
    checks_of,
)
from catsdk_trainers.preflight.seen import Opinion, Seen
from catsdk_trainers.preflight.signs import SIGNS, measured

ROOT = Path(__file__).resolve().parents[2]


async def seen(
    answers: str, rewards: tuple[float | None, ...] | None, right: tuple[float | None, ...] | None
) -> Seen:
    """A group whose rollouts answer the letters of `answers`; `-` is no answer."""
    texts = ["I do not know." if each == "-" else f"\\boxed{{{each}}}" for each in answers]
    group = cat.group_of(f"{answers}?", texts)
    votes = await cat.Answers().votes([rollout.answer for rollout in group.rollouts])
    if rewards is None:
        cause = Failure(kind="ProviderError", message="the anchor is down")
        return Seen(failed_group(group, cause), votes, right)
    scores = tuple(cat.Score(index=at, value=value) for at, value in enumerate(rewards))
    return Seen(Scored(group, Result(group=group, scores=scores)), votes, right)


def rows(count: int, digits: tuple[int, int] = (7, 8), *, answers: bool = True) -> list[Any]:
    return [
        {"prompt": str(problem)} | ({"answer": solve(problem).answer} if answers else {})
        for problem in problems("dev", count, 0, digits=digits)
    ]


def box(tmp_path: Path, **changes: Any) -> CaTConfig:
    changes = {"rollouts": {"count": 4}, "held_out": None, "output": str(tmp_path)} | changes
    return preset("box", **changes)


def test_a_mean_has_an_interval_and_equal_values_prove_nothing_beyond_their_number() -> None:
    half = Measure.of([0.0, 1.0] * 50)
    assert half.mean == 0.5
    assert half.low is not None and 0.38 < half.low < 0.44
    none = Measure.of([0.0] * 8)
    assert none.high is not None and round(none.high, 2) == 0.31
    more = Measure.of([0.0] * 80)
    assert more.high is not None and more.high < 0.04


@pytest.mark.parametrize("values", [[], [None, None], [float("nan")], [float("inf")]])
def test_what_was_not_measured_is_unknown_and_no_number(values: list[float | None]) -> None:
    measure = Measure.of(values, unknown="the judge was down")
    assert (measure.mean, measure.low, measure.high, measure.count) == (None, None, None, 0)
    assert str(measure) == "unknown: the judge was down"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rewards", "aim"),
    [
        ((1, 1, 0, 0), 0.5),
        ((0, 0, 1, 1), -0.5),
        ((1, 0, 1, 0), 0.0),
        ((1, 1, 1, 1), 0.0),
        # Mean 1/3 and deviation sqrt(2)/3 over the three that have a reward: 2/3 over that, of 4.
        ((1, 0, 0, None), (2 - 1) / 2**0.5 / 4),
        ((0.9, 0.9, 0.1, 0.1), 0.5),
    ],
)
async def test_the_aim_says_whether_advantages_favour_right_rollouts(
    rewards: tuple[float | None, ...], aim: float
) -> None:
    one = await seen("1122", rewards, (1, 1, 0, 0))
    assert one.aim == pytest.approx(aim)
    assert one.best_aim == 0.5


@pytest.mark.anyio
async def test_rollouts_that_could_not_be_graded_count_for_neither_side() -> None:
    one = await seen("1122", (1, 1, 0, 0), (1, None, 0, 0))
    assert one.policy == pytest.approx(1 / 3)
    assert one.aim == 0.25


@pytest.mark.anyio
async def test_a_group_without_reward_is_counted_and_teaches_nothing() -> None:
    failed = await seen("12-2", None, (1, 0, 0, 0))
    found = measured([failed], [failed])
    assert (found["no_reward"].mean, found["usable"].mean, found["aim"].mean) == (1, 0, 0)
    assert found["zero_variance"].unknown == "no group has a reward"
    assert found["no_answer"].mean == 0.25
    assert found["token_entropy"].unknown == "the policy gives no log-probabilities"


@pytest.mark.anyio
async def test_the_rule_needs_every_condition_and_says_unknown_where_it_cannot_tell() -> None:
    good = [await seen("1122", (1, 1, 0, 0), (1, 1, 0, 0))] * 8
    bad = [await seen("1122", (0, 0, 1, 1), (1, 1, 0, 0))] * 8
    mute = [await seen("1---", (1, 0, 0, 0), (1, 0, 0, 0))] * 8
    flat = [await seen("1111", (1, 1, 1, 1), (1, 1, 1, 1))] * 32

    def says(trained_on: list[Seen], graded: list[Seen]) -> str:
        return answer_of(checks_of(measured(trained_on, graded)))

    assert says(good, good) == "likely"
    assert says(good, bad) == "unlikely"
    assert says(mute, good) == says(flat, flat) == "unlikely"
    assert says(good, good[:4]) == says(good, []) == "unknown"
    assert says(flat, []) == "unlikely"
    # One group without differences is no evidence that there are none.
    assert says(flat[:1], good) == "unknown"
    assert says([], []) == "unknown"


@pytest.mark.anyio
async def test_a_confident_majority_that_is_contradicted_is_named() -> None:
    base = await seen("1112", (1, 1, 1, 0), (0, 0, 0, 1))
    groups = [
        Seen(base.scored, base.votes, base.right, majority=0.0, opinion=opinion)
        for opinion in (Opinion("2", True), Opinion("1", False), Opinion(because="cut short"))
    ]
    split = await seen("1122", (1, 1, 0, 0), None)
    found = Consensus.of([*groups, split], "the teacher")
    assert (found.prompts, found.confident) == (4, 3)
    assert (found.contradicted.mean, found.contradicted.count) == (0.5, 2)
    assert (found.wrong.mean, found.caught.mean) == (1.0, 0.5)
    (told,) = found.contradictions
    assert (told.majority, told.other, told.share, told.majority_right) == ("1", "2", 0.75, False)
    assert Consensus.of([split], "the teacher").contradicted.mean is None


def test_known_answers_as_rewards_aim_as_well_as_can_be_and_chance_does_not(
    tmp_path: Path,
) -> None:
    def found(reward: str) -> Preflight:
        config = box(tmp_path, cat={"reward": reward}, rollouts={"count": 8})
        return preflight(config, rows(8), prompts=8)

    gold, chance = found("Gold"), found("Random")
    assert gold.measures["aim"].mean == pytest.approx(gold.measures["best_aim"].mean)
    assert gold.pays == "likely"
    assert chance.pays != "likely"
    # The same rollouts, however they are rewarded.
    assert chance.measures["policy"] == gold.measures["policy"]
    assert gold.measures["lead"].unknown is not None
    assert gold.forecast.requests == 0
    entropy = gold.measures["token_entropy"].mean
    assert entropy is not None and 0 < entropy < 1


def test_without_known_answers_it_says_what_it_can_and_nothing_else(tmp_path: Path) -> None:
    config = box(tmp_path, cat={"estimator": "Majority", "reward": "AnswerReward"})
    found = preflight(config, rows(3, answers=False), prompts=3)
    assert (found.pays, found.graded) == ("unknown", 0)
    assert found.measures["lead"].unknown == "no prompt has a known answer (held_out)"
    assert found.measures["not_the_reference"].mean is not None
    assert found.consensus.second_view == "a synthesis by the initial policy"
    assert any("--held-out FILE" in each for each in found.advice)
    assert Preflight.model_validate_json(found.model_dump_json()) == found


def test_rollouts_that_break_off_come_with_what_to_change(tmp_path: Path) -> None:
    rollouts = {"count": 2, "max_tokens": 2}
    config = box(tmp_path, cat={"reward": "Gold"}, rollouts=rollouts)
    found = preflight(config, rows(3), prompts=3)
    assert found.measures["no_answer"].mean == 1.0
    assert any("rollouts.max_tokens" in each for each in found.advice)


def test_held_out_prompts_grade_and_a_hosted_anchor_is_the_second_view_and_is_counted(
    tmp_path: Path,
) -> None:
    anchor = FunctionProvider(lambda request: "# UNIFIED RESPONSE\n\\boxed{7}")
    method = cat.CaT(
        "local", estimator=cat.Synthesizer(anchor), reward=cat.AnswerReward(), client=cat.Client()
    )
    config = box(tmp_path, steps=10, batch=8, device_batch=8, evaluation={"every": 0})
    known = rows(3, (3, 3))
    found = preflight(config, rows(2, (3, 3), answers=False), known, prompts=4, cat=method)
    assert (found.prompts, found.graded) == (2, 3)
    assert found.measures["teacher"].mean == 0.0
    assert found.measures["policy"].mean is not None and found.measures["policy"].mean > 0.5
    # No rollout agrees with it, so all rewards are the same; five prompts are too few to say more.
    assert (found.measures["aim"].mean, found.measures["usable"].mean) == (0.0, 0.0)
    assert found.pays == "unknown"
    (vote,) = (each for each in found.advice if "cat.estimator=Majority" in each)
    assert "right on 0% of 3 prompts" in vote
    assert found.consensus.second_view == "the teacher"
    assert found.consensus.contradicted.mean == 1.0
    # 10 steps of 2 prompts, a call each.
    assert (found.forecast.rollouts, found.forecast.requests) == (80, 20.0)


def test_a_budget_holds_here_too_and_what_it_left_out_is_said(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    found = preflight(
        box(tmp_path, budget={"requests": 1}),
        rows(3),
        prompts=3,
        on_progress=lambda *step: heard.append(step),
    )
    assert heard == [
        (step, done, 3) for step in ("sampling", "rewarding", "comparing") for done in range(4)
    ]
    assert found.partial is not None
    assert "2 of 3 groups left out: Partial: the budget of 1 request" in found.partial
    # What was not paid for says nothing about the training.
    assert (found.measures["no_reward"].mean, found.measures["no_reward"].count) == (0.0, 1)
    assert found.measures["aim"].count == 1
    assert found.pays == "unknown"


def test_prompts_under_one_and_gold_without_answers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="prompts is 0"):
        preflight(box(tmp_path), rows(1), prompts=0)
    with pytest.raises(InvalidInputError, match="no known answer in the column 'answer'"):
        preflight(box(tmp_path, cat={"reward": "Gold"}), rows(1, answers=False))


def test_the_vote_inside_a_reward_has_a_second_view_too(tmp_path: Path) -> None:
    method = cat.CaT("local", reward=cat.AnswerReward(estimator=Majority()))
    found = preflight(box(tmp_path), rows(2, (3, 3)), prompts=2, cat=method)
    assert found.consensus.second_view == "a synthesis by the initial policy"
    assert found.consensus.contradicted.count == found.consensus.confident


def test_the_documentation_explains_every_row_of_the_report() -> None:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    table = page.partition("<!-- table: signs -->")[2].partition("<!-- end of table -->")[0]
    rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    assert [(row[0], row[1]) for row in rows] == [(sign.label, f"`{sign.name}`") for sign in SIGNS]
    assert all(len(row) == 5 and all(row) for row in rows)
    # The conditions of the rule, and no others, are in bold, with their limits.
    limits = {row[1].strip("`"): row[3] for row in rows if row[3].startswith("**")}
    assert limits == {
        "usable": f"**at least {LEAST_USABLE:.0%}**".replace("%", " %"),
        "no_reward": f"**at most {MOST_WITHOUT_REWARD:.0%}**".replace("%", " %"),
        "no_answer": f"**at most {MOST_WITHOUT_ANSWER:.0%}**".replace("%", " %"),
        "aim": f"**at least {LEAST_AIM:g}, its interval above 0, on at least {FEWEST} prompts**",
    }
    assert set(limits) == {check.sign for check in checks_of(measured([], []))}
    on_training = [sign.name for sign in SIGNS if not sign.graded]
    assert [sign.name for sign in SIGNS][: len(on_training)] == on_training
    assert f'rows up to "{SIGNS[len(on_training) - 1].label}"' in " ".join(page.split())
