"""Turns are fair between stages, in order inside one, and lose nobody who did not leave."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk.runtime.attribution import attribution, in_order
from catsdk.runtime.limits.fair_queue import Turns


@dataclass(eq=False)
class Waiter:
    stage: str
    rank: int = 0


def served(turns: Turns[Waiter], *, keeps_running: bool) -> list[Waiter]:
    """Serve everyone; each stays in flight, or is done at once."""
    out: list[Waiter] = []
    while turns:
        out.append(turns.next())
        turns.remove(out[-1])
        turns.running[out[-1].stage] += keeps_running
    return out


@pytest.mark.behaviour("stages-share-the-gate")
def test_a_late_stage_does_not_wait_behind_all_of_an_early_one() -> None:
    turns: Turns[Waiter] = Turns()
    for _ in range(100):
        turns.add(Waiter("sample"))
    for _ in range(10):
        turns.add(Waiter("judge"))
    first = Counter(waiter.stage for waiter in served(turns, keeps_running=True)[:20])
    assert first == {"sample": 10, "judge": 10}


def test_the_calls_of_an_earlier_prompt_come_first_in_their_stage() -> None:
    turns: Turns[Waiter] = Turns()
    for rank in (2, 0, 1, 0):
        turns.add(Waiter("sample", rank))
    assert [waiter.rank for waiter in served(turns, keeps_running=False)] == [0, 0, 1, 2]


stages = st.sampled_from(["sample", "synthesize", "judge"])


@given(st.lists(st.tuples(stages, st.integers(0, 3), st.booleans()), max_size=200))
def test_everyone_who_stays_is_served_once_and_nobody_else(
    arrivals: list[tuple[str, int, bool]],
) -> None:
    turns: Turns[Waiter] = Turns()
    stay: list[Waiter] = []
    for stage, rank, leaves in arrivals:
        waiter = Waiter(stage, rank)
        turns.add(waiter)
        if leaves:
            turns.remove(waiter)
        else:
            stay.append(waiter)
    assert len(turns) == len(stay)
    out = served(turns, keeps_running=True)
    assert {id(waiter) for waiter in out} == {id(waiter) for waiter in stay}
    for stage in {waiter.stage for waiter in stay}:
        ranks = [waiter.rank for waiter in out if waiter.stage == stage]
        assert ranks == sorted(ranks)


@given(st.lists(stages, min_size=1, max_size=60), st.integers(1, 20))
def test_no_stage_has_two_places_more_than_one_that_waits(wanted: list[str], places: int) -> None:
    turns: Turns[Waiter] = Turns()
    for stage in wanted:
        turns.add(Waiter(stage))
    for _ in range(min(places, len(wanted))):
        waiter = turns.next()
        turns.remove(waiter)
        turns.running[waiter.stage] += 1
    waiting = {waiter.stage for waiter in turns.all()}
    for stage in waiting:
        assert max(turns.running.values()) <= turns.running[stage] + 1


def test_the_order_of_a_block_holds_inside_it_only() -> None:
    with in_order(7):
        assert attribution().rank == 7
        with in_order(3):
            assert attribution().rank == 3
    assert attribution().rank == 0
