"""The processes of a benchmark: a server on one core, and the contestants in turn on the other."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "contestants"
CONTESTANTS = ("catsdk", "openai", "litellm", "its_hub", "dspy", "optillm")
CALM = {"latency": 0.0}
TRIES, DISTURBED = 3, 0.03


def environment(*, whole: bool) -> dict[str, str]:
    """The environment of a process; `whole` includes catsdk and its providers."""
    roots = [ROOT, ROOT / "providers", ROOT / "trainers"] if whole else [ROOT]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CATSDK_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OMP_NUM_THREADS": "1",
    }


@dataclass
class Process:
    """A script, pinned to one core, that answers each line of JSON with another."""

    python: Path
    script: Path
    core: int | None
    settings: dict[str, str] = field(default_factory=dict[str, str])
    _running: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, unless it is running."""
        if self._running is not None and self._running.poll() is None:
            return
        log = (ROOT / "out").joinpath(f"{self.script.stem}.log")
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as errors:
            self._running = subprocess.Popen(
                [self.python, self.script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                cwd=ROOT / "out",
                env=environment(whole=self.python == Path(sys.executable)) | self.settings,
            )
        # Before it starts any threads, so that they inherit the core.
        if self.core is not None:
            os.sched_setaffinity(self._running.pid, {self.core})

    def answer(self, seconds: float) -> dict[str, Any]:
        """Read its next line; if none comes in time, kill it and return an error."""
        assert self._running is not None
        assert self._running.stdout is not None
        ready, _, _ = select.select([self._running.stdout], [], [], seconds)
        line = self._running.stdout.readline() if ready else ""
        if not line:
            self.stop()
            return {"error": f"not done after {seconds:g} s" if not ready else "it died"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, order: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
        """Send an order and wait for the answer."""
        self.start()
        assert self._running is not None
        assert self._running.stdin is not None
        self._running.stdin.write(json.dumps(order) + "\n")
        return self.answer(seconds)

    def waited(self) -> float:
        """Seconds since the start in which its threads were ready to run but had no core."""
        assert self._running is not None
        tasks = Path(f"/proc/{self._running.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[1]) for task in tasks) / 1e9

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


@dataclass
class Run:
    """The outcome of one task: the contestant's answer and the server's report.

    `starved` is how long both waited for a core that other processes held, as a share of the wall
    time.
    """

    contestant: str
    answer: dict[str, Any]
    server: dict[str, Any]
    starved: float = 0.0

    @property
    def error(self) -> str | None:
        """Why there is no result; `None` if there is one."""
        return self.answer.get("error")


def undisturbed(task: Callable[[], Run]) -> Run:
    """Repeat a task up to twice while other processes hold the cores; keep the least disturbed run.

    Only the time spent waiting for a core decides, never the result.
    """
    runs: list[Run] = []
    while len(runs) < TRIES and not (runs and runs[-1].starved < DISTURBED):
        runs.append(task())
        if runs[-1].error:
            break
    return min(runs, key=lambda run: (run.error is not None, run.starved))


class Arena:
    """The server and the contestants; `task` runs one of them while all others are idle."""

    def __init__(self, contestants: list[str], *, limit: float = 300, pinned: bool = True) -> None:
        """Choose the contestants; a task may take `limit` seconds."""
        cores = sorted(os.sched_getaffinity(0)) if pinned else [None]
        self.contestants, self.limit = contestants, limit
        self._server = Process(Path(sys.executable), FOLDER / "server.py", cores[-1])
        self._processes = {
            name: Process(_python(name), FOLDER / f"with_{name}.py", cores[0])
            for name in contestants
        }
        self.target: dict[str, str] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Start the server."""
        self._server.start()
        self._exits.callback(self._server.stop)
        self.target = self._server.answer(60)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all processes."""
        self.rest()
        self._exits.close()

    def rest(self) -> None:
        """Stop the contestants, so that the next task of each begins in a new process."""
        for process in self._processes.values():
            process.stop()

    def task(
        self,
        contestant: str,
        task: str,
        arguments: dict[str, Any],
        *,
        weather: dict[str, Any] = CALM,
        takes_n: str = "refuses",
        fresh: bool = False,
        host: str = "127.0.0.1",
        settings: dict[str, str] | None = None,
    ) -> Run:
        """Run a task, in a new process if `fresh`, with `settings` in the environment."""
        process = self._processes[contestant]
        if fresh or settings != (process.settings or None):
            process.stop()
            process.settings = settings or {}
        target = self.target | {"url": self.target["url"].replace("127.0.0.1", host)}
        # The first call triggers lazy imports. It has the latency of the calls that follow, because
        # a client that adapts to latency would otherwise see the service become slower.
        calm = {name: value for name, value in weather.items() if name in {"latency", "jitter"}}
        self._server.ask({"do": "change", "weather": calm, "takes_n": takes_n})
        warm = {"task": "groups", "target": target, "arguments": {"count": 1, "n": 2}}
        process.ask(warm, self.limit)
        self._server.ask({"do": "change", "weather": weather, "takes_n": takes_n})
        order = {"task": task, "target": target, "arguments": arguments}
        before = process.waited() + self._server.waited()
        answer = process.ask(order, self.limit)
        report = self._server.ask({"do": "report"})
        if "error" in answer:
            return Run(contestant, answer, report)
        waited = process.waited() + self._server.waited() - before
        return Run(contestant, answer, report, waited / answer["wall"])


def _python(contestant: str) -> Path:
    if contestant == "catsdk":
        return Path(sys.executable)
    python = ROOT / f".venv-peers/{contestant}/bin/python"
    if not python.exists():
        raise SystemExit(f"{contestant} has no environment; run `make bench-runtime` to create it")
    return python
