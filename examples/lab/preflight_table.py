"""Compare preflights with the gains of the trainings: a table and their rank correlation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from catsdk.train import Measure
from catsdk_trainers.preflight.rule import Answer, answer_of, checks_of
from examples.lab.curves import gain
from examples.lab.held_out import share
from examples.lab.starts import STARTS

__all__ = ["Tried", "rank_correlation", "table", "tried"]

_DRAWS: Final = 2000
_FEWEST: Final = 4
_SIGNS: Final = ("aim", "lead", "usable", "agreement")
_RECORDED: Final = {"cat": "box", "ttrl": "vote", "random": "random", "gold": "gold"}
"""The starting point of some arms of the laboratory."""
_HEADINGS: Final = (
    "half",
    "start",
    "reward",
    "steps",
    "one sample, start",
    "lead",
    "aim",
    "says",
    "gain (paired)",
    "paid",
    "right",
)
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tried:
    """A preflight and trainings from the same start, of the same length but with other seeds."""

    start: str
    half: int
    found: Told
    units: Sequence[Told]

    @property
    def gain(self) -> float:
        """The mean gain over the seeds."""
        return fmean(gain(told)[0] for told in self.units)

    @property
    def error(self) -> float:
        """The standard error of that mean; all trainings are measured on the same problems."""
        return sqrt(fmean(gain(told)[1] ** 2 for told in self.units))

    @property
    def paid(self) -> bool:
        """Whether the accuracy rose by more than two standard errors."""
        return self.gain > 2 * self.error

    @property
    def says(self) -> Answer:
        """The answer of today's rule, which may be newer than the recorded measures."""
        measures = self.found["measures"].items()
        return answer_of(checks_of({name: Measure(**each) for name, each in measures}))

    @property
    def right(self) -> bool | None:
        """Whether the preflight was right; `None` if it said neither yes nor no."""
        return {"likely": self.paid, "unlikely": not self.paid}.get(self.says)


def tried(folder: Path, recorded: Path | None = None) -> list[Tried]:
    """The short trainings in `folder`, and the units `recorded` by the laboratory."""
    return [*_short(folder), *([] if recorded is None else _recorded(folder, recorded))]


def _short(folder: Path) -> Iterator[Tried]:
    for start in STARTS:
        for file in sorted((folder / "found").glob(f"{start.name}-[0-9]*.json")):
            if (folder / file.name).exists():
                yield Tried(start.name, start.half, _read(file), [_read(folder / file.name)])


def _recorded(folder: Path, recorded: Path) -> Iterator[Tried]:
    halves = {start.name: start.half for start in STARTS}
    for arm, start in _RECORDED.items():
        found = folder / "found" / f"{start}-0.json"
        units = [_read(file) for file in sorted(recorded.glob(f"{arm}-[0-9]*.json"))]
        if found.exists() and units:
            yield Tried(start, halves[start], _read(found), units)


def _read(file: Path) -> Told:
    told: Told = json.loads(file.read_text("utf-8"))
    return told


def table(found: Sequence[Tried]) -> str:
    """A Markdown table with a row for each preflight and training length, and the correlations."""
    lines = [f"| {' | '.join(_HEADINGS)} |", "| --- " * len(_HEADINGS) + "|"]
    lines += [_line(each) for each in found]
    said = [each.right for each in found if each.right is not None]
    right = f"It said yes or no {len(said)} times out of {len(found)}; {sum(said)} were right."
    lines += ["", right, ""]
    for half in (1, 2, None):
        some = [each for each in found if half in (None, each.half)]
        lines += _correlations(some, f"half {half}" if half else "both halves")
    return "\n".join(lines)


def _line(each: Tried) -> str:
    plan = each.units[0]["unit"]["plan"]
    first = each.units[0]["points"][0]["held_out"]
    seeds = len(each.units)
    cells = [
        str(each.half),
        each.start,
        next(start.arm for start in STARTS if start.name == each.start),
        f"{plan['steps']}" + (f", {seeds} seeds" if seeds > 1 else ""),
        f"{share(first, 'single', plan['group']):.2f}",
        _told(each.found, "lead"),
        _told(each.found, "aim"),
        each.says,
        f"{each.gain:+.3f} ± {each.error:.3f}",
        "yes" if each.paid else "no",
        {True: "yes", False: "**no**", None: "said nothing"}[each.right],
    ]
    return f"| {' | '.join(cells)} |"


def _told(found: Told, sign: str) -> str:
    measure = found["measures"][sign]
    if measure["mean"] is None:
        return "none"
    return f"{measure['mean']:+.2f} ({measure['low']:+.2f} to {measure['high']:+.2f})"


def _correlations(found: Sequence[Tried], which: str) -> Iterator[str]:
    for sign in _SIGNS:
        pairs = [
            (mean, each.gain)
            for each in found
            if (mean := each.found["measures"][sign]["mean"]) is not None
        ]
        rho, low, high = rank_correlation(pairs) if len(pairs) >= _FEWEST else (nan, nan, nan)
        if not isnan(rho):
            yield (
                f"- {which}, `{sign}` and gain: Spearman {rho:+.2f} (95 %: {low:+.2f} to"
                f" {high:+.2f}) over {len(pairs)}"
            )


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Spearman's rank correlation and its 95 % bootstrap interval over the pairs.

    It is NaN if one side does not vary.
    """
    values = np.array(pairs, dtype=float)
    random = np.random.default_rng(0)
    samples = random.integers(len(values), size=(_DRAWS, len(values)))
    drawn = [each for sample in samples if (each := _spearman(values[sample])) is not None]
    whole = _spearman(values)
    if whole is None or not drawn:
        return nan, nan, nan
    low, high = np.quantile(drawn, [0.025, 0.975])
    return whole, float(low), float(high)


def _spearman(values: np.ndarray[Any, Any]) -> float | None:
    """The correlation of mean ranks; `None` if one side does not vary."""
    first, second = (_ranks(values[:, column]) for column in (0, 1))
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The ranks; equal values share their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count - 1) / 2)[place])
