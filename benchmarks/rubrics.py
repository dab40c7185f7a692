"""Compare rubric judging with autorubric and rubric: time, CPU, wrong rewards, repeated verdicts.

python -m benchmarks.rubrics --peers PYTHON, where PYTHON has autorubric and rubric installed
"""

from __future__ import annotations

import argparse
import heapq
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arena import FOLDER, Process, Run, undisturbed
from benchmarks.contestants.truth import reward

NAMES = ("catsdk", "catsdk, 10 in a call", "openai", "autorubric", "rubric")
ROLLOUTS, CRITERIA, IN_FLIGHT = 64, 10, 500
MALFORMED = 0.05
STEADY = {"latency": 0.2, "jitter": 0.2}
STORM = STEADY | {"faults": {"429": 0.05, "reset": 0.01}, "retry_after": 1.0}


def shortest(latencies: Sequence[float], slots: int) -> float:
    """The time of the best schedule found for calls with these latencies in `slots` slots."""
    busy = [0.0] * slots
    for latency in sorted(latencies, reverse=True):
        heapq.heappush(busy, heapq.heappop(busy) + latency)
    return max(busy)


class Bench:
    """The server on one core and the contestants, in turn, on the other."""

    def __init__(self, peers: Path) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.server = Process(Path(sys.executable), FOLDER / "judge_server.py", cores[-1])
        own = {"catsdk": Path(sys.executable), "openai": Path(sys.executable)}
        self.processes = {
            name: Process(own.get(name, peers), FOLDER / f"judging_with_{name}.py", cores[0])
            for name in ("catsdk", "openai", "autorubric", "rubric")
        }
        self.server.start()
        self.target = self.server.answer(120)

    def stop(self) -> None:
        for process in (self.server, *self.processes.values()):
            process.stop()

    def run(
        self,
        name: str,
        *,
        weather: dict[str, Any],
        malformed: float = 0.0,
        rollouts: int = ROLLOUTS,
        equal: bool = False,
    ) -> Run:
        """Let one contestant judge; return its answer and the server's report."""
        process = self.processes[name.split(",")[0]]
        # The first call triggers lazy imports, and autorubric keeps the call limit it had then.
        self.server.ask({"do": "change", "weather": {}})
        small = {"rollouts": 2, "criteria": 2, "in_flight": IN_FLIGHT}
        process.ask({"task": "judge", "target": self.target, "arguments": small}, 300)
        self.server.ask({"do": "change", "weather": weather, "malformed": malformed})
        arguments: dict[str, Any] = {
            "rollouts": rollouts,
            "criteria": CRITERIA,
            "in_flight": IN_FLIGHT,
            "equal": equal,
        }
        if "," in name:
            arguments["mode"] = "all"
        order = {"task": "judge", "target": self.target, "arguments": arguments}
        before = process.waited() + self.server.waited()
        answer = process.ask(order, 300)
        served = self.server.ask({"do": "report"})
        if "error" in answer:
            print(name, answer["error"], file=sys.stderr)
            return Run(name, answer, served)
        waited = process.waited() + self.server.waited() - before
        return Run(name, answer, served, waited / answer["wall"])


def timing(bench: Bench, rounds: int) -> list[str]:
    """Wall time over the bound, whose CPU is the bare SDK's in this round, and CPU per verdict."""
    calls = ROLLOUTS * CRITERIA
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for seed in range(rounds):
        weather = STEADY | {"seed": seed}
        runs = {
            name: undisturbed(partial(bench.run, name, weather=weather))
            for name in (*NAMES[seed % len(NAMES) :], *NAMES[: seed % len(NAMES)])
        }
        if runs["openai"].error:
            continue
        bare = runs["openai"].answer["cpu"]
        for name, run in runs.items():
            if run.error is None:
                rows[name].append(_timed(run, bare))
    heads = ["wall s", "ideal s", "wall / bound", "CPU ms a verdict", "CPU over bare"]
    heads += ["requests", "waited for a core %"]
    lines = [f"| judge | {' | '.join(heads)} |", "| --- " * (len(heads) + 1) + "|"]
    for name in NAMES:
        told = [_spread([row[head] for row in rows[name]]) for head in heads]
        lines.append(f"| {name} | {' | '.join(told)} |")
    done = ", ".join(f"{name} {len(rows[name])}" for name in NAMES)
    return [*lines, f"\n{calls} verdicts a round; rounds: {done}."]


def _timed(run: Run, bare: float) -> dict[str, float]:
    ideal = shortest([row["latency"] for row in run.server["served"]], IN_FLIGHT)
    wall, cpu = run.answer["wall"], run.answer["cpu"]
    bound = max(ideal, bare * run.server["requests"] / (ROLLOUTS * CRITERIA))
    return {
        "wall s": wall,
        "ideal s": ideal,
        "wall / bound": wall / bound,
        "CPU ms a verdict": 1000 * cpu / (ROLLOUTS * CRITERIA),
        "CPU over bare": cpu / bare,
        "requests": run.server["requests"],
        "waited for a core %": 100 * run.starved,
    }


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "failed"
    middle, low, high = median(values), min(values), max(values)
    if low == high:
        return f"{middle:g}"
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def faults(bench: Bench) -> list[str]:
    """Count wrong and missing rewards when many replies are malformed."""
    lines = ["| judge | right | wrong | none | none, share | requests |", "| --- " * 6 + "|"]
    for name in ("catsdk", "catsdk, 10 in a call", "autorubric", "rubric"):
        run = bench.run(name, weather=STORM, malformed=MALFORMED)
        if run.error:
            lines.append(f"| {name} | failed: {run.error[:80]} | | | | |")
            continue
        rewards = run.answer["result"]["rewards"]
        truth = [reward(item, CRITERIA) for item in range(ROLLOUTS)]
        pairs = [(got, true) for got, true in zip(rewards, truth, strict=True) if got is not None]
        right = sum(abs(got - true) < 1e-9 for got, true in pairs)
        none = len(rewards) - len(pairs)
        lines.append(
            f"| {name} | {right} | {len(pairs) - right} | {none} | {none / len(rewards):.1%}"
            f" | {run.server['requests']} |"
        )
    return lines


def equals(bench: Bench) -> list[str]:
    """Count the requests for 1,000 verdicts of which 10 are distinct."""
    lines = ["| judge | verdicts | distinct | requests |", "| --- " * 4 + "|"]
    for name in ("catsdk", "autorubric", "rubric"):
        run = bench.run(name, weather=STEADY, rollouts=100, equal=True)
        told = f"failed: {run.error[:80]}" if run.error else run.server["requests"]
        lines.append(f"| {name} | 1000 | {CRITERIA} | {told} |")
    return lines


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    # The contestants run in another working directory.
    bench = Bench(chosen.peers.absolute())
    try:
        for part in (timing(bench, chosen.rounds), faults(bench), equals(bench)):
            print("\n".join(part), end="\n\n", flush=True)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
