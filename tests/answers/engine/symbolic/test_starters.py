"""Workers by fork and by spawn: the same answers, limits and ends, from processes of their own."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from catsdk.answers.engine.symbolic.forks import Forks
from catsdk.answers.engine.symbolic.frames import encode
from catsdk.answers.engine.symbolic.spawns import Spawns
from catsdk.answers.engine.symbolic.worker import StartError, Worker
from tests.answers.symbolic.processes import children_of, needs_proc, wait_until_gone

pytestmark = needs_proc

TASK = "tests.answers.symbolic.jobs:work"
Starter = Forks | Spawns


class Started:
    """A starter, and the workers to end when a test is over."""

    def __init__(self, starter: Starter) -> None:
        self.starter = starter
        self.workers: list[Worker] = []

    def worker(self) -> Worker:
        self.workers.append(self.starter.start())
        return self.workers[-1]


@pytest.fixture(params=[Forks, Spawns])
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    started = Started(request.param(TASK, 256))
    yield started
    for worker in started.workers:
        worker.end()
        worker.release()
    started.starter.close()


def ask(worker: Worker, payload: Any, limit_s: float = 30.0) -> Any:
    return worker.ask(encode({"limit_s": limit_s, "payload": payload}), limit_s)


def test_a_worker_answers_what_it_is_asked_in_the_order_of_the_questions(started: Started) -> None:
    worker = started.worker()
    assert [ask(worker, at)["value"] for at in range(20)] == list(range(20))
    assert worker.asked == 20


def test_each_start_is_another_process_and_forks_have_a_zygote_between(started: Started) -> None:
    first, second = started.worker(), started.worker()
    pids = {ask(first, "pid")["value"], ask(second, "pid")["value"]}
    assert len(pids | {os.getpid()}) == 3
    zygotes = children_of(os.getpid(), "zygote")
    if isinstance(started.starter, Spawns):
        assert not zygotes and pids <= children_of(os.getpid(), "spawns")
    else:
        (zygote,) = zygotes
        assert pids <= children_of(zygote, "")


def test_a_worker_that_is_killed_ends_its_question_and_no_other_worker(started: Started) -> None:
    killed, other = started.worker(), started.worker()
    os.kill(ask(killed, "pid")["value"], signal.SIGKILL)
    with pytest.raises((EOFError, OSError)):
        ask(killed, 1)
    assert ask(other, 2)["value"] == 2
    assert ask(started.worker(), 3)["value"] == 3


@pytest.mark.parametrize("how", ["hang", "hang in one operation"])
def test_a_hang_is_ended_by_the_workers_own_timer(started: Started, how: str) -> None:
    worker = started.worker()
    pid = ask(worker, "pid")["value"]
    with pytest.raises((EOFError, OSError)):
        # Nobody but the worker itself looks at the time here.
        worker.ask(encode({"limit_s": 0.1, "payload": how}), 60.0)
    wait_until_gone(pid)


def test_a_question_can_be_ended_from_another_thread(started: Started) -> None:
    worker = started.worker()
    pid = ask(worker, "pid")["value"]
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(ask, worker, "hang", 600.0)
        while worker.asked != 2:
            assert not asked.done()
        worker.end()
        assert isinstance(asked.exception(timeout=60), EOFError | OSError)
    wait_until_gone(pid)


def test_memory_over_the_bound_is_an_answer_and_costs_the_worker_its_life(started: Started) -> None:
    worker = started.worker()
    pid = ask(worker, "pid")["value"]
    assert ask(worker, "memory") == {"cause": "memory", "more": False}
    wait_until_gone(pid)


@pytest.mark.parametrize("starter", [Forks, Spawns])
def test_a_task_that_cannot_be_loaded_starts_no_worker(starter: type[Starter]) -> None:
    broken = starter("tests.answers.symbolic.jobs:no_such_task", 256)
    try:
        with pytest.raises(StartError):
            broken.start()
    finally:
        broken.close()


def test_forks_say_why_a_task_cannot_be_loaded_and_start_nothing_once_they_are_closed() -> None:
    forks = Forks("tests.answers.symbolic.jobs:no_such_task", 256)
    with pytest.raises(StartError, match="no_such_task"):
        forks.start()
    forks.close()
    with pytest.raises(StartError, match="closed"):
        forks.start()


@pytest.mark.parametrize("starter", [Forks, Spawns])
def test_without_an_interpreter_there_is_no_worker(
    starter: type[Starter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "")
    with pytest.raises(StartError, match="no interpreter"):
        starter(TASK, 256).start()
