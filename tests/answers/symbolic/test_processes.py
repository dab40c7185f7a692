"""Which processes there are, and that none is left: scripts run in interpreters of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from catsdk.answers.engine.symbolic.pool import WorkerPool
from tests.answers.symbolic.conftest import MakePool
from tests.answers.symbolic.processes import (
    children_of,
    needs_proc,
    processes_below,
    wait_until_gone,
)

pytestmark = needs_proc

ROOT = Path(__file__).resolve().parents[3]
POOL = """
import os, signal, sys, threading
from catsdk.answers.engine.symbolic.pool import WorkerPool
print("main runs", flush=True)
pool = WorkerPool("tests.answers.symbolic.jobs:work", limit_s=600)
pool.run(1)
"""
HANG = """
hung = threading.Thread(target=pool.run, args=["hang"], daemon=True)
hung.start()
while not pool.busy: pass
"""
WAIT = """
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def _script(tmp_path: Path, text: str) -> Iterator[subprocess.Popen[str]]:
    file = tmp_path / "script.py"
    file.write_text(text)
    script = subprocess.Popen(
        [sys.executable, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with script:
        try:
            yield script
        finally:
            script.kill()


def _read_until(script: subprocess.Popen[str], line: str) -> list[str]:
    assert script.stdout is not None
    read: list[str] = []
    while not read or read[-1] != line:
        text = script.stdout.readline()
        assert text, f"the script ended after {read}"
        read.append(text.strip())
    return read


def test_the_users_main_module_runs_once(tmp_path: Path) -> None:
    with _script(tmp_path, POOL + "print(pool.run(2).value)") as script:
        out, _ = script.communicate(timeout=60)
    assert out.split("\n") == ["main runs", "2", ""]


def test_all_processes_end_with_the_interpreter(tmp_path: Path) -> None:
    with _script(tmp_path, POOL + HANG + WAIT) as script:
        _read_until(script, "ready")
        started = processes_below(script.pid)
        assert len(started) == 2
        script.communicate("", timeout=60)
        assert script.returncode == 0
        for pid in started:
            wait_until_gone(pid)


def test_all_processes_end_when_the_interpreter_is_killed(tmp_path: Path) -> None:
    with _script(tmp_path, POOL + HANG + WAIT) as script:
        _read_until(script, "ready")
        started = processes_below(script.pid)
        script.kill()
        for pid in started:
            wait_until_gone(pid)


def test_a_forked_child_that_outlives_its_parent_keeps_no_worker_alive(tmp_path: Path) -> None:
    fork = """
child = os.fork()
if child == 0:
    signal.pause()
print(child, flush=True)
"""
    with _script(tmp_path, POOL + HANG + fork + WAIT) as script:
        child = int(_read_until(script, "ready")[-2])
        started = processes_below(script.pid) - {child}
        script.kill()
        for pid in started:
            wait_until_gone(pid)
        os.kill(child, signal.SIGKILL)


def test_a_forked_child_has_workers_of_its_own_and_leaves_the_parents_alone(
    tmp_path: Path,
) -> None:
    fork = """
mine = pool.run("pid").value
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.write(writer, str(pool.run("pid").value).encode())
    sys.exit(0)
_, status = os.waitpid(child, 0)
theirs = int(os.read(reader, 100))
print(status, theirs != mine, pool.run("pid").value == mine)
"""
    with _script(tmp_path, POOL + fork) as script:
        out, _ = script.communicate(timeout=60)
    assert out.split("\n")[-2] == "0 True True"


def test_a_child_forked_while_the_locks_are_held_can_work(tmp_path: Path) -> None:
    fork = """
child = os.fork()
if child == 0:
    os._exit(0 if pool.run(3).value == 3 else 1)
print(os.waitpid(child, 0)[1])
os._exit(0)
"""
    with _script(tmp_path, POOL + HANG + "pool._lock.acquire()\n" + fork) as script:
        out, _ = script.communicate(timeout=60)
    assert out.split("\n")[-2] == "0"


def test_ctrl_c_reaches_the_users_process_alone(tmp_path: Path) -> None:
    with _script(tmp_path, POOL + WAIT) as script:
        _read_until(script, "ready")
        started = processes_below(script.pid)
        for pid in started:
            os.kill(pid, signal.SIGINT)
        assert processes_below(script.pid) == started


def test_a_zygote_that_dies_is_replaced(pool: WorkerPool) -> None:
    before = pool.run("pid").value
    (zygote,) = children_of(os.getpid(), "zygote")
    os.kill(zygote, signal.SIGKILL)
    wait_until_gone(zygote)
    assert isinstance(before, int)
    wait_until_gone(before)
    assert pool.run(1).value == 1
    (other,) = children_of(os.getpid(), "zygote")
    assert other != zygote


def test_a_zygote_that_dies_under_a_request_makes_it_a_crash(make_pool: MakePool) -> None:
    pool = make_pool(limit_s=600)
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(pool.run, "hang")
        while not pool.busy:
            assert not running.done()
        (zygote,) = children_of(os.getpid(), "zygote")
        os.kill(zygote, signal.SIGKILL)
        assert running.result(30).cause == "crash"
    assert pool.run(1).value == 1


def test_a_pool_starts_no_process_before_its_first_request(make_pool: MakePool) -> None:
    before = processes_below(os.getpid())
    pool = make_pool()
    assert processes_below(os.getpid()) == before
    pool.run(1)
    assert len(processes_below(os.getpid()) - before) == 2
    pool.close()
    assert processes_below(os.getpid()) == before


def test_killed_workers_leave_no_zombies(pool: WorkerPool) -> None:
    for _ in range(3):
        assert pool.run("die").cause == "crash"
    pool.run(1)
    (zygote,) = children_of(os.getpid(), "zygote")
    assert len(children_of(zygote, "", zombies=True)) <= 2


def test_a_worker_may_write_no_file(pool: WorkerPool, tmp_path: Path) -> None:
    reply = pool.run(["write", str(tmp_path / "file")])
    assert reply.cause in ("error", "crash")
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0
