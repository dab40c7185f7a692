"""Means, intervals and tests have the values that a count by hand gives."""

from __future__ import annotations

import math
from itertools import combinations, product
from time import process_time

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.evaluate.statistics import Bootstrap, holm, mcnemar, pass_at_k

pytest.importorskip("numpy")


def test_a_mean_has_its_standard_error() -> None:
    estimate = Bootstrap(4).estimate([1.0, 0.0, 1.0, 0.0])
    assert estimate is not None
    assert (estimate.mean, estimate.count) == (0.5, 4)
    assert estimate.error == pytest.approx(math.sqrt(1 / 3) / 2)


def test_missing_values_are_left_out_and_nothing_has_no_estimate() -> None:
    estimate = Bootstrap(3).estimate([None, 1.0, 0.0])
    assert estimate is not None
    assert (estimate.mean, estimate.count) == (0.5, 2)
    assert Bootstrap(2).estimate([None, None]) is None
    with pytest.raises(InvalidInputError):
        Bootstrap(2).estimate([1.0])


def test_the_interval_is_that_of_the_binomial_for_right_and_wrong() -> None:
    # 60 of 200 right: the resampled share is Binomial(200, 0.3) / 200, whose 2.5 % and 97.5 %
    # quantiles are 48 / 200 and 73 / 200 (sums of its probabilities).
    estimate = Bootstrap(200, draws=20_000, seed=3).estimate([1.0] * 60 + [0.0] * 140)
    assert estimate is not None
    assert quantile(200, 0.3, 0.025) == 48
    assert quantile(200, 0.3, 0.975) == 73
    assert estimate.low == pytest.approx(48 / 200, abs=0.0051)
    assert estimate.high == pytest.approx(73 / 200, abs=0.0051)


def quantile(n: int, p: float, level: float) -> int:
    total = 0.0
    for k in range(n + 1):
        total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
        if total >= level:
            return k
    return n


def test_resamples_are_shared_so_that_differences_are_paired() -> None:
    first, second = [1.0, 0.0, 1.0, 1.0, 0.0] * 8, [1.0, 0.0, 1.0, 0.0, 0.0] * 8
    paired = Bootstrap(40, seed=1).estimate([a - b for a, b in zip(first, second, strict=True)])
    assert paired is not None
    # The second is never better, so that no resample says it is.
    assert paired.low >= 0.0
    assert Bootstrap(40, seed=1).estimate(first) == Bootstrap(40, seed=1).estimate(first)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    # 2 (1 + 10) / 2^10, 2 * 1 / 2^5, and ties.
    [(1, 9, 22 / 1024), (5, 0, 2 / 32), (3, 3, 1.0), (0, 0, 1.0)],
)
def test_mcnemar_is_the_exact_binomial(only_first: int, only_second: int, p_value: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p_value)
    assert mcnemar(only_second, only_first) == pytest.approx(p_value)


def test_mcnemar_is_the_share_of_coin_tosses_that_are_as_uneven() -> None:
    for total in range(11):
        tosses = [sum(each) for each in product((0, 1), repeat=total)]
        for heads in range(total + 1):
            uneven = [abs(2 * toss - total) >= abs(2 * heads - total) for toss in tosses]
            share = sum(uneven) / len(uneven)
            assert mcnemar(heads, total - heads) == pytest.approx(share)


@pytest.mark.behaviour("seed-repeats-an-interval")
def test_a_seed_repeats_an_interval_and_another_gives_another() -> None:
    values = [float(at % 7 == 0) for at in range(200)]
    first, second, other = (Bootstrap(200, seed=seed).estimate(values) for seed in (4, 4, 5))
    assert first == second
    assert first is not None and other is not None
    assert first.mean == other.mean and (first.low, first.high) != (other.low, other.high)


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_pass_at_k_is_the_share_of_subsets_that_hold_a_right_sample() -> None:
    for right in range(7):
        samples = [True] * right + [False] * (6 - right)
        for k in range(1, 7):
            subsets = list(combinations(samples, k))
            share = sum(any(subset) for subset in subsets) / len(subsets)
            assert pass_at_k(6, right, k) == pytest.approx(share)
    with pytest.raises(InvalidInputError):
        pass_at_k(6, 1, 7)


def test_ten_thousand_discordant_items_are_tested_exactly_and_at_once() -> None:
    start = process_time()
    # The normal approximation, which is good to a percent here: z = 200 / sqrt(10,000) = 2.
    assert mcnemar(4_900, 5_100) == pytest.approx(0.0466, rel=0.02)
    assert process_time() - start < 1.0


def test_several_columns_have_the_estimates_that_each_has_alone() -> None:
    columns: list[list[float | None]] = [[1.0, 0.0, None, 3.0], [None] * 4, [0.1] * 4]
    made = Bootstrap(4, seed=2).estimates(columns)
    assert made == [Bootstrap(4, seed=2).estimate(each) for each in columns]
    assert made[1] is None
    constant = made[2]
    assert constant is not None and constant.low == constant.mean == constant.high
