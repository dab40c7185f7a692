"""No full collection begins by itself while calls are made, and afterwards all is as it was."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from catsdk.core.concurrency.collecting import full_collections_wait


def full_collections() -> int:
    """How many there have been."""
    return int(gc.get_stats()[2]["collections"])


def litter() -> None:
    """As much as brings one about: over a quarter of the objects that the process has."""
    kept: list[Any] = [[] for _ in range(len(gc.get_objects()) // 2 + 200_000)]
    del kept


def test_full_collections_wait_and_young_ones_do_not() -> None:
    usual = gc.get_threshold()
    before, young = full_collections(), gc.get_stats()[0]["collections"]
    with full_collections_wait():
        litter()
        assert full_collections() == before
        assert gc.get_stats()[0]["collections"] > young
    assert gc.get_threshold() == usual
    litter()
    assert full_collections() > before


def test_what_calls_in_flight_hold_is_not_looked_through_again_and_again() -> None:
    with full_collections_wait():
        gc.collect(0)
        before = gc.get_stats()[0]["collections"]
        held: list[Any] = [[] for _ in range(50_000)]
        assert gc.get_stats()[0]["collections"] == before
    del held


def test_a_collector_that_is_off_stays_off() -> None:
    usual = gc.get_threshold()
    try:
        gc.set_threshold(0)
        with full_collections_wait():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*usual)


def test_the_last_of_blocks_that_overlap_puts_the_threshold_back() -> None:
    usual = gc.get_threshold()
    first, second = full_collections_wait(), full_collections_wait()
    first.__enter__()
    waiting = gc.get_threshold()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == waiting != usual
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual


def test_a_failure_puts_the_threshold_back() -> None:
    usual = gc.get_threshold()
    with pytest.raises(RuntimeError), full_collections_wait():
        raise RuntimeError
    assert gc.get_threshold() == usual
