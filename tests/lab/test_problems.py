"""The problems of the laboratory: in range, seeded, and split by canonical problem."""

from __future__ import annotations

from typing import get_args

import pytest

from catsdk_providers.box.problems import (
    OUT_OF_RANGE_DIGITS,
    TRAINED_DIGITS,
    Problem,
    Split,
    canonical,
    parse,
    problems,
    response,
    solve,
    split_of,
)

SPLITS: tuple[Split, ...] = get_args(Split)


def test_no_canonical_problem_is_in_two_splits() -> None:
    drawn = [
        {canonical(p) for seed in range(3) for p in problems(split, 400, seed, digits=(3, 8))}
        for split in SPLITS
    ]
    assert sum(map(len, drawn)) == len(set().union(*drawn))


def test_both_orders_of_the_same_numbers_are_the_same_problem() -> None:
    problem = problems("heldout", 1, 0)[0]
    turned = Problem(problem.bottom, problem.top)
    assert canonical(turned) == canonical(problem)
    assert split_of(turned) == "heldout"


@pytest.mark.parametrize("split", SPLITS)
def test_the_columns_add_up_to_the_sum(split: Split) -> None:
    for problem in problems(split, 200, 1, digits=TRAINED_DIGITS):
        assert solve(problem).answer == str(problem.top + problem.bottom)
        assert split_of(problem) == split
        assert len(str(problem.top)) == len(str(problem.bottom))


def test_the_seed_alone_chooses_the_problems_and_more_extend_them() -> None:
    assert problems("dev", 30, 5)[:10] == problems("dev", 10, 5)
    assert problems("dev", 10, 5) != problems("dev", 10, 6)


def test_long_problems_are_longer_than_any_in_training() -> None:
    assert OUT_OF_RANGE_DIGITS[0] > TRAINED_DIGITS[1]


def test_a_solution_shows_each_column_and_boxes_the_answer() -> None:
    shown = "c3: 2+5=7\nc2: 8+9=17\nc1: 4+3+1=8\n\\boxed{877}"
    assert response(solve(parse("What is 482+395?"))) == shown


def test_a_problem_survives_writing_and_reading() -> None:
    for problem in problems("rl", 50, 0):
        assert parse(f"Compute {problem}.") == problem


@pytest.mark.parametrize("text", ["What is love?", "48+395", "1+", "1234567890+1234567890"])
def test_text_without_a_problem_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no sum of two numbers"):
        parse(text)


def test_more_problems_than_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="asked for"):
        problems("dev", 5000, 0, digits=(2, 2))
