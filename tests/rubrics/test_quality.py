"""Planted faults of a rubric are found: twins, compounds, no signal, a reference ranked low."""

from __future__ import annotations

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Rubric, Score, Verdict
from catsdk.rubrics.bias import position_bias
from catsdk.rubrics.judge import Judge, Judging
from catsdk.rubrics.panel import Panel
from catsdk.rubrics.quality import (
    Filters,
    corrupted,
    filtered,
    parts_of,
    ranks_reference,
    report,
    twins,
)
from catsdk.rubrics.screening import screened
from tests.rubrics.scripted import FixedJudge, contains_judge, rollout_of, rubric_of


def texts(rubric: object) -> list[str]:
    return [criterion.text for criterion in rubric.criteria]  # type: ignore[attr-defined]


# --- twins ---


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Gives the dose of 50 mg.", "gives the dose of 50 mg"),
        ("States that the drug causes sleep", "States that this drug causes the sleep"),
    ],
)
def test_the_same_words_are_twins(left: str, right: str) -> None:
    assert twins(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Gives the dose of 50 mg", "Gives the dose of 500 mg"),
        ("shows c1=9", "shows c2=9"),
        ("Says that x is even", "Says that y is even"),
        ("Says that it is safe to drive now", "Says that it is not safe to drive now"),
        ("Names the capital of France", "Names the river of Germany"),
    ],
)
def test_another_number_name_or_a_not_makes_no_twin(left: str, right: str) -> None:
    assert not twins(left, right)


def test_of_planted_twins_the_first_stays_and_the_change_is_told() -> None:
    rubric = rubric_of("Gives the dose of 50 mg", "Warns of sleep", "gives the dose of 50 mg.")
    result = filtered(rubric, Filters(twins=True))
    assert texts(result.rubric) == ["Gives the dose of 50 mg", "Warns of sleep"]
    assert result.changes == ("c3 says the same as c1 and is dropped",)
    assert result.rubric.version == rubric.version + 1


def test_filters_are_off_by_default_and_leave_a_clean_rubric_alone() -> None:
    rubric = rubric_of("States a and gives b", "States a and gives b")
    assert filtered(rubric, Filters()).rubric is rubric
    clean = rubric_of("Gives the dose", "Warns of sleep")
    assert filtered(clean, Filters(twins=True, compound="split")).rubric is clean


# --- compound criteria ---


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("States the dose and recommends rest", ["States the dose", "Recommends rest"]),
        (
            "Gives 5, names the unit, and explains why",
            ["Gives 5", "Names the unit", "Explains why"],
        ),
        ("Warns of sleep; advises not to drive", ["Warns of sleep", "Advises not to drive"]),
        ("Lists a as well as describes b", ["Lists a", "Describes b"]),
        ("Mentions salt and pepper", ["Mentions salt and pepper"]),
        ('Says "stop and states why"', ['Says "stop and states why"']),
        ("Explains Newton's and Hooke's laws", ["Explains Newton's and Hooke's laws"]),
    ],
)
def test_demands_are_parted_at_a_second_verb(text: str, parts: list[str]) -> None:
    assert parts_of(text) == parts


def test_a_planted_compound_is_split_or_dropped() -> None:
    rubric = rubric_of("States the dose and recommends rest", "Warns of sleep")
    split = filtered(rubric, Filters(compound="split")).rubric
    assert [(c.id, c.text, c.weight) for c in split.criteria] == [
        ("c1.1", "States the dose", 1.0),
        ("c1.2", "Recommends rest", 1.0),
        ("c2", "Warns of sleep", 1.0),
    ]
    assert texts(filtered(rubric, Filters(compound="drop")).rubric) == ["Warns of sleep"]


def test_the_parts_of_a_weighted_compound_weigh_what_it_did() -> None:
    rubric = rubric_of("States a1 and gives b1", "Warns of c1", weights=(1.0, 0.5))
    split = filtered(rubric, Filters(compound="split")).rubric
    assert [c.weight for c in split.criteria] == [0.5, 0.5, 0.5]


def test_a_rubric_of_nothing_but_compounds_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="no criterion of the rubric is left"):
        filtered(rubric_of("States a and gives b"), Filters(compound="drop"))


# --- signal, discrimination, agreement ---


def scores_of(*rows: tuple[bool | None, ...]) -> list[Score]:
    return [
        Score(
            index=at,
            value=None,
            verdicts=tuple(Verdict(criterion_id=f"c{k}", met=met) for k, met in enumerate(row, 1)),
        )
        for at, row in enumerate(rows)
    ]


def test_criteria_that_all_or_none_meet_have_no_signal() -> None:
    scores = scores_of((True, False, True), (True, False, False), (True, False, None))
    reports = report(rubric_of("all", "none", "some"), scores)
    assert [each.signal for each in reports] == [False, False, True]
    assert [each.met for each in reports] == [1.0, 0.0, 0.5]
    assert [each.judged for each in reports] == [3, 3, 2]


def test_a_criterion_against_the_rest_has_negative_discrimination() -> None:
    scores = scores_of((True, True, False), (False, False, True), (True, True, False))
    reports = report(rubric_of("good", "also good", "planted"), scores)
    assert reports[2].discrimination == pytest.approx(-1.0)
    assert reports[0].discrimination is None, "the rest is the same for every rollout"
    assert report(rubric_of("a"), scores_of((True,), (False,)))[0].discrimination is None


async def test_the_votes_of_a_panel_give_a_criterion_s_agreement() -> None:
    panel = Panel(
        FixedJudge(lambda name, text: True),
        FixedJudge(lambda name, text: True),
        FixedJudge(lambda name, text: name == "c1"),
    )
    rubric = rubric_of("clear", "unclear")
    verdicts = await panel.judge(rubric, rollout_of("x"))
    reports = report(rubric, [Score(index=0, value=1.0, verdicts=verdicts)])
    assert [each.agreement for each in reports] == [1.0, pytest.approx(1 / 3)]


# --- the reference before a corrupted one ---

REFERENCE = "Take 50 mg. Wait two hours. Do not drive. Call after 3 days."


def test_a_corrupted_text_is_another_one_each_seed_and_the_same_for_one() -> None:
    assert corrupted(REFERENCE, 1) == corrupted(REFERENCE, 1) != REFERENCE
    assert len({corrupted(REFERENCE, seed) for seed in range(20)}) > 3
    assert all("50 mg" not in corrupted(REFERENCE, seed) for seed in range(20))
    with pytest.raises(InvalidInputError, match="cannot be corrupted"):
        corrupted("hello")


async def test_a_rubric_that_names_the_reference_s_facts_ranks_it_first() -> None:
    judge = Judge(contains_judge())
    assert await ranks_reference(rubric_of("50 mg", "two hours"), REFERENCE, judge) is True


async def test_a_planted_rubric_that_any_text_meets_does_not() -> None:
    judge = Judge(contains_judge())
    assert await ranks_reference(rubric_of("mg", "hours"), REFERENCE, judge) is False
    worse = ["Take 50 mg."]
    assert await ranks_reference(rubric_of("50 mg"), REFERENCE, judge, worse=worse) is False


async def test_without_all_verdicts_there_is_no_ranking() -> None:
    judge = FixedJudge(lambda name, text: None if name == "c1" else True)
    assert await ranks_reference(rubric_of("a", "b"), REFERENCE, judge) is None


async def test_a_screened_rubric_is_filtered_and_passes_or_says_why_not() -> None:
    judge, filters = Judge(contains_judge()), Filters(twins=True)
    good = await screened(rubric_of("50 mg", "two hours"), REFERENCE, filters, judge=judge)
    assert (good.rejected, good.changes) == (None, ())
    planted = await screened(rubric_of("Take mg", "mg Take", "mg"), REFERENCE, filters, judge=judge)
    assert planted.changes == ("c2 says the same as c1 and is dropped",)
    assert "does not rank" in (planted.rejected or "")
    mute = FixedJudge(lambda name, text: None)
    unknown = await screened(rubric_of("50 mg"), REFERENCE, filters, judge=mute)
    assert "are missing" in (unknown.rejected or "")
    assert (await screened(rubric_of("a"), REFERENCE, filters)).rejected is None


# --- position ---


async def test_a_judge_that_goes_by_place_is_found_out() -> None:
    class ByPlace:
        async def judge(self, rubric: Rubric, rollout: object, ctx: object) -> list[Verdict]:
            return [Verdict(criterion_id=c.id, met=at < 2) for at, c in enumerate(rubric.criteria)]

    found = await position_bias(ByPlace(), rubric_of(*"abcd"), [rollout_of("x")])
    assert (found.compared, found.flipped) == (4, 1.0)
    assert (found.first_half, found.second_half) == (1.0, 0.0)


async def test_a_judge_that_reads_flips_nothing() -> None:
    judge = Judge(contains_judge(), judging=Judging(mode="all"), remember=False)
    rollouts = [rollout_of("a c"), rollout_of("b")]
    found = await position_bias(judge, rubric_of(*"abcd"), rollouts)
    assert (found.compared, found.flipped) == (8, 0.0)
    assert found.first_half == found.second_half


async def test_a_judge_that_remembers_its_verdicts_is_refused() -> None:
    judge = Judge(contains_judge(), judging=Judging(mode="all"))
    with pytest.raises(InvalidInputError, match="remember=False"):
        await position_bias(judge, rubric_of(*"abcd"), [rollout_of("a c")])
