"""Curves and tables of the laboratory, from the JSON of its units."""

# matplotlib's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from examples.lab.held_out import share
from examples.lab.units import ARMS

__all__ = ["Difference", "draw", "gain", "read_units", "table"]

LABELS: Final = {
    "cat": "CaT-RL (synthesis)",
    "cat-current": "CaT-RL (current anchor)",
    "ttrl": "TTRL (majority)",
    "majority": "TTRL (majority)",
    "gold": "gold (needs labels)",
    "random": "random (control)",
    "sft": "CaT-SFT",
    "rubric": "CaT-RL (rubric)",
    "harmony": "Self-Harmony",
    "co-rewarding-1": "Co-rewarding I",
    "co-rewarding-2": "Co-rewarding II",
    "empo": "EMPO",
    "rlpr": "RLPR (synthesis)",
    "darling": "Darling (majority)",
    "certainty": "Intuitor (self-certainty)",
    "entropy": "RENT (negative entropy)",
}
_HEADINGS: Final = (
    "arm",
    "seeds",
    "one sample, start",
    "one sample, end",
    "gain (paired)",
    "greedy, end",
    "majority of 8, end",
    "initial policy synthesizes 8, end",
    "policy synthesizes 8, end",
    "minutes",
)
Told = dict[str, Any]


def _lead(row: Told) -> float | None:
    """One minus the mean reward, where rewards are shares and not certainties."""
    lead: float = 1 - row["reward"]
    return lead if 0 <= lead <= 1 else None


_LOGGED: Final[tuple[tuple[str, Callable[[Told], Any]], ...]] = (
    ("one minus the mean reward: the lead of the teacher", _lead),
    ("groups without variance", lambda row: row["frac_reward_zero_std"]),
    ("agreement of the rollouts", lambda row: row.get("cat/agreement")),
    ("entropy of a token (nats)", lambda row: row["entropy"]),
    ("length of a rollout (tokens)", lambda row: row["completions/mean_length"]),
)
_UNBOUNDED: Final = tuple(title for title, _ in _LOGGED[3:])
Difference = tuple[float, float]
"""A mean over problems and its standard error."""


def read_units(folder: Path, order: Sequence[str] = ARMS) -> dict[str, list[Told]]:
    """What the units measured, by arm, in the order of the seeds."""
    found: dict[str, list[Told]] = {}
    for file in sorted(folder.glob("*-*.json")):
        told = json.loads(file.read_text("utf-8"))
        found.setdefault(told["unit"]["arm"], []).append(told)
    return {arm: found[arm] for arm in order if arm in found}


def gain(told: Told, name: str = "single", on: str = "held_out") -> Difference:
    """The last minus the first accuracy on the same problems, with the paired standard error."""
    most = told["unit"]["plan"]["group"] if name == "single" else 1
    first, last = (told["points"][at][on][name] for at in (0, -1))
    each = [(int(new) - int(old)) / most for old, new in zip(first, last, strict=True)]
    return fmean(each), stdev(each) / math.sqrt(len(each))


def table(arms: dict[str, list[Told]]) -> str:
    """Accuracies at the start and the end as Markdown, over seeds where there are several."""
    lines = [
        f"| {' | '.join(_HEADINGS)} |",
        "| --- " * len(_HEADINGS) + "|",
    ]
    for arm, units in arms.items():
        gains = [gain(told) for told in units]
        cells = [
            LABELS[arm],
            str(len(units)),
            _over(units, _at(0, "single")),
            _over(units, _at(-1, "single")),
            f"{fmean(g for g, _ in gains):+.3f} ± {_error_of_mean(gains):.3f}",
            *(_over(units, _at(-1, name)) for name in ("greedy", "majority", "teacher", "own")),
            f"{fmean(told['seconds'] for told in units) / 60:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(arms: dict[str, list[Told]], path: Path) -> None:
    """Six panels by step: how right the policy is, and what can be seen of it without labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 7), layout="constrained")
    panels = figure.subplots(2, 3)
    accuracy = panels[0, 0]
    for at, (arm, units) in enumerate(arms.items()):
        # There are ten colors.
        style: Told = {"label": LABELS[arm], "color": f"C{at}", "linestyle": "-:"[at // 10 % 2]}
        _line(accuracy, units, "points", _single, marker="o", **style)
        if arm != "sft":
            for axes, (_, value) in zip(panels.flat[1:], _LOGGED, strict=True):
                _line(axes, units, "log", value, **style)
    first = next(iter(arms.values()))[0]["points"][0]["held_out"]
    accuracy.axhline(
        share(first, "teacher", 1), color="0.3", linestyle="--", label="initial teacher (G = 8)"
    )
    titles = ["held-out accuracy, one sample", *(title for title, _ in _LOGGED)]
    for axes, title in zip(panels.flat, titles, strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        axes.grid(visible=True, color="0.93")
        axes.set_ylim(0, None if title in _UNBOUNDED else 1)
    figure.legend(
        *accuracy.get_legend_handles_labels(),
        frameon=False,
        fontsize=8,
        loc="outside lower center",
        ncols=6,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _line(
    axes: Any, units: Sequence[Told], rows: str, value: Callable[[Told], Any], **style: Any
) -> None:
    """The mean over seeds by step, and where there are several their range."""
    by_step: dict[int, list[float]] = {}
    for told in units:
        for row in told[rows]:
            found = value(row)
            if found is not None:
                by_step.setdefault(row["step"], []).append(found)
    steps = sorted(by_step)
    if not steps:
        return
    axes.plot(steps, [fmean(by_step[step]) for step in steps], linewidth=1.3, markersize=3, **style)
    lows, highs = ([end(by_step[step]) for step in steps] for end in (min, max))
    axes.fill_between(steps, lows, highs, alpha=0.15, color=style["color"])


def _single(point: Told) -> float:
    return share(point["held_out"], "single", 8)


def _at(place: int, name: str) -> Callable[[Told], float]:
    def found(told: Told) -> float:
        group = told["unit"]["plan"]["group"]
        return share(told["points"][place]["held_out"], name, group)

    return found


def _over(units: Sequence[Told], value: Callable[[Told], float]) -> str:
    values = [value(told) for told in units]
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def _error_of_mean(gains: Sequence[Difference]) -> float:
    """Over seeds where there are several, else over problems."""
    if len(gains) == 1:
        return gains[0][1]
    return stdev(mean for mean, _ in gains) / math.sqrt(len(gains))
