"""Which sums of two digits a trained policy has wrong: the failures of the problems that hold them.

    python -m examples.lab.mistakes docs/lab

For each unit of the laboratory: how many held-out problems greedy decoding fails at the end, and
the pairs of digits of whose problems it fails more than half.
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
"""Problems that a pair must be in, to say something of it."""

Pair = tuple[int, int]


def pairs_of(problem: Problem) -> set[Pair]:
    """The digits that stand in one column of `problem`, the smaller one first."""
    columns = zip(str(problem.top), str(problem.bottom), strict=True)
    return {(min(a, b), max(a, b)) for a, b in ((int(top), int(below)) for top, below in columns)}


def failing_pairs(asked: Sequence[Problem], solved: str) -> dict[Pair, tuple[int, int]]:
    """The pairs of whose problems over half failed: how many, of how many; most failures first.

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
    """One line for each arm and seed, as Markdown."""
    lines = ["| arm | seed | failed | of these pairs over half |", "| --- | --- | --- | --- |"]
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
    """Print the table of a folder of units."""
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
