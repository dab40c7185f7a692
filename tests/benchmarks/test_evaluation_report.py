"""The report of a large evaluation takes time that grows with what was observed, and no faster."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy")

from benchmarks.evaluation_report import CONTENDERS, seconds


def test_four_times_the_items_take_about_four_times_as_long() -> None:
    seconds(50)  # What is imported and made once.
    small, observed, _ = seconds(500)
    large, more, report = seconds(2_000)
    assert more == 4 * observed == 90 * 2_000
    # Lists of all items for each observation, or sums from scratch for each test, took 16 times.
    assert large < 8 * small + 1.0
    assert len(report.points) == 4 * len(CONTENDERS)
    assert report.pairs_tested == 6
