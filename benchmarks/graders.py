"""Graders of answers behind one interface, each in its own process, which can be killed.

    python benchmarks/graders.py NAME

reads lines of JSON `{"gold", "pred", "kind"}` and writes a line for each: the verdict (`true`,
`false` or `null` for unknown), who decided, seconds of the whole call, CPU seconds. At the end of
the input it writes the CPU seconds of this process and its children, without their start-up.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["GRADERS", "Graded", "Served", "load"]

ROOT = Path(__file__).resolve().parent.parent


class Graded(NamedTuple):
    """A verdict (`None` for unknown), who decided it or why nobody could, and its cost.

    `seconds` is the time of the whole call, `cpu` the CPU time of the grading process itself.
    """

    equal: bool | None
    tier: str
    seconds: float
    cpu: float = 0.0


Grade = Callable[[str, str, str], tuple[bool | None, str]]


def exact_string() -> Grade:
    """Answers are equal if their texts are."""

    def grade(gold: str, pred: str, kind: str) -> tuple[bool | None, str]:
        return gold.strip() == pred.strip(), ""

    return grade


def catsdk() -> Grade:
    """The comparison of this package, including its worker processes."""
    from catsdk.answers import ANYWHERE, compare_sync
    from catsdk.answers.engine.symbolic import decide_sync
    from catsdk.answers.extract import load_rules

    load_rules()
    decide_sync(["Symbol", "x"], ["Symbol", "y"], {})  # starts the worker processes

    def grade(gold: str, pred: str, kind: str) -> tuple[bool | None, str]:
        answer = ANYWHERE.extract(pred).answer or pred if kind == "completion" else pred
        verdict = compare_sync(answer, gold)
        return verdict.equal, f"{verdict.tier}: {verdict.cause}" if verdict.cause else verdict.tier

    return grade


def math_verify(limit_s: int | None = 5, *, box: bool = True) -> Grade:
    """Math-Verify with its own time limits; without them it may run outside the main thread.

    With `box`, a short answer without delimiters is put into a box, which it parses best; without,
    the answer is left as it is.
    """
    library: Any = import_module("math_verify")  # an optional package, without usable types
    parse, verify = library.parse, library.verify
    logging.disable(logging.CRITICAL)

    def boxed(text: str) -> str:
        delimited = text.count("$") > 1 or "boxed" in text or "\\(" in text or "\\[" in text
        bare = len(text) <= _LONGEST_BARE and not delimited
        return f"\\boxed{{{text}}}" if box and bare else text

    def grade(gold: str, pred: str, kind: str) -> tuple[bool | None, str]:
        answer = pred if kind == "completion" else boxed(pred)
        read = [parse(text, parsing_timeout=limit_s) for text in (boxed(gold), answer)]
        return bool(verify(*read, timeout_seconds=limit_s)), ""

    return grade


# A longer answer is prose that contains the answer somewhere.
_LONGEST_BARE = 100

GRADERS: dict[str, Callable[[], Grade]] = {
    "catsdk": catsdk,
    "math-verify": math_verify,
    "math-verify, unboxed": partial(math_verify, box=False),
    "exact string": exact_string,
}
# Cases queued in the pipe; even with the longest texts they fit into its buffers.
_AHEAD = 8
_WARM_UP = [("$\\frac{1}{2}$", "0.5"), ("$x^2$", "x x"), ("$\\int_0^1 x dx$", "\\frac12")]


def load(name: str) -> Grade:
    """Return the grader, with everything loaded that it would load lazily."""
    grade = GRADERS[name]()
    for gold, pred in _WARM_UP:
        grade(gold, pred, "answer")
    return grade


@dataclass
class Served:
    """A grader in its own process, which is killed if a call takes longer than `patience_s`."""

    name: str
    patience_s: float = 30.0
    cpu: float = 0.0
    kills: int = 0

    def __post_init__(self) -> None:
        self._start()

    def grade(self, gold: str, pred: str, kind: str) -> Graded:
        """Return the verdict; unknown if the process died or had to be killed."""
        start = time.perf_counter()
        try:
            self._write({"gold": gold, "pred": pred, "kind": kind})
            if line := self._line(self.patience_s):
                return Graded(*json.loads(line))
        except BrokenPipeError:
            pass
        return self._restarted()._replace(seconds=time.perf_counter() - start)

    def grade_all(self, cases: Sequence[tuple[str, str, str]]) -> list[Graded]:
        """Return the verdicts on many cases, keeping some queued all the time.

        So the grader works without a pause, as in a training step; if it slept between two cases,
        its code would drop out of the processor's caches.
        """
        found: list[Graded] = []
        sent = 0
        while len(found) < len(cases):
            try:
                while sent < len(cases) and sent - len(found) < _AHEAD:
                    self._write(dict(zip(("gold", "pred", "kind"), cases[sent], strict=True)))
                    sent += 1
                line = self._line(self.patience_s)
            except BrokenPipeError:
                line = b""
            found.append(Graded(*json.loads(line)) if line else self._restarted())
            sent = sent if line else len(found)
        return found

    def _restarted(self) -> Graded:
        """Replace a process that has died or does not answer."""
        self.kills += 1
        self._process.kill()
        self._process.wait()
        self._start()
        return Graded(None, "killed", self.patience_s)

    def close(self) -> float:
        """End the process; return the CPU seconds that it and its children used for grading."""
        self._writer.close()
        line = self._line()
        self._process.wait()
        self._reader.close()
        return float(json.loads(line)) if line else float("nan")

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._writer, self._reader = self._process.stdin, self._process.stdout
        self._received = b""
        self._line()  # ready

    def _line(self, patience_s: float | None = None) -> bytes:
        """Return the grader's next line; empty if none comes in time, or if it has ended."""
        while b"\n" not in self._received:
            if not select.select([self._reader], [], [], patience_s)[0]:
                return b""
            piece = os.read(self._reader.fileno(), 1 << 16)
            if not piece:
                return b""
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _write(self, request: dict[str, str]) -> None:
        self._writer.write(json.dumps(request).encode() + b"\n")
        self._writer.flush()


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _serve(name: str) -> None:
    out = sys.stdout
    sys.stdout = sys.stderr
    grade = load(name)
    starting = _cpu(resource.RUSAGE_CHILDREN)
    _close_workers()
    starting = _cpu(resource.RUSAGE_CHILDREN) - starting
    grade = load(name)
    before, before_workers = _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN)
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        start, cpu = time.perf_counter(), time.process_time()
        try:
            equal, tier = grade(request["gold"], request["pred"], request["kind"])
        except Exception as error:
            equal, tier = None, type(error).__name__
        spent = time.perf_counter() - start, time.process_time() - cpu
        print(json.dumps([equal, tier, *spent]), file=out, flush=True)
    _close_workers()
    # Workers that were never used may not have started yet; start-up is subtracted from CPU times.
    workers = max(0.0, _cpu(resource.RUSAGE_CHILDREN) - before_workers - starting)
    print(_cpu(resource.RUSAGE_SELF) - before + workers, file=out, flush=True)


def _close_workers() -> None:
    symbolic = sys.modules.get("catsdk.answers.engine.symbolic")
    if symbolic is not None:
        symbolic.close_workers()


if __name__ == "__main__":
    _serve(sys.argv[1])
