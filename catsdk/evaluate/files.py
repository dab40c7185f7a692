"""Writes a report as JSON, CSV, figures and one HTML page that needs nothing else."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from catsdk.evaluate.figures import save_figures
from catsdk.evaluate.html_report import as_html
from catsdk.evaluate.report import Point, Report
from catsdk.evaluate.statistics import Estimate

__all__ = ["as_csv", "write_report"]

PLAIN = ("estimator", "size", "control", "input_tokens", "output_tokens", "requests", "cost",
         "drawn", "items", "draws", "failed", "ungraded", "abstained", "on_frontier")  # fmt: skip
ESTIMATED = (
    "score",
    "tokens",
    "tied",
    "departs",
    "right_departing",
    "majority_departing",
    "rescued",
)
PARTS = ("mean", "error", "low", "high", "count")


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write `report.json`, `points.csv`, `report.html` and the figures.

    Args:
        report: What an evaluation found.
        folder: Where they are written; it is made where it is not there.

    Returns:
        The files.

    Raises:
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from pathlib import Path
        >>> from catsdk.evaluate import Evaluation, Sweep, item_of, write_report
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: "The answer is 4.")
        >>> evaluation = Evaluation([policy], names=("majority",), sweep=Sweep(sizes=(2,)))
        >>> report, seen = await evaluation.run([item_of("2+2?", "4")], title="Sums", data="one")
        >>> "report.json" in [path.name for path in write_report(report, Path("out"))]
        True
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = save_figures(report, folder)
    texts = {
        "report.json": report.model_dump_json(indent=1),
        "points.csv": as_csv(report),
        "report.html": as_html(
            report, [path.read_text("utf-8") for path in figures if path.suffix == ".svg"]
        ),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*(folder / name for name in texts), *figures]


def as_csv(report: Report) -> str:
    """The points, one a line; an estimate has a column for each of its parts."""
    names = [f"{name}_{part}" for name in ESTIMATED for part in PARTS]
    text = StringIO()
    writer = csv.DictWriter(text, [*PLAIN, *names], lineterminator="\n")
    writer.writeheader()
    for point in report.points:
        writer.writerow(_row(point))
    return text.getvalue()


def _row(point: Point) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(point, name) for name in PLAIN}
    for name in ESTIMATED:
        value: Estimate | None = getattr(point, name)
        row |= {f"{name}_{part}": getattr(value, part) if value else None for part in PARTS}
    return row
