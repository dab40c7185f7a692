"""The laboratory on a real model: run missing units, then write the table, figure and JSON.

    python -m examples.real_lab.laboratory --weights FOLDER --seeds 2 --out docs/real_lab
    python -m examples.real_lab.laboratory --out docs/real_lab --page docs/results.md

Without `--weights` nothing is trained: the table and the figure show the finished units, and the
table lists the others as not run. Each unit runs in a process with one thread; an interrupted unit
resumes where it stopped. The table goes between the `<!-- real lab -->` lines of a page, its
numbers into `summary.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from examples.lab.curves import LABELS, gain, read_units
from examples.lab.held_out import share
from examples.lab.laboratory import parser_of, run_all, write_between
from examples.lab.units import Unit, units
from examples.real_lab.units import ARMS, PLANS, Plan

__all__ = ["draw", "summary", "table"]

MARK, END = "<!-- real lab -->", "<!-- /real lab -->"
_SIGMAS: Final = 1.96
_HEADINGS: Final = (
    "arm",
    "seed",
    "one sample, start",
    "end",
    "gain (95 %)",
    "greedy gain (95 %)",
    "majority of 8, end",
    "gain on the untrained kind (95 %)",
    "rollouts with a reward",
    "minutes",
)
Told = dict[str, Any]


def summary(arms: dict[str, list[Told]]) -> list[Told]:
    """Each unit's results: accuracy at the start and the end, and gains with 95 % intervals."""
    return [_of_unit(told) for found in arms.values() for told in found]


def _of_unit(told: Told) -> Told:
    unit, points = told["unit"], told["points"]
    group = unit["plan"]["group"]
    shares = {
        f"{name}, {when}": round(share(points[at]["held_out"], name, group), 4)
        for name in ("single", "greedy", "majority", "teacher")
        for when, at in (("start", 0), ("end", -1))
    }
    gains = {on: _interval(told, "single", on) for on in ("held_out", "untrained")}
    gains["greedy"] = _interval(told, "greedy", "held_out")
    gains["majority"] = _interval(told, "majority", "held_out")
    scored = [row["cat/scored"] for row in told["log"] if "cat/scored" in row]
    return {
        "arm": unit["arm"],
        "seed": unit["seed"],
        "steps": points[-1]["step"],
        "shares": shares,
        "gains": gains,
        "rewarded": round(fmean(scored), 4) if scored else None,
        "minutes": round(told["seconds"] / 60, 1),
    }


def _interval(told: Told, name: str, on: str) -> dict[str, float]:
    """The gain, paired by question, with the normal 95 % interval over questions."""
    mean, error = gain(told, name, on)
    low, high = mean - _SIGMAS * error, mean + _SIGMAS * error
    return {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}


def table(rows: Sequence[Told], wanted: Sequence[Unit[Plan]] = ()) -> str:
    """The units as a Markdown table, one per row; unfinished units of `wanted` say "not run"."""
    lines = [f"| {' | '.join(_HEADINGS)} |", "| --- " * len(_HEADINGS) + "|"]
    for row in rows:
        shares, gains = row["shares"], row["gains"]
        cells = [
            LABELS[row["arm"]],
            str(row["seed"]),
            f"{shares['single, start']:.3f}",
            f"{shares['single, end']:.3f}",
            *(_spelled(gains[name]) for name in ("held_out", "greedy")),
            f"{shares['majority, end']:.3f}",
            _spelled(gains["untrained"]),
            "" if row["rewarded"] is None else f"{row['rewarded']:.0%}",
            f"{row['minutes']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    finished = {(row["arm"], row["seed"]) for row in rows}
    for unit in wanted:
        if (unit.arm, unit.seed) not in finished:
            blank = " | " * (len(_HEADINGS) - 3)
            lines.append(f"| {LABELS[unit.arm]} | {unit.seed} | not run{blank} |")
    return "\n".join(lines)


def _spelled(found: dict[str, float]) -> str:
    return f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"


def draw(rows: Sequence[Told], path: Path) -> None:
    """Plot each unit's gain with its interval, on the trained kinds and on the untrained one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, row in enumerate(reversed(rows)):
        for on, offset, color in (("held_out", 0.12, "C0"), ("untrained", -0.12, "C1")):
            found = row["gains"][on]
            spread = [[found["mean"] - found["low"]], [found["high"] - found["mean"]]]
            axes.errorbar(found["mean"], at + offset, xerr=spread, fmt="o", color=color, capsize=3)
    names = [f"{LABELS[row['arm']]}, seed {row['seed']}" for row in reversed(rows)]
    axes.set_yticks(range(len(rows)), names)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("gain of one sample (95 %): trained kinds blue, the untrained kind orange")
    axes.grid(axis="x", color="0.93")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main() -> int:
    """Run the missing units, and write up those that are finished."""
    parser = parser_of(__doc__, PLANS, ARMS, usual=ARMS, seeds=2, at_once=1)
    parser.add_argument("--weights", type=Path, help="folder from weights.py: train missing units")
    chosen = parser.parse_args()
    failed: list[Any] = []
    wanted = units(PLANS[chosen.plan], tuple(chosen.arms), chosen.seeds)
    if chosen.weights is not None:
        arguments = ["--plan", chosen.plan, "--weights", str(chosen.weights.resolve())]
        failed = run_all(
            wanted, "examples.real_lab.rl", chosen.out.resolve(), chosen.at_once, arguments
        )
    rows = summary(read_units(chosen.out, ARMS))
    told = table(rows, wanted)
    print(told)
    if chosen.page is not None:
        write_between(chosen.page, told, MARK, END)
    if not rows:
        print(f"no unit in {chosen.out} is finished")
        return 1
    (chosen.out / "summary.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    draw(rows, chosen.out / "gains.png")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
