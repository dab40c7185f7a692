"""The ideal schedule is the one that can be worked out by hand, and never beats its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.schedule import ideal_seconds, stages_of

SECONDS = st.floats(0.01, 10.0)
PROMPTS = st.lists(
    st.tuples(st.lists(SECONDS, min_size=1, max_size=4), SECONDS), min_size=1, max_size=6
)


def test_two_prompts_through_two_places_take_what_the_hand_finds() -> None:
    # Rollouts 0-1 and 0-1, then 1-2 and 1-2; syntheses side by side: three seconds.
    prompts = [([1.0, 1.0], 1.0), ([1.0, 1.0], 1.0)]
    assert ideal_seconds(prompts, 2) == 3.0
    assert ideal_seconds(prompts, 1) == 6.0
    assert ideal_seconds(prompts, 100) == 2.0


@given(PROMPTS, st.integers(1, 8))
def test_no_schedule_beats_the_work_through_its_places_nor_the_longest_prompt(
    prompts: list[tuple[list[float], float]], in_flight: int
) -> None:
    work = sum(sum(rollouts) + synthesis for rollouts, synthesis in prompts)
    longest = max(max(rollouts) + synthesis for rollouts, synthesis in prompts)
    seconds = ideal_seconds(prompts, in_flight)
    assert seconds >= max(work / in_flight, longest) - 1e-9
    assert seconds <= work + 1e-9


def test_the_stages_of_an_item_are_told_apart_by_when_they_began() -> None:
    served = [
        {"item": 1, "began": at, "latency": latency, "status": 200}
        for at, latency in ((3.0, 0.3), (1.0, 0.1), (2.0, 0.2))
    ]
    refused = {"item": 1, "began": 0.0, "latency": 9.0, "status": 429}
    assert stages_of([*served, refused], 2) == [([0.1, 0.2], 0.3)]
    assert stages_of(served, 3) is None
