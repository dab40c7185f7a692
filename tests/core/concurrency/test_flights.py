"""Equal work in flight is done once in each event loop, and followers never wait for nothing."""

from __future__ import annotations

import anyio
import pytest

from catsdk.core.concurrency.flights import Flights
from tests.followers import followers_of_one_cancelled


class Work:
    """Makes "made" when it is told to, and counts how often it began."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = anyio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        await self.may_end.wait()
        return "made"


async def test_those_who_ask_meanwhile_share_what_the_first_one_makes() -> None:
    flights, work = Flights[str, str](), Work()
    given: list[tuple[str, bool]] = []

    async def ask() -> None:
        given.append(await flights.once("key", work))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            work.may_end.set()
    assert work.begun == 1
    assert sorted(given) == [("made", False), ("made", True), ("made", True)]


async def test_nothing_is_remembered_and_other_keys_do_not_wait() -> None:
    flights, work, quick = Flights[str, str](), Work(), Work()
    quick.may_end.set()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flights.once, "slow", work)
            await anyio.wait_all_tasks_blocked()
            assert await flights.once("quick", quick) == ("made", False)
            assert await flights.once("quick", quick) == ("made", False)
            work.may_end.set()
    assert (work.begun, quick.begun) == (1, 2)


async def test_where_the_first_one_is_cancelled_another_makes_it_anew() -> None:
    flights, work = Flights[str, str](), Work()
    followers = await followers_of_one_cancelled(lambda: flights.once("key", work), work.may_end)
    assert work.begun == 2
    assert sorted(followers) == [("made", False), ("made", True)]


async def test_an_error_is_raised_where_it_fell_and_the_key_is_free_again() -> None:
    flights = Flights[str, str]()

    async def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await flights.once("key", fail)
    work = Work()
    work.may_end.set()
    assert await flights.once("key", work) == ("made", False)


async def test_a_leader_of_several_keys_may_land_some_and_fail_the_rest() -> None:
    flights = Flights[str, str]()
    led, followed = flights.claim(["a", "b"])
    assert set(led) == {"a", "b"}
    assert not followed
    again, waited = flights.claim(["b", "c"])
    assert set(again) == {"c"}
    assert waited["b"] is led["b"]
    flights.land("a", led["a"], "made")
    flights.fail("b", led["b"], ValueError("no"))
    assert led["a"].has_landed
    assert led["a"].value == "made"
    assert str(waited["b"].error) == "no"
    # What has landed stays as it is.
    flights.fail("a", led["a"], ValueError("late"))
    assert led["a"].error is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_another_event_loop_makes_its_own() -> None:
    flights, work = Flights[str, str](), Work()

    def elsewhere() -> tuple[str, bool]:
        async def ask() -> tuple[str, bool]:
            async def make() -> str:
                return "made elsewhere"

            return await flights.once("key", make)

        return anyio.run(ask)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flights.once, "key", work)
            await anyio.wait_all_tasks_blocked()
            assert await anyio.to_thread.run_sync(elsewhere) == ("made elsewhere", False)
            work.may_end.set()
