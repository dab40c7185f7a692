"""Stragglers are told from ordinary calls, whatever share of the calls they are."""

import anyio
import pytest

from catsdk.core.concurrency.bell import Bell
from catsdk.runtime.limits.latency import ENOUGH, Latencies


def after(*seconds: float) -> float | None:
    latencies = Latencies()
    for each in seconds:
        latencies.answered("sample", each, tokens=0, window=1000)
    return latencies.straggles_after("sample")


def test_nothing_is_said_before_enough_is_known() -> None:
    assert after(*[1.0] * (ENOUGH - 1)) is None
    assert Latencies().straggles_after("sample") is None


def test_ordinary_calls_are_no_stragglers_where_latencies_hardly_vary() -> None:
    assert after(*[1.0 + at / 1000 for at in range(64)]) == pytest.approx(1.5, rel=0.05)


def test_the_p95_counts_where_it_is_between() -> None:
    assert after(*[1.0] * 90, *[1.7] * 6) == pytest.approx(1.7)


def test_where_many_straggle_the_threshold_is_no_straggler_s_latency() -> None:
    assert after(*[1.0] * 90, *[10.0] * 30) == pytest.approx(2.0)


async def test_who_began_before_enough_was_known_is_told_when_it_is() -> None:
    latencies, bell, gone = Latencies(), Bell(), Bell()
    latencies.tell_when_known("sample", bell)
    latencies.tell_when_known("sample", gone)
    latencies.forget("sample", gone)
    for _ in range(ENOUGH):
        latencies.answered("sample", 1.0, tokens=0, window=1000)
    with anyio.fail_after(5):
        await bell.wait()
    with anyio.move_on_after(0.01) as scope:
        await gone.wait()
    assert scope.cancelled_caught


def test_a_pace_is_by_token_so_longer_answers_are_not_slower() -> None:
    latencies = Latencies()
    for _ in range(40):
        assert not latencies.answered("sample", 1.0, tokens=68, window=20)
    verdicts = [latencies.answered("sample", 10.0, tokens=968, window=20) for _ in range(40)]
    assert verdicts.count(False) == 2
    verdicts = [latencies.answered("sample", 10.0, tokens=68, window=20) for _ in range(20)]
    assert verdicts[-1] is True


def test_each_stage_has_latencies_of_its_own() -> None:
    latencies = Latencies()
    for _ in range(ENOUGH):
        latencies.answered("judge", 1.0, tokens=0, window=1000)
    assert latencies.straggles_after("judge") is not None
    assert latencies.straggles_after("sample") is None
