"""Judging by a rubric beside autorubric and rubric: time, CPU, wrong rewards, equal verdicts.

python benchmarks/rubrics.py --peers PYTHON, where PYTHON has autorubric and rubric
"""

from __future__ import annotations

import argparse
import heapq
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arena import FOLDER, Process
from benchmarks.contestants.truth import reward

NAMES = ("catsdk", "openai", "autorubric", "rubric")
ROLLOUTS, CRITERIA, IN_FLIGHT = 64, 10, 500
MALFORMED = 0.05
STEADY = {"latency": 0.2, "jitter": 0.2}
STORM = STEADY | {"faults": {"429": 0.05, "reset": 0.01}, "retry_after": 1.0}


def shortest(latencies: Sequence[float], slots: int) -> float:
    """The time of the best schedule found for calls of these latencies in so many slots."""
    busy = [0.0] * slots
    for latency in sorted(latencies, reverse=True):
        heapq.heappush(busy, heapq.heappop(busy) + latency)
    return max(busy)


class Bench:
    """The server on one core and the contestants, in turn, on the other."""

    def __init__(self, peers: Path) -> None:
        """Choose the interpreters."""
        cores = sorted(os.sched_getaffinity(0))
        self.server = Process(Path(sys.executable), FOLDER / "judge_server.py", cores[-1])
        own = {"catsdk": Path(sys.executable)}
        self.processes = {
            name: Process(own.get(name, peers), FOLDER / f"judging_with_{name}.py", cores[0])
            for name in NAMES
        }
        self.processes["openai"] = Process(
            Path(sys.executable), FOLDER / "judging_with_openai.py", cores[0]
        )
        self.server.start()
        self.target = self.server.answer(120)

    def stop(self) -> None:
        """End all processes."""
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
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let one contestant judge; its answer and the server's report."""
        process = self.processes[name]
        # A first call loads what is loaded lazily.
        self.server.ask({"do": "change", "weather": {}})
        small = {"rollouts": 2, "criteria": 2, "in_flight": 4}
        process.ask({"task": "judge", "target": self.target, "arguments": small}, 300)
        self.server.ask({"do": "change", "weather": weather, "malformed": malformed})
        arguments = {
            "rollouts": rollouts,
            "criteria": CRITERIA,
            "in_flight": IN_FLIGHT,
            "equal": equal,
        }
        order = {"task": "judge", "target": self.target, "arguments": arguments}
        return process.ask(order, 300), self.server.ask({"do": "report"})


def timing(bench: Bench, rounds: int) -> list[str]:
    """Wall over the bound, and CPU a verdict; the bound's CPU is the bare SDK's in this run."""
    calls = ROLLOUTS * CRITERIA
    times: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in NAMES}
    for seed in range(rounds):
        for name in NAMES:
            answer, served = bench.run(name, weather=STEADY | {"seed": seed})
            if "error" in answer:
                print(name, answer["error"], file=sys.stderr)
                continue
            latencies = [row["latency"] for row in served["served"]]
            ideal = shortest(latencies, IN_FLIGHT)
            times[name].append((answer["wall"], answer["cpu"], ideal, served["requests"]))
    bare = median(cpu for _, cpu, _, _ in times["openai"]) / calls
    lines = [
        "| judge | wall s | ideal s | wall / bound | CPU ms a verdict | over bare | requests |"
    ]
    lines.append("| --- " * 7 + "|")
    for name in NAMES:
        if not times[name]:
            lines.append(f"| {name} | failed | | | | | |")
            continue
        wall, cpu, ideal, sent = (median(column) for column in zip(*times[name], strict=True))
        bound = max(ideal, bare * calls)
        walls = [each[0] for each in times[name]]
        lines.append(
            f"| {name} | {wall:.2f} ({min(walls):.2f} to {max(walls):.2f}) | {ideal:.2f}"
            f" | {wall / bound:.2f} | {1000 * cpu / calls:.2f} | {cpu / calls / bare:.2f} | {sent:g} |"
        )
    return [*lines, f"\nBare SDK: {1000 * bare:.2f} ms a call; {rounds} rounds, medians."]


def faults(bench: Bench) -> list[str]:
    """Rewards that are numbers and wrong, and rewards that are missing, in a storm."""
    lines = ["| judge | right | wrong | none | requests |", "| --- " * 5 + "|"]
    for name in ("catsdk", "autorubric", "rubric"):
        answer, served = bench.run(name, weather=STORM, malformed=MALFORMED)
        if "error" in answer:
            lines.append(f"| {name} | failed: {answer['error'][:80]} | | | |")
            continue
        rewards = answer["result"]["rewards"]
        truth = [reward(item, CRITERIA) for item in range(ROLLOUTS)]
        pairs = [(got, true) for got, true in zip(rewards, truth, strict=True) if got is not None]
        right = sum(abs(got - true) < 1e-9 for got, true in pairs)
        none = len(rewards) - len(pairs)
        lines.append(f"| {name} | {right} | {len(pairs) - right} | {none} | {served['requests']} |")
    return lines


def equals(bench: Bench) -> list[str]:
    """1,000 verdicts of which 10 are distinct."""
    lines = ["| judge | verdicts | distinct | requests |", "| --- " * 4 + "|"]
    for name in ("catsdk", "autorubric", "rubric"):
        answer, served = bench.run(name, weather=STEADY, rollouts=100, equal=True)
        told = served["requests"] if "error" not in answer else f"failed: {answer['error'][:80]}"
        lines.append(f"| {name} | 1000 | {CRITERIA} | {told} |")
    return lines


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    bench = Bench(chosen.peers)
    try:
        for part in (timing(bench, chosen.rounds), faults(bench), equals(bench)):
            print("\n".join(part), end="\n\n", flush=True)
    finally:
        bench.stop()


if __name__ == "__main__":
    main()
