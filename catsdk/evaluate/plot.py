"""Draws accuracy against the number of rollouts, with standard errors."""

# matplotlib's own annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path

from catsdk.core.errors import MissingExtraError
from catsdk.evaluate.scaling import Scaling

__all__ = ["plot_scaling"]


def plot_scaling(scaling: Scaling, path: Path, title: str) -> None:
    """Write the figure to `path`, as PNG or SVG by its suffix.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("a figure needs matplotlib: pip install 'catsdk[plot]'") from error
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    sizes = [row.size for row in scaling.rows]
    for label, shares, marker in (
        ("synthesis", [row.synthesis for row in scaling.rows], "o"),
        ("majority", [row.majority for row in scaling.rows], "s"),
    ):
        means, errors = [s.mean for s in shares], [s.error for s in shares]
        axes.errorbar(sizes, means, yerr=errors, marker=marker, capsize=3, label=label)
    axes.axhline(scaling.greedy.mean, color="0.4", linestyle="--", label="greedy, one answer")
    axes.axhline(scaling.single.mean, color="0.6", linestyle=":", label="single sample (mean)")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xlabel("rollouts G (bars: one standard error)")
    axes.set_ylabel(f"share of {scaling.problems} problems solved")
    axes.set_title(title, fontsize=10)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
