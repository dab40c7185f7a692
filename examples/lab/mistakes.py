"""Find the sums of two digits that a trained policy gets wrong, by the problems that contain them.

    python -m examples.lab.mistakes docs/lab

For each unit of the laboratory, print how many held-out problems greedy decoding fails at the end,
and each pair of digits that occurs in problems of which it fails more than half.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catsdk_providers.box.problems import Problem, problems
from examples.lab.curves import LABELS, read_units

__all__ = ["failing_pairs", "pairs_of", "table"]

_FEWEST = 10
"""A pair in fewer problems is not reported."""

Pair = tuple[int, int]


def pairs_of(problem: Problem) -> set[Pair]:
    """The pairs of digits in the columns of `problem`, the smaller digit first."""
    columns = zip(str(problem.top), str(problem.bottom), strict=True)
    return {(min(a, b), max(a, b)) for a, b in ((int(top), int(below)) for top, below in columns)}


def failing_pairs(asked: Sequence[Problem], solved: str) -> dict[Pair, tuple[int, int]]:
    """The pairs that fail in over half of their problems: how many, of how many; most first.

    `solved` has a 1 for each problem that was solved.
    """
    counts: dict[Pair, tuple[int, int]] = {}
    for problem, digit in zip(asked, solved, strict=True):
        for pair in pairs_of(problem):
            failed, all_of_them = counts.get(pair, (0, 0))
            counts[pair] = (failed + (digit == "0"), all_of_them + 1)
    bad = {
        pair: (failed, count)
        for pair, (failed, count) in counts.items()
        if count >= _FEWEST and 2 * failed > count
    }
    return dict(sorted(bad.items(), key=lambda item: -item[1][0]))


def table(units: dict[str, list[dict[str, Any]]]) -> str:
    """A Markdown table with a row for each arm and seed."""
    lines = ["| arm | seed | failed | pairs that mostly fail |", "| --- | --- | --- | --- |"]
    for arm, each in units.items():
        for told in each:
            solved = told["points"][-1]["held_out"]["greedy"]
            bad = failing_pairs(problems("heldout", len(solved), 0), solved)
            cells = [f"{a}+{b}: {failed} of {count}" for (a, b), (failed, count) in bad.items()]
            lines.append(
                f"| {LABELS[arm]} | {told['unit']['seed']} | {solved.count('0')} of {len(solved)}"
                f" | {', '.join(cells) or 'none'} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table for a folder of units."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arms", nargs="+", default=["cat", "ttrl", "gold"])
    chosen = parser.parse_args()
    units = read_units(chosen.folder)
    print(table({arm: units[arm] for arm in chosen.arms if arm in units}))


if __name__ == "__main__":
    main()
