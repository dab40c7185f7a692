"""Replay the early stop on recorded runs, to see if it ends those that fell, and no others.

    python -m examples.lab.stops docs/lab docs/lab/rubric --page docs/results.md

The log of a training is rebuilt from the JSON of a unit and given, evaluation by evaluation, to the
rule that ends trainings. A unit records how many of a question's rollouts are right, not their
answers. So here a question counts as sure if at least three quarters of its rollouts are right, and
as kept if the majority is still right. A run *fell* if it ends more than 0.1 below its best
evaluation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from catsdk.train import Stop, reason_to_stop
from catsdk_trainers.data.first_answers import FEWEST, SURE
from examples.lab.curves import LABELS
from examples.lab.held_out import share
from examples.lab.laboratory import write_between

__all__ = ["Judged", "history_of", "judged", "table"]

MARK, END = "<!-- stops -->", "<!-- /stops -->"
FALL: Final = 0.1
RULES: Final = {
    "answers it was sure of": Stop(),
    "known answers (`collapse`)": Stop(kept=None),
}
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """The effect of a rule on one recorded run.

    Args:
        name: The unit.
        accuracies: The accuracy of one sample at each evaluation, by step.
        stops: The step after which the rule ends the run; `None` if it never does.
    """

    name: str
    accuracies: dict[int, float]
    stops: int | None

    @property
    def best(self) -> float:
        """The best of the evaluations."""
        return max(self.accuracies.values())

    @property
    def end(self) -> float:
        """The last evaluation."""
        return self.accuracies[max(self.accuracies)]

    @property
    def at_stop(self) -> float:
        """The accuracy at the stop or, if the rule does not stop the run, at its end."""
        return self.end if self.stops is None else self.accuracies[self.stops]

    @property
    def fell(self) -> bool:
        """Whether it ended far below its best."""
        return self.best - self.end > FALL


def judged(told: Told, stop: Stop) -> Judged:
    """Apply the rule to the log up to each evaluation, as a training does."""
    unit = told["unit"]
    group = unit["plan"]["group"]
    accuracies = {
        point["step"]: share(point["held_out"], "single", group) for point in told["points"]
    }
    history = history_of(told)
    last = max(accuracies)
    steps = (
        row["step"]
        for at, row in enumerate(history)
        if "eval_cat/policy" in row
        and row["step"] < last
        and reason_to_stop(history[: at + 1], stop) is not None
    )
    return Judged(
        f"{LABELS.get(unit['arm'], unit['arm'])}, {unit['seed']}", accuracies, next(steps, None)
    )


def history_of(told: Told) -> list[dict[str, Any]]:
    """The rows that a training would have logged, oldest first."""
    group = told["unit"]["plan"]["group"]
    first = told["points"][0]["held_out"]
    sure = [at for at, right in enumerate(first["single"]) if int(right) >= SURE * group]
    history: list[dict[str, Any]] = []
    before = 0
    for point in told["points"]:
        step, found = point["step"], point["held_out"]
        steps = [row for row in told["log"] if before < row["step"] <= step]
        history += steps
        agreements = [row["cat/agreement"] for row in steps if "cat/agreement" in row]
        row = {"step": step, "eval_cat/policy": share(found, "single", group)}
        if agreements:
            row["eval_cat/agreement"] = fmean(agreements)
        if step and len(sure) >= FEWEST:
            row["eval_cat/kept"] = fmean(int(found["majority"][at]) for at in sure)
        history.append(row)
        before = step
    return history


def table(units: Sequence[Told]) -> str:
    """Markdown with a row for each run, and a summary of each rule."""
    found = {name: [judged(told, stop) for told in units] for name, stop in RULES.items()}
    first, *_ = found
    lines = [
        "| run | start | best | end | fell | stops by answers it was sure of | accuracy there |",
        "| --- " * 7 + "|",
    ]
    for run in found[first]:
        stops = "never" if run.stops is None else f"at {run.stops} of {max(run.accuracies)}"
        lines.append(
            f"| {run.name} | {run.accuracies[0]:.2f} | {run.best:.2f} | {run.end:.2f}"
            f" | {'yes' if run.fell else 'no'} | {stops} | {run.at_stop:.2f} |"
        )
    return "\n".join([*lines, "", *(_summary(name, runs) for name, runs in found.items())])


def _summary(name: str, runs: Sequence[Judged]) -> str:
    fell = [run for run in runs if run.fell]
    stopped = [run for run in fell if run.stops is not None]
    early = [run for run in stopped if run.best - run.at_stop < (run.best - run.end) / 2]
    others = [run for run in runs if not run.fell]
    idle = [run for run in others if run.stops is not None]
    first = (
        f"- By {name}: {len(stopped)} of {len(fell)} runs that fell are stopped, {len(early)} of"
        f" them before half of the fall; {len(idle)} of {len(others)} others are stopped"
        " needlessly"
    )
    parts = [first]
    if stopped:
        kept = fmean(run.at_stop - run.end for run in stopped)
        lost = fmean(run.best - run.at_stop for run in stopped)
        saved = fmean(1 - (run.stops or 0) / max(run.accuracies) for run in stopped)
        parts.append(
            f"the stopped ones end {kept:.2f} higher than without a stop and {lost:.2f} below their"
            f" best, after {1 - saved:.0%} of their steps"
        )
    if idle:
        parts.append(
            f"a needless stop costs {fmean(run.end - run.at_stop for run in idle):.2f} of accuracy"
        )
    return "; ".join(parts) + "."


def read(folders: Sequence[Path]) -> list[Told]:
    """Read all units in some folders."""
    files = [file for folder in folders for file in sorted(folder.glob("*-*.json"))]
    return [json.loads(file.read_text("utf-8")) for file in files]


def main() -> None:
    """Print the table for some folders of units."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--page", type=Path, help="page for the table")
    chosen = parser.parse_args()
    told = table(read(chosen.folders))
    print(told)
    if chosen.page is not None:
        write_between(chosen.page, told, MARK, END)


if __name__ == "__main__":
    main()
