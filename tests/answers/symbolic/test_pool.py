"""Requests to the workers: limits, deaths, queues, threads and event loops."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from catsdk.answers.engine.symbolic.pool import Reply, WorkerPool
from tests.answers.symbolic.conftest import MakePool
from tests.answers.symbolic.processes import needs_proc, wait_until_gone


def _pid(pool: WorkerPool) -> int:
    pid = pool.run("pid").value
    assert isinstance(pid, int)
    return pid


def test_a_worker_answers_and_goes_on(pool: WorkerPool) -> None:
    assert pool.run({"a": [1, 2.5, None, "é"]}).value == {"a": [1, 2.5, None, "é"]}
    assert _pid(pool) == _pid(pool) != os.getpid()


@pytest.mark.parametrize("behaviour", ["hang", "hang in one operation"])
def test_a_request_over_its_time_is_killed_and_the_worker_replaced(
    pool: WorkerPool, behaviour: str
) -> None:
    before = _pid(pool)
    reply = pool.run(behaviour, 0.4)
    assert (reply.value, reply.cause) == (None, "timeout")
    assert reply.seconds >= 0.39
    assert _pid(pool) != before


@pytest.mark.behaviour("output-is-bounded")
@pytest.mark.parametrize("behaviour", ["memory", "memory, slowly"])
def test_a_request_over_its_memory_is_ended_and_the_worker_replaced(
    make_pool: MakePool, behaviour: str
) -> None:
    pool = make_pool(limit_s=30, memory_mb=256)
    before = _pid(pool)
    assert pool.run(behaviour).cause == "memory"
    assert _pid(pool) != before


def test_an_error_of_the_task_is_an_answer_and_costs_no_worker(pool: WorkerPool) -> None:
    before = _pid(pool)
    reply = pool.run("fail")
    assert (reply.cause, reply.detail) == ("error", "LookupError('as asked')")
    assert _pid(pool) == before


def test_a_worker_that_dies_over_a_request_is_told_as_a_crash(pool: WorkerPool) -> None:
    assert pool.run("die").cause == "crash"
    assert _pid(pool) != pool.run("die").value
    assert pool.run(1).value == 1


@needs_proc
def test_a_worker_killed_while_idle_costs_no_request(pool: WorkerPool) -> None:
    pid = _pid(pool)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert pool.run(1).value == 1


def test_an_answer_over_the_bound_of_messages_is_an_error(pool: WorkerPool) -> None:
    assert pool.run("answer at length").cause == "error"
    assert pool.run(1).value == 1


def test_a_request_over_the_bound_of_messages_is_never_sent(pool: WorkerPool) -> None:
    assert pool.run("x" * (1 << 20)).cause == "size"
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert pool.run(deep).cause == "size"


def test_a_task_that_cannot_be_loaded_is_told(make_pool: MakePool) -> None:
    reply = make_pool("tests.answers.symbolic.nowhere:work").run(1)
    assert reply.cause == "crash"
    assert "ModuleNotFoundError" in reply.detail


def test_time_in_the_queue_does_not_count(make_pool: MakePool) -> None:
    pool = make_pool(workers=1, limit_s=60)
    with ThreadPoolExecutor(1) as thread:
        hung = thread.submit(pool.run, "hang", 2.0)
        while not pool.busy:
            assert not hung.done()
        # It waits for its turn longer than it may run.
        assert pool.run(1, 1.5).value == 1
    assert hung.result().cause == "timeout"


def test_a_hung_worker_does_not_delay_the_others(make_pool: MakePool) -> None:
    pool = make_pool(limit_s=60)
    pool.run(1)
    hung = threading.Thread(target=pool.run, args=["hang"], daemon=True)
    hung.start()
    assert [pool.run(number).value for number in range(20)] == list(range(20))
    assert hung.is_alive()


def test_each_request_may_have_its_own_limit(make_pool: MakePool) -> None:
    pool = make_pool(limit_s=60)
    assert pool.run("hang", 0.2).cause == "timeout"


def test_many_threads_share_the_workers(pool: WorkerPool) -> None:
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(pool.run, range(64)))
        workers = {str(reply.value) for reply in threads.map(pool.run, ["pid"] * 16)}
    assert [reply.value for reply in replies] == list(range(64))
    assert len(workers) <= 2


async def test_many_tasks_share_the_workers_and_the_loop_runs_on(pool: WorkerPool) -> None:
    replies: dict[int, Reply] = {}
    turns = 0

    async def ask(number: int) -> None:
        hangs = number < 2
        replies[number] = await pool.run_async("hang" if hangs else number, 0.4 if hangs else None)

    async def count_turns() -> None:
        nonlocal turns
        while len(replies) < 64:
            turns += 1
            await anyio.lowlevel.checkpoint()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count_turns)
            for number in range(64):
                tasks.start_soon(ask, number)
    assert [replies[number].cause for number in range(2)] == ["timeout"] * 2
    assert [replies[number].value for number in range(2, 64)] == list(range(2, 64))
    assert turns > 64


async def test_two_loops_in_two_threads_share_a_pool(pool: WorkerPool, anyio_backend: str) -> None:
    def in_another_loop() -> list[Any]:
        async def ask() -> list[Any]:
            return [(await pool.run_async(number)).value for number in range(5)]

        return anyio.run(ask, backend=anyio_backend)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pool.run_async, "hang", 0.4)
            assert await anyio.to_thread.run_sync(in_another_loop) == list(range(5))


async def test_cancelling_a_wait_ends_the_work_and_frees_the_worker(make_pool: MakePool) -> None:
    pool = make_pool(workers=1, limit_s=600)
    with anyio.fail_after(60):
        assert (await pool.run_async(1)).value == 1
        with anyio.move_on_after(0.1) as scope:
            await pool.run_async("hang")
        assert scope.cancelled_caught
        assert (await pool.run_async(2)).value == 2


async def test_cancelling_a_wait_in_the_queue_disturbs_nobody(make_pool: MakePool) -> None:
    pool = make_pool(workers=1, limit_s=60)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pool.run_async, "hang", 0.5)
            await anyio.lowlevel.checkpoint()
            with anyio.move_on_after(0.1):
                await pool.run_async(1)
            assert (await pool.run_async(2)).value == 2


def test_a_closed_pool_says_so(make_pool: MakePool) -> None:
    pool = make_pool(limit_s=600)
    pool.run(1)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(pool.run, "hang")
        while not pool.busy:
            assert not running.done()
        pool.close()
        assert running.result(10).cause == "closed"
    assert pool.run(1).cause == "closed"
    pool.close()


def test_fresh_interpreters_serve_where_nothing_can_fork(make_pool: MakePool) -> None:
    pool = make_pool(workers=1, limit_s=60, fork=False)
    before = _pid(pool)
    assert pool.run("hang", 0.4).cause == "timeout"
    assert pool.run("die").cause == "crash"
    assert pool.run(1).value == 1
    assert _pid(pool) != before
