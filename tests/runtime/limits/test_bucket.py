"""A rate holds in every window of a minute, wastes little, and never waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from catsdk.runtime.limits.bucket import WINDOW, Bucket

rates = st.integers(1, 5_000)
gaps = st.lists(st.floats(0.0, 20.0), min_size=1, max_size=200)


def taken_at(bucket: Bucket, pauses: list[float], amount: float = 1.0) -> list[float]:
    """Take `amount` after each pause, as soon as it is allowed; returns the times."""
    now, times = 0.0, list[float]()
    for pause in pauses:
        now += pause
        while (wait := bucket.wait(amount, now)) > 0:
            now += wait
        bucket.take(amount, now)
        times.append(now)
    return times


def most_in_a_window(times: list[float]) -> int:
    return max(sum(start <= at < start + WINDOW - 1e-6 for at in times) for start in times)


@given(rates, gaps)
def test_no_window_of_a_minute_holds_more_than_the_rate(
    per_minute: int, pauses: list[float]
) -> None:
    assert most_in_a_window(taken_at(Bucket(per_minute), pauses)) <= per_minute


@given(st.integers(1, 60))
def test_one_who_takes_at_once_gets_nearly_the_whole_rate(per_minute: int) -> None:
    times = taken_at(Bucket(per_minute), [0.0] * (3 * per_minute))
    assert 3 * per_minute / (times[-1] + WINDOW) * WINDOW >= 0.6 * per_minute


@given(rates, st.floats(1.0, 1e6))
def test_a_draw_larger_than_the_burst_waits_and_leaves_a_debt(
    per_minute: int, amount: float
) -> None:
    bucket = Bucket(per_minute)
    first, second = taken_at(bucket, [0.0, 0.0], amount)
    assert first == 0.0
    owed = amount - bucket.burst + min(amount, bucket.burst)
    assert second >= max(0.0, owed) / bucket.rate * (1 - 1e-6) - 1e-6


@given(rates, gaps, st.data())
def test_what_is_given_back_never_lifts_the_level_over_the_burst(
    per_minute: int, pauses: list[float], data: st.DataObject
) -> None:
    bucket, now = Bucket(per_minute), 0.0
    for pause in pauses:
        now += pause
        if bucket.wait(1.0, now) == 0.0:
            bucket.take(1.0, now)
        bucket.give_back(data.draw(st.floats(0.0, 5.0)), now)
        assert bucket.wait(bucket.burst, now) >= 0.0
        assert bucket.wait(bucket.burst * 2, now) == bucket.wait(bucket.burst, now)
