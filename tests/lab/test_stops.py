"""What a rule would have done to a recorded run is read from its JSON, and nothing is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = pytest.mark.needs_torch

from catsdk.train import Stop
from examples.lab.preflight_table import rank_correlation
from examples.lab.stops import END, MARK, history_of, judged, read, table

ROOT = Path(__file__).parents[2]


def unit(*points: tuple[int, str, str]) -> dict[str, Any]:
    """A run whose evaluations are a step, how many of 8 are right, and whether the majority is."""
    return {
        "unit": {"arm": "majority", "seed": 7, "plan": {"group": 8}},
        "points": [
            {"step": step, "held_out": {"single": single, "majority": majority}}
            for step, single, majority in points
        ],
        "log": [{"step": step, "cat/agreement": step / 40} for step in range(1, 31)],
    }


FALLING = unit(
    (0, "888888880", "111111110"), (10, "888844440", "111110000"), (30, "0" * 9, "0" * 9)
)


def test_a_run_that_unlearns_is_stopped_at_the_evaluation_that_shows_it() -> None:
    run = judged(FALLING, Stop())
    assert (run.stops, run.fell) == (10, True)
    assert run.best == pytest.approx(8 / 9)
    assert run.end == 0.0
    assert run.at_stop == pytest.approx(6 / 9)
    # At the last evaluation there is nothing left to save.
    late = unit((0, "888888880", "111111110"), (30, "0" * 9, "0" * 9))
    assert judged(late, Stop()).stops is None


def test_the_rows_are_those_of_a_training_and_few_sure_questions_say_nothing() -> None:
    rows = history_of(FALLING)
    kept = [row["eval_cat/kept"] for row in rows if "eval_cat/kept" in row]
    assert kept == [5 / 8, 0.0]
    assert [row["step"] for row in rows] == [0, *range(1, 11), 10, *range(11, 31), 30]
    few = unit((0, "888888800", "111111100"), (10, "0" * 9, "0" * 9), (30, "0" * 9, "0" * 9))
    assert judged(few, Stop()).stops is None


def test_the_page_says_what_the_recorded_runs_say() -> None:
    told = table(read([ROOT / "docs" / "lab", ROOT / "docs" / "lab" / "rubric"]))
    assert f"{MARK}\n{told}\n{END}" in (ROOT / "docs" / "results.md").read_text("utf-8")


def test_ranks_are_correlated_with_ties_and_an_interval() -> None:
    rising = [(float(at), at**3.0) for at in range(6)]
    assert rank_correlation(rising)[0] == pytest.approx(1.0)
    # Ranks 1, 2.5, 2.5, 4 and 4, 2, 3, 1 by hand: -9/sqrt(90).
    rho, low, high = rank_correlation([(1, 9), (2, 5), (2, 7), (3, 1)])
    assert rho == pytest.approx(-0.9486833)
    assert low <= rho <= high
