"""The processes of a benchmark: the server on one core, each contestant in turn on the other."""

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
    """What a process sees; `whole` is catsdk with its providers, not the contestants alone."""
    roots = [ROOT, ROOT / "providers", ROOT / "trainers"] if whole else [ROOT]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CATSDK_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, roots)),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OMP_NUM_THREADS": "1",
    }


@dataclass
class Process:
    """A script that answers a line of JSON with a line of JSON, pinned to one core."""

    python: Path
    script: Path
    core: int | None
    settings: dict[str, str] = field(default_factory=dict[str, str])
    _running: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, unless it runs."""
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
        # At once: the threads that it will start inherit it.
        if self.core is not None:
            os.sched_setaffinity(self._running.pid, {self.core})

    def answer(self, seconds: float) -> dict[str, Any]:
        """The next line that it writes; without one in time it is killed, as the answer says."""
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
        """Seconds that its threads could have run and had no core, since it began."""
        assert self._running is not None
        tasks = Path(f"/proc/{self._running.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[1]) for task in tasks) / 1e9

    def stop(self) -> None:
        """Kill it."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


@dataclass
class Run:
    """What came of one task: the contestant's answer and the server's report.

    `starved` is how long both waited for a core that others held, as a share of the wall time.
    """

    contestant: str
    answer: dict[str, Any]
    server: dict[str, Any]
    starved: float = 0.0

    @property
    def error(self) -> str | None:
        """Why there is no result, if there is none."""
        return self.answer.get("error")


def undisturbed(task: Callable[[], Run]) -> Run:
    """Do a task again, twice at most, while others hold the cores; the least disturbed counts.

    What is compared is how long the processes waited for a core, never how well they did.
    """
    runs: list[Run] = []
    while len(runs) < TRIES and not (runs and runs[-1].starved < DISTURBED):
        runs.append(task())
        if runs[-1].error:
            break
    return min(runs, key=lambda run: (run.error is not None, run.starved))


class Arena:
    """The server and the contestants; `task` lets one of them run, all others being idle."""

    def __init__(self, contestants: list[str], *, limit: float = 300, pinned: bool = True) -> None:
        """Choose who takes part; a task may take `limit` seconds."""
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
        """Stop the contestants: the next task of each begins in a new process."""
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
        """Let `contestant` do `task`; `fresh` in a new process, `settings` in its environment."""
        process = self._processes[contestant]
        if fresh or settings != (process.settings or None):
            process.stop()
            process.settings = settings or {}
        target = self.target | {"url": self.target["url"].replace("127.0.0.1", host)}
        # A first call loads what is loaded lazily. It is as slow as those to come: who adapts to
        # latency would else take the work for a service that has become slower.
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
        raise SystemExit(
            f"{contestant} has no environment; run `make bench-runtime`, which makes it"
        )
    return python
