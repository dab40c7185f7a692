"""Many seeds of two arms: what is counted, with which interval, and which seeds are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytest.importorskip("statsmodels")
pytestmark = pytest.mark.needs_torch

from catsdk_providers.box.problems import problems
from examples.lab.curves import read_units
from examples.lab.seeds import (
    END,
    MARK,
    STEPS,
    flips,
    losses,
    of_count,
    remedied,
    signs,
    table,
    told_of,
)

_LOGGED = ("reward", "cat/agreement", "frac_reward_zero_std", "entropy", "completions/mean_length")


def unit(arm: str, seed: int, *rights: int) -> dict[str, Any]:
    """A run of twenty problems that solves twice so many with every rollout, every 15 steps."""
    points = [
        {
            "step": 15 * at,
            "held_out": {
                "single": "88" * right + "00" * (10 - right),
                "greedy": "11" * right + "00" * (10 - right),
                "majority": "11" * right + "00" * (10 - right),
            },
        }
        for at, right in enumerate(rights)
    ]
    log = [
        {"step": step, **dict.fromkeys(_LOGGED, step / 100)}
        for step in range(1, 15 * (len(rights) - 1) + 1)
    ]
    return {
        "unit": {"arm": arm, "seed": seed, "plan": {"group": 8, "evaluated": 20}},
        "points": points,
        "log": log,
    }


UNITS = {
    "cat": [unit("cat", 0, 6, 8, 9), unit("cat", 1, 6, 8, 8), unit("cat", 2, 6, 7, 7)],
    "ttrl": [unit("ttrl", 0, 6, 7, 8), unit("ttrl", 1, 6, 4, 0)],
}


def test_a_share_has_the_exact_interval() -> None:
    # (alpha / 2) ** (1 / 12) from below and from above.
    assert of_count(0, 12) == "0 of 12 (0.00 to 0.26)"
    assert of_count(12, 12) == "12 of 12 (0.74 to 1.00)"


def test_of_n_differences_of_one_sign_two_of_all_flips_are_as_large() -> None:
    assert flips([0.1] * 6) == 2 / 64
    assert flips([0.1, -0.1]) == 1.0


def test_only_seeds_that_both_arms_have_are_compared() -> None:
    told = table(UNITS)
    assert "| CaT-RL (synthesis) | 2 | 0.85 |" in told
    assert "| TTRL (majority) | 2 | 0.40 | 0.40 | 0.00 | 0.80 | 1 of 2" in told
    assert "CaT-RL ends higher than TTRL in 2 of 2 seeds, on average by +0.450" in told
    assert "it alone fell in 0, TTRL alone in 1 of them" in told
    assert "| 1 | 0.80 | 0.80 | never | 0.60 | 0.00 | 15, 0.40 |" in told


def test_the_signs_of_runs_that_fell_stand_beside_those_of_the_others() -> None:
    told = signs([*UNITS["cat"], *UNITS["ttrl"]], 15)
    assert "| agreement | 0.13 (0.13 to 0.13) | 0.13 (0.13 to 0.13) |" in told
    # Of the twelve problems that it was sure of, the run that fell still solves eight.
    assert "| answers that the policy was sure of, kept | 0.67 (0.67 to 0.67) | 1.00" in told


def test_what_a_fallen_run_lost_is_told_by_the_digits_of_the_numbers() -> None:
    lines = losses([*UNITS["cat"], *UNITS["ttrl"]]).splitlines()
    sizes = [len(str(problem.top)) for problem in problems("heldout", 20, 0)]
    digits = sorted(set(sizes))
    assert " | ".join(f"greedy, {count} digits" for count in digits) in lines[0]
    first = [sizes[:12].count(count) for count in digits]
    cells = [f"{some} of {sizes.count(each)}" for some, each in zip(first, digits, strict=True)]
    assert lines[2] == f"| TTRL (majority), 1 | 0 | {' | '.join(cells)} | 0.60 |  |"
    ends = [f"0 of {sizes.count(count)}" for count in digits]
    assert lines[3:] == [f"| TTRL (majority), 1 | 30 | {' | '.join(ends)} | 0.00 |  |"]


def test_a_remedy_stands_beside_the_run_of_its_seed() -> None:
    told = remedied([*UNITS["cat"], *UNITS["ttrl"]], [unit("ttrl", 1, 6, 7, 8)])
    assert "| TTRL (majority), 1 | 0.60 | 0.00 | 0.80 | 0.80 | never |" in told


def test_the_page_says_what_the_recorded_runs_say() -> None:
    docs = Path(__file__).parents[2] / "docs"
    told = told_of(read_units(docs / "lab"), read_units(docs / "lab" / "kl"), STEPS)
    assert f"{MARK}\n{told}\n{END}" in (docs / "results.md").read_text("utf-8")
