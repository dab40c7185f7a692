"""Draws a report's figures: accuracy by the number of rollouts, and by the cost of an answer."""

# matplotlib's own annotations are partial.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catsdk.core.errors import MissingExtraError
from catsdk.core.installing import install_command
from catsdk.evaluate.report import Point, Report
from catsdk.evaluate.statistics import Estimate

__all__ = ["cost_figure", "save_figure", "save_figures", "size_figure"]

MARKERS = "osD^vP*Xhd<>p8"
RANGE = "bars: 95 % bootstrap interval; lines are set off sideways"
# Horizontal shift between neighbouring lines, in points.
SHIFT = 3.0


def size_figure(report: Report) -> Any:
    """A matplotlib figure of the mean score against the number of rollouts G, one line a contender.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure()
    lines = list(_lines(report))
    for at, points in enumerate(lines):
        if len(report.sizes) > 1 and points[0].estimator == "greedy":
            greedy = [point.score.mean for point in points if point.score is not None]
            axes.axhline(greedy[0], color="0.4", linestyle="--", label=_label(points[0]))
            continue
        sizes = [float(point.size) for point in points]
        style = ":" if points[0].control else "-"
        _draw(axes, sizes, points, _Place(at, len(lines)), linestyle=style, linewidth=1.2)
    if report.single is not None:
        axes.axhline(report.single.mean, color="0.6", linestyle=":", label="single sample (mean)")
    if report.pass_at:
        ks = [each.k for each in report.pass_at]
        means = [each.share.mean for each in report.pass_at]
        axes.plot(ks, means, color="0.75", linewidth=1, label="pass@k (k = G; needs the answer)")
    axes.set_xscale("log", base=2)
    axes.set_xticks(report.sizes, [str(size) for size in report.sizes])
    axes.minorticks_off()
    axes.set_xlabel(f"rollouts G ({RANGE})")
    _finish(axes, report)
    return figure


def cost_figure(report: Report) -> Any:
    """A matplotlib figure of the mean score against tokens an item, with the frontier.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, axes = _figure()
    from matplotlib import ticker

    lines = [
        points
        for points in _lines(report)
        if not points[0].control or points[0].estimator == "greedy"
    ]
    for at, points in enumerate(lines):
        tokens = [point.tokens.mean for point in points if point.tokens is not None]
        _draw(axes, tokens, points, _Place(at, len(lines)), linewidth=0.8, alpha=0.9)
        for across, point in zip(tokens, points, strict=True):
            axes.annotate(
                str(point.size), (across, point.score.mean if point.score else 0.0),
                xytext=(3, -9), textcoords="offset points", fontsize=6, color="0.35",
            )  # fmt: skip
    best = sorted(_frontier(report))
    axes.step(
        [tokens for tokens, _ in best],
        [score for _, score in best],
        where="post",
        color="0.2",
        linewidth=1,
        linestyle="--",
        label="frontier",
        zorder=0,
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_xlabel(f"tokens an item, rollouts included; small numbers: G\n({RANGE})")
    _finish(axes, report)
    return figure


def save_figures(report: Report, folder: Path) -> list[Path]:
    """Write both figures to `folder`, each as PNG and as SVG.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, figure in (("size", size_figure(report)), ("cost", cost_figure(report))):
        for suffix in ("png", "svg"):
            path = folder / f"score-against-{name}.{suffix}"
            save_figure(figure, path)
            paths.append(path)
    return paths


def save_figure(figure: Any, path: Path) -> None:
    """Write one figure, as PNG or SVG by the suffix; equal figures make equal files."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a fixed salt the ids inside an SVG change with each run.
    with matplotlib.rc_context({"svg.hashsalt": "catsdk"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _figure() -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"a figure needs matplotlib: {install_command('evaluate')}"
        ) from error
    figure = Figure(figsize=(8.4, 4.6), layout="constrained")
    return figure, figure.subplots()


def _finish(axes: Any, report: Report) -> None:
    axes.autoscale_view()
    axes.set_ylabel(f"{report.measure} (of {report.items})")
    title = axes.set_title(report.title, fontsize=10)
    axes.grid(visible=True, color="0.93")
    axes.set_axisbelow(True)
    legend = axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    # A dollar sign in a user's name must not begin a formula.
    for text in (title, *legend.get_texts()):
        text.set_parse_math(False)


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of a line among all lines."""

    at: int
    count: int


def _draw(
    axes: Any, across: Sequence[float], points: Sequence[Point], place: _Place, **style: Any
) -> None:
    """Draw the line of one contender with its bars.

    It is shifted by a few points on the paper, so that equal numbers do not hide each other; the
    numbers that are plotted stay those of the report.
    """
    from matplotlib.transforms import ScaledTranslation

    scores = [point.score for point in points if point.score is not None]
    shift = SHIFT * (place.at - (place.count - 1) / 2)
    axes.errorbar(
        across,
        [score.mean for score in scores],
        yerr=_bars(scores),
        marker=MARKERS[place.at % len(MARKERS)],
        markersize=4,
        capsize=2,
        elinewidth=0.7,
        label=_label(points[0]),
        transform=axes.transData + ScaledTranslation(shift / 72, 0, axes.figure.dpi_scale_trans),
        **style,
    )
    # Shifted bars do not widen the axes by themselves.
    ends = [end for score in scores for end in (score.low, score.mean, score.high)]
    axes.update_datalim([(x, end) for x in across for end in ends])


def _lines(report: Report) -> Iterator[list[Point]]:
    """The points of each contender that has any, in the order of their sizes."""
    for name in dict.fromkeys(point.estimator for point in report.points):
        points = [p for p in report.points if p.estimator == name and p.score and p.tokens]
        if points:
            yield sorted(points, key=lambda point: point.size)


def _label(point: Point) -> str:
    return f"{point.estimator} (control)" if point.control else point.estimator


def _bars(scores: Sequence[Estimate]) -> list[list[float]]:
    """Lengths of the bars below and above; zero on a side where the mean is outside."""
    below = [max(0.0, score.mean - score.low) for score in scores]
    return [below, [max(0.0, score.high - score.mean) for score in scores]]


def _frontier(report: Report) -> list[tuple[float, float]]:
    return [
        (point.tokens.mean, point.score.mean)
        for point in report.points
        if point.on_frontier and point.tokens is not None and point.score is not None
    ]
