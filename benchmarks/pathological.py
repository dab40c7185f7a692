"""Run answers that make graders hang, exhaust memory or crash, in three threading modes.

    python benchmarks/pathological.py NAME MODE

reads a line of JSON, a list of `[name, gold, prediction]`, writes its peak memory in MB, grades
them all, and writes `[name, verdict, seconds, peak memory]` as soon as each is done. The modes are
`main`, one after another on the main thread; `threads`, one after another on another thread; and
`at once`, all of them in one asyncio event loop. Meanwhile a watcher (another thread, or a task of
the event loop) writes the longest time in seconds for which it could not run.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint

from benchmarks.graders import ROOT, Grade, load, math_verify
from benchmarks.pathological_answers import ANSWERS, Answer, read_answers

__all__ = ["report"]

MODES = ["main", "threads", "at once"]
AT_ONCE = 64
_TURN_S = 0.001
_BEAT = 50


@dataclass
class Watch:
    """The longest delay of a watcher's wake-up.

    The CPU time that this process, or the loop's thread, used meanwhile is blocking of its own
    making; for the rest of the delay the machine was busy with something else.
    """

    cpu: Callable[[], float]
    longest_s: float = 0.0
    longest_cpu_s: float = 0.0

    def turn(self, since: tuple[float, float]) -> tuple[float, float]:
        """Record a wake-up; return its times, for the next one."""
        now, cpu = time.perf_counter(), self.cpu()
        self.longest_s = max(self.longest_s, now - since[0] - _TURN_S)
        self.longest_cpu_s = max(self.longest_cpu_s, cpu - since[1])
        return now, cpu

    def in_a_thread(self) -> None:
        """Wake up again and again, for ever."""
        since = time.perf_counter(), self.cpu()
        for number in itertools.count():
            time.sleep(_TURN_S)
            since = self.turn(since)
            if number % _BEAT == 0:
                _write({"wall": self.longest_s, "cpu": self.longest_cpu_s})

    async def in_the_loop(self) -> None:
        """Wake up again and again, until cancelled."""
        since = time.perf_counter(), self.cpu()
        for number in itertools.count():
            await anyio.sleep(_TURN_S)
            since = self.turn(since)
            if number % _BEAT == 0:
                _write({"wall": self.longest_s, "cpu": self.longest_cpu_s})


@dataclass
class Outcome:
    """The results for the answers in one mode."""

    verdicts: dict[str, bool | None] = field(default_factory=dict)
    killed: int = 0
    longest_s: float = 0.0
    block_ms: float = 0.0
    block_cpu_ms: float = 0.0
    memory_mb: float = 0.0


def report(data: Path | None, graders: list[str], patience_s: float) -> Iterator[str]:
    """Yield the lines of a table with a row for each grader and mode."""
    answers = read_answers(data / "pathological_answers.jsonl") if data else ANSWERS
    yield f"\n### {len(answers)} pathological answers\n"
    yield (
        "| grader | where | decided | unknown | no answer | longest answer s | longest block ms"
        " | of it CPU | memory growth MB |"
    )
    yield "| --- |" + " --- |" * 8
    for name in graders:
        for mode in MODES:
            some = [answers[at % len(answers)] for at in range(AT_ONCE)]
            outcome = watch(name, mode, some if mode == "at once" else answers, patience_s)
            yield _row(name, mode, outcome)


def _row(name: str, mode: str, outcome: Outcome) -> str:
    unknown = sum(verdict is None for verdict in outcome.verdicts.values())
    cells = [
        name,
        _PLACES[mode],
        str(len(outcome.verdicts) - unknown),
        str(unknown),
        str(outcome.killed),
        f"{outcome.longest_s:.2f}",
        f"{outcome.block_ms:,.0f}",
        f"{outcome.block_cpu_ms:,.0f}",
        f"{outcome.memory_mb:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


_PLACES = {
    "main": "main thread",
    "threads": "another thread",
    "at once": f"{AT_ONCE} at once in asyncio",
}


def watch(name: str, mode: str, answers: list[Answer], patience_s: float) -> Outcome:
    """Grade in a separate process; if it is silent for `patience_s`, kill it and carry on."""
    outcome = Outcome()
    left = [(f"{at} {answer[0]}", *answer[1:]) for at, answer in enumerate(answers)]
    while left:
        _watch_one(name, mode, left, patience_s, outcome)
        if mode == "at once":
            outcome.killed += len(answers) - len(outcome.verdicts) - outcome.killed
            break
        left = [answer for answer in left if answer[0] not in outcome.verdicts]
        if left:
            outcome.killed += 1
            left = left[1:]
    return outcome


def _watch_one(
    name: str, mode: str, answers: list[Answer], patience_s: float, outcome: Outcome
) -> None:
    process = subprocess.Popen(
        [sys.executable, __file__, name, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd=ROOT,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(answers).encode() + b"\n")
        process.stdin.close()
        resting_mb = json.loads(process.stdout.readline())
        beat = verdict = time.perf_counter()
        while True:
            ready = select.select([process.stdout], [], [], 0.05)[0]
            line = process.stdout.readline() if ready else b""
            now = time.perf_counter()
            if ready and not line:
                break
            if isinstance(said := json.loads(line or "null"), list):
                each, equal, seconds, memory_mb = said
                outcome.verdicts[each] = equal
                outcome.longest_s = max(outcome.longest_s, seconds)
                outcome.memory_mb = max(outcome.memory_mb, memory_mb - resting_mb)
                verdict = now
            elif isinstance(said, dict):
                outcome.block_ms = max(outcome.block_ms, 1e3 * said["wall"])
                outcome.block_cpu_ms = max(outcome.block_cpu_ms, 1e3 * said["cpu"])
                beat = now
            if now - verdict > patience_s:
                outcome.longest_s = max(outcome.longest_s, patience_s)
                silent_ms = 1e3 * (now - beat - _BEAT * _TURN_S)
                outcome.block_ms = max(outcome.block_ms, silent_ms)
                outcome.block_cpu_ms = max(outcome.block_cpu_ms, silent_ms)
                outcome.memory_mb = max(outcome.memory_mb, _peak_mb(process.pid) - resting_mb)
                break
        process.kill()


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


# --- in the process that grades -------------------------------------------------------------


def _write(said: object) -> None:
    # One write, so that lines of several threads do not mix.
    os.write(_OUT, json.dumps(said).encode() + b"\n")


def _own_peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _grade_all(grade: Grade, answers: list[Answer]) -> None:
    for name, gold, pred in answers:
        _grade_one(grade, name, gold, pred)


def _grade_one(grade: Grade, name: str, gold: str, pred: str) -> None:
    start = time.perf_counter()
    try:
        equal, _ = grade(gold, pred, "completion")
    except Exception:
        equal = None
    _write([name, equal, time.perf_counter() - start, _own_peak_mb()])


async def _grade_at_once(name: str, grade: Grade, answers: list[Answer]) -> None:
    """Grade in concurrent tasks: with catsdk's async call, or else in a pool of threads."""
    turn = anyio.Lock()

    async def one(each: str, gold: str, pred: str) -> None:
        if name != "catsdk":
            await anyio.to_thread.run_sync(_grade_one, grade, each, gold, pred)
            return
        start = time.perf_counter()
        equal = await _by_catsdk(gold, pred, turn)
        _write([each, equal, time.perf_counter() - start, _own_peak_mb()])

    async with anyio.create_task_group() as watching:
        watching.start_soon(Watch(time.thread_time).in_the_loop)
        async with anyio.create_task_group() as tasks:
            for answer in answers:
                tasks.start_soon(one, *answer)
        watching.cancel_scope.cancel()


async def _by_catsdk(gold: str, pred: str, turn: anyio.Lock) -> bool | None:
    from catsdk.answers import ANYWHERE
    from catsdk.answers.compare import compare

    async with turn:  # in practice completions arrive one after another, not all at once
        await checkpoint()
        answer = ANYWHERE.extract(pred).answer or pred
    return (await compare(answer, gold)).equal


def main() -> None:
    """Grade the answers on the standard input; see the docstring of this module."""
    name, mode = sys.argv[1:]
    grade = load(name)
    if name == "math-verify" and mode != "main":
        grade = math_verify(None)  # its time limits work only on the main thread
    answers = json.loads(sys.stdin.readline())
    _write(_own_peak_mb())
    if mode == "at once":
        anyio.run(_grade_at_once, name, grade, answers)
        return
    threading.Thread(target=Watch(time.process_time).in_a_thread, daemon=True).start()
    if mode == "main":
        _grade_all(grade, answers)
    else:
        thread = threading.Thread(target=_grade_all, args=(grade, answers))
        thread.start()
        thread.join()


_OUT = os.dup(1)

if __name__ == "__main__":
    os.dup2(2, 1)  # keep what a grader prints out of the results
    main()
