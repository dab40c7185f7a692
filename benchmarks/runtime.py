"""Compare the runtime with its peers on a fast server: wall time, CPU, memory and calls.

    make bench-runtime                        all rows, five repeats, peers' environments made first
    python benchmarks/runtime.py --rows cpu,memory --repeats 5 --contestants catsdk,openai

The loopback server runs in its own process on one core, the contestants in turn on another, each
in its own environment. Repeats are interleaved: every contestant does the work once, then all do
it again. Results are stored in `out/runtime.json`, so rows can be measured one at a time; `--table`
prints the tables from there.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from benchmarks.arena import CONTESTANTS, ROOT, Arena
from benchmarks.runtime_rows import ROWS, Numbers, Row

KEPT = ROOT / "out" / "runtime.json"
Results = dict[str, list[Numbers]]


def measure(arena: Arena, row: Row, repeats: int) -> Results:
    """Run the row `repeats` times for every contestant, in turn."""
    who = [name for name in arena.contestants if name in row.who]
    results: Results = {name: [] for name in who}
    arena.rest()
    for at in range(1 if row.once else repeats):
        repeat: dict[str, Numbers] = {}
        for name in who:
            repeat[name] = row.run(arena, name, at)
            print(f"  {at} {name}: {_line(repeat[name])}", file=sys.stderr, flush=True)
        row.compare(repeat)
        for name, numbers in repeat.items():
            results[name].append(numbers)
    return results


def _line(numbers: Numbers) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in numbers.items())


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def middle(runs: list[Numbers], number: str) -> tuple[float, float, float] | None:
    """Median, lowest and highest of `number` over the repeats that have it."""
    values = [float(run[number]) for run in runs if isinstance(run.get(number), int | float)]
    return (statistics.median(values), min(values), max(values)) if values else None


def cell(runs: list[Numbers], number: str) -> str:
    """Median and spread, or why there is none."""
    found = middle(runs, number)
    if found is None:
        return str(next((run["error"] for run in runs if "error" in run), ""))
    centre, low, high = map(_short, found)
    return centre if low == high else f"{centre} ({low} to {high})"


def verdicts(results: dict[str, Results]) -> str:
    """A Markdown table of the aims and whether they are met."""
    lines = ["| work | aim | catsdk | met |", "| --- | --- | --- | --- |"]
    for name, row in ROWS.items():
        runs = results.get(name, {}).get("catsdk", [])
        found = middle(runs, row.number)
        met = "" if not runs else "yes" if found and row.holds(found[0]) else "no"
        lines.append(f"| {row.title} | {row.aim} | {row.number} {cell(runs, row.number)} | {met} |")
    return "\n".join(lines)


def side_by_side(results: dict[str, Results]) -> str:
    """A Markdown table of all contestants."""
    lines = [f"| work | number | {' | '.join(CONTESTANTS)} |", "| --- " * 8 + "|"]
    for name, row in ROWS.items():
        each = results.get(name, {})
        numbers = dict.fromkeys(key for runs in each.values() for run in runs for key in run)
        for number in numbers:
            if number != "error":
                cells = [cell(each.get(who, []), number) for who in CONTESTANTS]
                lines.append(f"| {row.title} | {number} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _kept() -> dict[str, Results]:
    kept: dict[str, Results] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return kept


def main() -> int:
    """Measure the chosen rows and print the tables; return 1 if an aim is missed."""
    options = _options()
    # An orderly end, so that no contestant outlives the one who started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not options.table:
        who, pinned = options.contestants.split(","), not options.unpinned
        with Arena(who, limit=options.limit, pinned=pinned) as arena:
            for name in options.rows.split(","):
                print(f"{name}: {ROWS[name].title}", file=sys.stderr, flush=True)
                kept = _kept()
                kept[name] = kept.get(name, {}) | measure(arena, ROWS[name], options.repeats)
                KEPT.write_text(json.dumps(kept, indent=1))
    results = _kept()
    table = verdicts(results)
    print(table, side_by_side(results), sep="\n\n")
    return int("| no |" in table)


def _options() -> Any:
    parser = argparse.ArgumentParser(description="Compare the runtime with its peers")
    parser.add_argument("--rows", default=",".join(ROWS), help="comma-separated")
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="comma-separated")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=300, help="seconds for one task")
    parser.add_argument("--unpinned", action="store_true", help="any core, for a first look only")
    parser.add_argument("--table", action="store_true", help="only print the tables")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
