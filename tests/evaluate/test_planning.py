"""On as many items as are said to be needed, McNemar's test has the power that is asked for."""

from __future__ import annotations

import re
from functools import cache
from math import comb
from pathlib import Path
from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.evaluate import items_needed
from catsdk.evaluate.statistics import mcnemar

ROOT = Path(__file__).resolve().parents[2]


@cache
def least_uneven(total: int, alpha: float) -> int:
    """How many of `total` items the worse estimator has alone at most where the test finds it."""
    fewer = total // 2
    while fewer >= 0 and mcnemar(fewer, total - fewer) > alpha:
        fewer -= 1
    return fewer


def power_of(items: int, difference: float, one_right: float, alpha: float = 0.05) -> float:
    """The exact chance that the test finds a difference."""
    better = (one_right + difference) / 2 / one_right
    found = 0.0
    for total in range(items + 1):
        chance = _binomial(items, total, one_right)
        fewer = least_uneven(total, alpha) if chance > 1e-9 else -1
        tails = (*range(fewer + 1), *range(total - fewer, total + 1)) if fewer >= 0 else ()
        found += chance * sum(_binomial(total, more, better) for more in tails)
    return found


def _binomial(count: int, many: int, chance: float) -> float:
    return comb(count, many) * chance**many * (1 - chance) ** (count - many)


@pytest.mark.parametrize(
    ("difference", "one_right", "power", "alpha"),
    [(0.05, 0.1, 0.8, 0.05), (0.1, 0.2, 0.8, 0.05), (0.1, 0.3, 0.9, 0.05), (0.1, 0.2, 0.8, 0.005)],
)
def test_the_exact_test_has_the_power_on_so_many_items(
    difference: float, one_right: float, power: float, alpha: float
) -> None:
    items = items_needed(difference, one_right, power=power, alpha=alpha)
    assert power_of(items, difference, one_right, alpha) == pytest.approx(power, abs=0.015)


def test_several_pairs_need_the_items_of_a_smaller_p_value() -> None:
    assert items_needed(0.05, 0.2, pairs=10) == items_needed(0.05, 0.2, alpha=0.005)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"difference": 0.0}, "difference is 0.0"),
        ({"difference": 0.3}, "difference is 0.3 and one_right 0.2; give shares over 0"),
        ({"difference": -0.1}, "difference is -0.1"),
        ({"one_right": 1.5}, "one_right 1.5"),
        ({"difference": float("nan")}, "difference is nan"),
        ({"power": 1.0}, "power is 1.0; give a number between 0 and 1"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"pairs": 0}, "pairs is 0"),
    ],
)
def test_a_number_out_of_its_range_is_named(given: dict[str, Any], told: str) -> None:
    numbers: dict[str, Any] = {"difference": 0.1, "one_right": 0.2, **given}
    with pytest.raises(InvalidInputError, match=re.escape(told)):
        items_needed(**numbers)


def test_the_table_of_the_documentation_is_computed() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    table = page.partition("<!-- table: items -->")[2].partition("<!-- end of table -->")[0]
    head, _, *rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()]
    shares = [int(re.findall(r"(\d+) %", cell)[0]) / 100 for cell in head[1:]]
    assert rows and shares
    for first, *cells in rows:
        wanted = [
            f"{items_needed(float(first), share):,}" if float(first) <= share else "–"
            for share in shares
        ]
        assert cells == wanted
