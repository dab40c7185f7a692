"""The problems of the laboratory: in range, seeded, and split by canonical problem."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from catsdk_providers.box.problems import (
    LARGEST,
    OUT_OF_RANGE_TERMS,
    TRAINED_TERMS,
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
        {canonical(p) for seed in range(3) for p in problems(split, 400, seed, terms=(3, 9))}
        for split in SPLITS
    ]
    assert sum(map(len, drawn)) == len(set().union(*drawn))


def test_every_order_of_the_same_terms_is_the_same_problem() -> None:
    problem = problems("heldout", 1, 0)[0]
    mixed = list(problem.terms)
    random.Random(0).shuffle(mixed)
    assert canonical(Problem(tuple(mixed))) == canonical(problem)
    assert split_of(Problem(tuple(mixed))) == "heldout"


@pytest.mark.parametrize("split", SPLITS)
def test_every_value_on_the_way_stays_in_range(split: Split) -> None:
    for problem in problems(split, 100, 1, terms=TRAINED_TERMS):
        assert all(0 <= step.after <= LARGEST for step in solve(problem).steps)
        assert split_of(problem) == split
        assert 0 not in problem.terms


def test_the_seed_alone_chooses_the_problems_and_more_extend_them() -> None:
    assert problems("dev", 30, 5)[:10] == problems("dev", 10, 5)
    assert problems("dev", 10, 5) != problems("dev", 10, 6)


def test_long_problems_are_longer_than_any_in_training() -> None:
    assert OUT_OF_RANGE_TERMS[0] > TRAINED_TERMS[1]


def test_a_solution_shows_each_step_and_boxes_the_answer() -> None:
    assert response(solve(parse("What is 47+38-29?"))) == "47+38=85\n85-29=56\n\\boxed{56}"


def test_a_problem_survives_writing_and_reading() -> None:
    for problem in problems("rl", 50, 0):
        assert parse(f"Compute {problem}.") == problem


def test_text_without_a_problem_is_refused() -> None:
    with pytest.raises(ValueError, match="no sum or difference"):
        parse("What is love?")


def test_more_problems_than_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="asked for"):
        problems("dev", 5000, 0, terms=(2, 2))
