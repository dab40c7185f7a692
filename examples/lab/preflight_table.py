"""The table of preflights beside what the trainings brought, and their rank correlation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from examples.lab.curves import gain
from examples.lab.held_out import share
from examples.lab.starts import STARTS, Start

__all__ = ["rank_correlation", "table"]

_DRAWS: Final = 10_000
_SIGNS: Final = ("aim", "lead", "usable", "agreement")
_HEADINGS: Final = (
    "half",
    "start",
    "reward",
    "one sample, start",
    "lead",
    "aim",
    "says",
    "gain (paired)",
    "paid",
    "right",
)
Pair = tuple[Start, dict[str, Any], dict[str, Any]]


def table(folder: Path) -> str:
    """One line for each starting point, and the correlations, as Markdown."""
    pairs = _read(folder)
    lines = [f"| {' | '.join(_HEADINGS)} |", "| --- " * len(_HEADINGS) + "|"]
    lines += [_line(*pair) for pair in pairs]
    for half in (1, 2, None):
        some = [pair for pair in pairs if half in (None, pair[0].half)]
        lines += ["", *_correlations(some, f"half {half}" if half else "both halves")]
    return "\n".join(lines)


def _read(folder: Path) -> list[Pair]:
    pairs: list[Pair] = []
    for start in STARTS:
        files = [*sorted((folder / "found").glob(f"{start.name}-[0-9]*.json"))]
        for file in files:
            trained = folder / file.name
            if trained.exists():
                read = (json.loads(each.read_text("utf-8")) for each in (file, trained))
                pairs.append((start, *read))
    return pairs


def _line(start: Start, found: dict[str, Any], told: dict[str, Any]) -> str:
    mean, error = gain(told)
    paid = _paid(told)
    says = found["pays"]
    right = {"likely": paid, "unlikely": not paid}.get(says)
    first = told["points"][0]["held_out"]
    cells = [
        str(start.half),
        start.name,
        start.arm,
        f"{share(first, 'single', told['unit']['plan']['group']):.2f}",
        _told(found, "lead"),
        _told(found, "aim"),
        says,
        f"{mean:+.3f} ± {error:.3f}",
        "yes" if paid else "no",
        {True: "yes", False: "**no**", None: "said nothing"}[right],
    ]
    return f"| {' | '.join(cells)} |"


def _paid(told: dict[str, Any]) -> bool:
    """Whether the accuracy rose by more than two standard errors."""
    mean, error = gain(told)
    return mean > 2 * error


def _told(found: dict[str, Any], sign: str) -> str:
    measure = found["measures"][sign]
    if measure["mean"] is None:
        return "none"
    return f"{measure['mean']:+.2f} ({measure['low']:+.2f} to {measure['high']:+.2f})"


def _correlations(pairs: list[Pair], which: str) -> list[str]:
    gains = [gain(told)[0] for _, _, told in pairs]
    lines: list[str] = []
    for sign in _SIGNS:
        known = [
            (found["measures"][sign]["mean"], rise)
            for (_, found, _), rise in zip(pairs, gains, strict=True)
            if found["measures"][sign]["mean"] is not None
        ]
        if len(known) > 2:
            rho, low, high = rank_correlation(known)
            lines.append(
                f"- {which}, `{sign}` and gain: Spearman {rho:+.2f} (95 %: {low:+.2f} to"
                f" {high:+.2f}) over {len(known)} starting points"
            )
    return lines


def rank_correlation(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Spearman's rank correlation and its 95 % bootstrap interval over the pairs."""
    values = np.array(pairs, dtype=float)
    random = np.random.default_rng(0)
    drawn = [
        _spearman(values[random.integers(len(values), size=len(values))]) for _ in range(_DRAWS)
    ]
    known = [each for each in drawn if each is not None]
    whole = _spearman(values)
    low, high = np.quantile(known, [0.025, 0.975])
    return float("nan") if whole is None else whole, float(low), float(high)


def _spearman(values: np.ndarray[Any, Any]) -> float | None:
    """The correlation of mean ranks; `None` where one side does not vary."""
    first, second = (_ranks(values[:, column]) for column in (0, 1))
    if not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Ranks, equal values with their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count - 1) / 2)[place])
