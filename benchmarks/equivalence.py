"""Compare graders of answers: accuracy, errors in each direction, and cost.

    python benchmarks/equivalence.py --data FOLDER [--graders NAME ...] [--differences]

FOLDER holds `equivalence_cases.jsonl` (gold, pred, expected, kind, disputed), `real_pairs.jsonl`
(gold, pred, label) and `pathological_answers.jsonl` (name, gold, pred). Optionally it also holds
`problems/*.jsonl.gz` (answer), of which each answer is compared with itself and with the next one,
and whole completions in `rollouts/*.jsonl.gz` (gold, and samples with completion and graded),
`--most` of each file. Without `--data` only the pathological answers of this folder run.
Math-Verify must be installed (the extra `math-verify`). Each grader runs in its own process, and
sees each pair once.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.graders import GRADERS, Graded, Served
from benchmarks.pathological import report as report_pathological


@dataclass(frozen=True)
class Case:
    """A gold answer, a prediction, and whether they are the same."""

    gold: str
    pred: str
    expected: bool
    kind: str = "answer"


@dataclass(frozen=True)
class Result:
    """A grader's results on a set of cases; `cpu` is in seconds and includes worker processes."""

    grader: str
    cases: Sequence[Case]
    graded: Sequence[Graded]
    cpu: float

    def pairs(self) -> Iterator[tuple[Case, Graded]]:
        """Yield each case with its grade."""
        return zip(self.cases, self.graded, strict=True)

    def wrong(self) -> Iterator[tuple[Case, Graded]]:
        """Yield the cases not decided as expected, including those left unknown."""
        return ((case, one) for case, one in self.pairs() if one.equal is not case.expected)

    def times(self, tier: str = "", *, without: bool = False, cpu: bool = False) -> list[float]:
        """Return the milliseconds of the calls decided by `tier` (`without`: by the others)."""
        return [
            1e3 * (one.cpu if cpu else one.seconds)
            for one in self.graded
            if one.tier.startswith(tier) is not without
        ]


def read_cases(folder: Path, most: int = 1_000) -> dict[str, list[Case]]:
    """Return the sets of cases; real pairs are split by the parity of a hash.

    `most` of the whole completions in a file are drawn, always the same ones.
    """
    sets: dict[str, list[Case]] = {
        "real answers, first half": [],
        "real answers, second half": [],
        "other suites": [],
        "other suites, disputed": [],
    }
    for row in _rows(folder / "real_pairs.jsonl"):
        digest = hashlib.sha256(f"{row['gold']}\n{row['pred']}".encode()).digest()
        half = "second" if digest[0] % 2 else "first"
        case = Case(row["gold"], row["pred"], bool(row["label"]))
        sets[f"real answers, {half} half"].append(case)
    for row in _rows(folder / "equivalence_cases.jsonl"):
        case = Case(row["gold"], row["pred"], bool(row["expected"]), row["kind"])
        sets["other suites, disputed" if row["disputed"] else "other suites"].append(case)
    for file in sorted(folder.glob("problems/*.jsonl.gz")):
        answers = [row["answer"] for row in _rows(file)]
        pairs = zip(answers, [*answers[1:], answers[0]], strict=True)
        sets[_title(file)] = [Case(one, one, True) for one in answers]
        sets[f"{_title(file)}, unrelated"] = [
            Case(one, other, False) for one, other in pairs if one != other
        ]
    for file in sorted(folder.glob("rollouts/*.jsonl.gz")):
        sets[_title(file)] = [
            Case(row["gold"], sample["completion"], bool(sample["graded"]), "completion")
            for row in _rows(file)
            for sample in row["samples"]
        ]
    chance = random.Random(0)
    return {name: _some(cases, most, chance) for name, cases in sets.items()}


def _title(file: Path) -> str:
    return file.name.partition(".")[0]


def _some(cases: list[Case], most: int, chance: random.Random) -> list[Case]:
    return cases if len(cases) <= most or cases[0].kind == "answer" else chance.sample(cases, most)


def run(name: str, cases: Sequence[Case]) -> Result:
    """Grade the cases, one after another, in one process."""
    served = Served(name)
    graded = served.grade_all([(case.gold, case.pred, case.kind) for case in cases])
    return Result(name, cases, graded, served.close())


def percentile(times: Sequence[float], share: float) -> float:
    """Return the smallest time not exceeded by `share` of the times."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def accuracy_table(title: str, results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of a table with a row for each grader."""
    results = list(results)
    equal = sum(case.expected for case in results[0].cases)
    yield f"\n### {title}: {len(results[0].cases):,} pairs, {equal:,} of them equal\n"
    yield (
        "| grader | accuracy | false equal | false different | unknown | median ms | p95 | p99"
        " | longest | CPU: median ms | p99 | all s |"
    )
    yield "| --- |" + " --- |" * 11
    for result in results:
        wrong = list(result.wrong())
        times, cpu = result.times(), [1e3 * one.cpu for one in result.graded]
        cells = [
            result.grader,
            f"{1 - len(wrong) / len(result.cases):.4f}",
            sum(one.equal is True for _, one in wrong),
            sum(one.equal is False for _, one in wrong),
            sum(one.equal is None for _, one in wrong),
            f"{statistics.median(times):.3f}",
            *(f"{percentile(times, share):.2f}" for share in (0.95, 0.99, 1.0)),
            f"{statistics.median(cpu):.3f}",
            f"{percentile(cpu, 0.99):.2f}",
            f"{result.cpu:.1f}",
        ]
        yield "| " + " | ".join(map(str, cells)) + " |"


def tier_table(results: dict[str, Result]) -> Iterator[str]:
    """Yield a table of how long calls took that needed a worker process, and the others."""
    yield "\n### catsdk: the symbolic tier apart\n"
    yield (
        "| pairs | asked of a worker | median ms | p99 | bounded tiers: median ms | p99 | longest"
        " | longest, CPU |"
    )
    yield "| --- |" + " --- |" * 7
    for title, result in results.items():
        inside, outside = result.times("symbolic"), result.times("symbolic", without=True)
        share = len(inside) / len(result.cases)
        median = statistics.median(inside) if inside else float("nan")
        cells = [
            title,
            f"{len(inside)} ({share:.2%})",
            f"{median:.1f}",
            f"{percentile(inside, 0.99):.1f}",
            f"{statistics.median(outside):.3f}",
            f"{percentile(outside, 0.99):.2f}",
            f"{max(outside):.2f}",
            f"{max(result.times('symbolic', without=True, cpu=True)):.2f}",
        ]
        yield "| " + " | ".join(cells) + " |"


def differences(title: str, result: Result) -> Iterator[str]:
    """Yield a line for each pair not decided as expected."""
    for case, one in result.wrong():
        found = {True: "equal", False: "different", None: "unknown"}[one.equal]
        expected = "equal" if case.expected else "different"
        pair = f"{case.gold[:200]!r} | {case.pred[-200:]!r}"
        yield f"{title} | {result.grader} | {found} ({one.tier}), expected {expected} | {pair}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Compare graders of answers")
    parser.add_argument("--data", type=Path, help="folder of the case files")
    parser.add_argument("--graders", nargs="+", choices=GRADERS, default=list(GRADERS))
    parser.add_argument("--only", nargs="+", default=["accuracy", "pathological"])
    parser.add_argument("--most", type=int, default=1_000, help="whole completions per file")
    parser.add_argument("--differences", action="store_true", help="list what catsdk got wrong")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds for one answer")
    asked = parser.parse_args()
    if any("math" in name for name in asked.graders) and find_spec("math_verify") is None:
        parser.error("math-verify is not installed: install the extra, or name other graders")
    if asked.data and "accuracy" in asked.only:
        _report_accuracy(read_cases(asked.data, asked.most), asked.graders, asked.differences)
    if "pathological" in asked.only:
        graders = [name for name in asked.graders if "unboxed" not in name]
        for line in report_pathological(asked.data, graders, asked.patience):
            print(line, flush=True)


def _report_accuracy(sets: dict[str, list[Case]], graders: list[str], differing: bool) -> None:
    ours: dict[str, Result] = {}
    for title, cases in sets.items():
        results = [run(name, cases) for name in graders]
        print(*accuracy_table(title, results), sep="\n", flush=True)
        for result in results:
            if result.grader == "catsdk":
                ours[title] = result
    if ours:
        print(*tier_table(ours), sep="\n")
    if differing:
        print("\n### Differences\n")
        for title, result in ours.items():
            print(*differences(title, result), sep="\n")


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
