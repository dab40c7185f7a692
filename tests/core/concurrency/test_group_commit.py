"""Work of many goes together in rounds, and each who waits gets what is theirs."""

from collections.abc import Sequence

import anyio
import pytest

from catsdk.core.concurrency.group_commit import GroupCommit


class Slow:
    """Doubles numbers; the first round is not over before `free` is set."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.free = anyio.Event()

    async def __call__(self, work: list[int]) -> list[int]:
        self.rounds.append(list(work))
        if 0 in work:
            raise OSError("no zeros")
        await self.free.wait()
        return [2 * each for each in work]


async def test_what_is_asked_for_during_a_round_shares_the_next_one() -> None:
    slow = Slow()
    commits = GroupCommit[int, int](slow)
    results: dict[int, list[int]] = {}

    async def ask(work: Sequence[int]) -> None:
        results[work[0]] = await commits.do(work)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for work in ([1], [2, 3], [4]):
                tasks.start_soon(ask, work)
                await anyio.wait_all_tasks_blocked()
            slow.free.set()
    assert slow.rounds == [[1], [2, 3, 4]]
    assert results == {1: [2], 2: [4, 6], 4: [8]}
    assert await commits.do([]) == []


async def test_an_error_is_seen_by_all_of_its_round_and_by_nobody_else() -> None:
    slow = Slow()
    commits = GroupCommit[int, int](slow)
    failed: list[int] = []

    async def fails(each: int) -> None:
        with pytest.raises(OSError, match="no zeros"):
            await commits.do([each])
        failed.append(each)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(commits.do, [1])
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(fails, 0)
            tasks.start_soon(fails, 5)
            await anyio.wait_all_tasks_blocked()
            slow.free.set()
        assert sorted(failed) == [0, 5]
        assert await commits.do([6]) == [12]


async def test_a_caller_who_is_cancelled_leaves_no_round_undone() -> None:
    slow = Slow()
    commits = GroupCommit[int, int](slow)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(commits.do, [1])
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(commits.do, [2])
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
            slow.free.set()
    assert slow.rounds == [[1], [2]]
    assert await commits.do([3]) == [6]
