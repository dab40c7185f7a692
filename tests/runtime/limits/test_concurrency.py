"""The limit stays in its bounds, cuts once for one burst, and comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.runtime.limits.concurrency import AdaptiveLimit

events = st.lists(st.sampled_from(["ok", "idle", "refused", "slow", "stale"]), max_size=300)


@given(st.integers(1, 500), events)
def test_the_limit_stays_between_the_floor_and_the_cap(most: int, happened: list[str]) -> None:
    limit = AdaptiveLimit(most)
    for event in happened:
        match event:
            case "refused":
                limit.overloaded(limit.epoch)
            case "stale":
                limit.overloaded(limit.epoch - 1)
            case "slow":
                limit.slowed(limit.epoch)
            case _:
                limit.succeeded(full=event == "ok")
        assert 1 <= limit.allowed <= most
        assert limit.limit >= limit.floor


def test_a_burst_that_is_refused_together_cuts_once() -> None:
    limit = AdaptiveLimit(64)
    epoch = limit.epoch
    for _ in range(64):
        limit.overloaded(epoch)
    assert limit.allowed == 32


@pytest.mark.parametrize(("full", "answers", "allowed"), [(True, 33, 33), (False, 1000, 32)])
def test_a_limit_grows_by_about_one_for_each_round_of_answers_if_it_is_in_use(
    full: bool, answers: int, allowed: int
) -> None:
    limit = AdaptiveLimit(64)
    limit.overloaded(limit.epoch)
    for _ in range(answers):
        limit.succeeded(full=full)
    assert limit.allowed == allowed


def test_a_fixed_limit_does_not_adapt() -> None:
    limit = AdaptiveLimit(8, adapts=False)
    limit.overloaded(limit.epoch)
    assert limit.allowed == 8


def test_a_new_cap_moves_a_limit_that_stood_at_the_old_one() -> None:
    limit = AdaptiveLimit(8)
    limit.capped(100, adapts=True)
    assert limit.allowed == 100
    limit.overloaded(limit.epoch)
    limit.capped(200, adapts=True)
    assert limit.allowed == 50
    limit.capped(10, adapts=True)
    assert limit.allowed == 10
