"""Every number that is drawn or written equals the JSON, and a page holds no foreign markup."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from catsdk.core.types import Usage
from catsdk.evaluate.calibration import Calibration, Setting
from catsdk.evaluate.figures import cost_figure, save_figures, size_figure
from catsdk.evaluate.files import as_csv, write_report
from catsdk.evaluate.html_report import as_html
from catsdk.evaluate.report import OrderCheck, Pair, PassAt, Point, PositionCheck, Report
from catsdk.evaluate.statistics import Estimate
from catsdk.evaluate.table import show

pytest.importorskip("matplotlib")


def around(mean: float) -> Estimate:
    return Estimate(mean=mean, error=0.01, low=mean - 0.03, high=mean + 0.02, count=50)


def point(name: str, size: int, score: float, tokens: float, **more: Any) -> Point:
    return Point(
        estimator=name,
        size=size,
        score=around(score),
        tokens=around(tokens),
        input_tokens=tokens / 2,
        output_tokens=tokens / 2,
        requests=float(size),
        cost=None,
        drawn=float(size),
        items=50,
        draws=1,
        **more,
    )


REPORT = Report(
    title="<script>alert('t')</script>",
    data="d",
    measure="share of problems solved",
    models={"policies": "<b>m</b>"},
    items=50,
    sizes=(1, 2, 8),
    rollouts=400,
    failed_rollouts=3,
    failures={"rollout: ServerError": 3},
    single=around(0.31),
    pass_at=tuple(PassAt(k=k, share=around(0.3 + k / 20)) for k in range(1, 9)),
    points=(
        point("majority", 1, 0.3, 31.5, on_frontier=True),
        point("majority", 2, 0.35, 63.0),
        point("majority", 8, 0.55, 251.0, on_frontier=True, failed=2),
        point("synthesis", 1, 0.33, 77.0, on_frontier=True, departs=around(0.2)),
        point("synthesis", 8, 0.625, 449.0, on_frontier=True),
        point("greedy", 1, 0.42, 30.0, control="one answer"),
        point("random", 8, 0.29, 251.0, control="any selector"),
        point("judge-weighted-majority", 8, 0.5, 700.0, tied=around(0.1), abstained=2),
    ),
    pairs=(
        Pair(
            first="majority", second="synthesis", size=8, difference=around(-0.075),
            only_first=3, only_second=7, p_value=0.34, p_holm=0.34,
        ),
    ),
    orders=(
        OrderCheck(
            estimator="synthesis", shuffled="synthesis+shuffled", size=8,
            changed=around(0.125), difference=around(0.01),
        ),
    ),
    positions=(PositionCheck(estimator="synthesis", size=2, followed=(around(0.4), around(0.5))),),
    calibration=Calibration(
        items=9, size=8, score=0.6, tokens=450.0, margin=0.0,
        chosen=Setting(confidence=0.9, threshold=0.7, score=0.61, tokens=300.0, low=-0.005),
        tried=(),
    ),
    paid=Usage(output_tokens=7, requests=2),
    notes=("a note & more",),
)  # fmt: skip


def drawn(figure: Any) -> dict[str, list[tuple[float, float, float, float]]]:
    """x, y and the ends of the bars of each line with error bars, by its label."""
    (axes,) = figure.axes
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for container in axes.containers:
        data, _, bars = container.lines
        ends = [segment[:, 1] for segment in bars[0].get_segments()]
        lines[container.get_label()] = [
            (float(x), float(y), float(low), float(high))
            for x, y, (low, high) in zip(data.get_xdata(), data.get_ydata(), ends, strict=True)
        ]
    return lines


def wanted(data: dict[str, Any], x: str) -> dict[str, list[tuple[float, float, float, float]]]:
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for each in data["points"]:
        label = f"{each['estimator']} (control)" if each["control"] else each["estimator"]
        across = each["tokens"]["mean"] if x == "tokens" else each["size"]
        score = each["score"]
        lines.setdefault(label, []).append((across, score["mean"], score["low"], score["high"]))
    return lines


def test_every_number_of_the_size_figure_equals_the_json() -> None:
    data = json.loads(REPORT.model_dump_json())
    figure = size_figure(REPORT)
    lines = wanted(data, "size")
    ((_, greedy, _, _),) = lines.pop("greedy (control)")
    assert drawn(figure) == {
        label: [pytest.approx(values) for values in line] for label, line in lines.items()
    }
    (axes,) = figure.axes
    plain = {line.get_label(): line for line in axes.get_lines()}
    assert list(plain["single sample (mean)"].get_ydata()) == [data["single"]["mean"]] * 2
    assert list(plain["greedy (control)"].get_ydata()) == [greedy] * 2
    passed = next(line for label, line in plain.items() if label.startswith("pass@k"))
    assert list(passed.get_xdata()) == [each["k"] for each in data["pass_at"]]
    assert list(passed.get_ydata()) == [each["share"]["mean"] for each in data["pass_at"]]


def test_every_number_of_the_cost_figure_equals_the_json() -> None:
    data = json.loads(REPORT.model_dump_json())
    figure = cost_figure(REPORT)
    lines = wanted(data, "tokens")
    del lines["random (control)"]
    assert drawn(figure) == {
        label: [pytest.approx(values) for values in line] for label, line in lines.items()
    }
    (axes,) = figure.axes
    frontier = next(line for line in axes.get_lines() if line.get_label() == "frontier")
    best = sorted(
        (each["tokens"]["mean"], each["score"]["mean"])
        for each in data["points"]
        if each["on_frontier"]
    )
    assert list(zip(frontier.get_xdata(), frontier.get_ydata(), strict=True)) == best


@pytest.mark.parametrize("draw", [size_figure, cost_figure])
def test_figures_have_axes_units_intervals_and_a_legend(draw: Any) -> None:
    (axes,) = draw(REPORT).axes
    assert "95 % bootstrap interval" in axes.get_xlabel()
    assert re.search(r"rollouts G|tokens an item", axes.get_xlabel())
    assert axes.get_ylabel() == "share of problems solved (of 50)"
    # Every bar is inside the picture.
    low, high = axes.get_ylim()
    assert low < min(p.score.low for p in REPORT.points if p.score and p.estimator != "greedy")
    assert high > max(p.score.high for p in REPORT.points if p.score)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"majority", "synthesis"} <= set(labels)


def test_names_from_outside_are_no_formulas_and_equal_figures_make_equal_files(
    tmp_path: Path,
) -> None:
    priced = point("$\\frac{a", 2, 0.4, 50.0)
    report = REPORT.model_copy(
        update={"title": "costs $1 or $\\broken{", "points": (*REPORT.points, priced)}
    )
    first = save_figures(report, tmp_path / "first")
    second = save_figures(report, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_csv_has_every_number_of_every_point() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(REPORT))))
    assert [(row["estimator"], int(row["size"])) for row in rows] == [
        (p.estimator, p.size) for p in REPORT.points
    ]
    for row, each in zip(rows, REPORT.points, strict=True):
        assert each.score is not None and each.tokens is not None
        assert float(row["score_mean"]) == each.score.mean
        assert float(row["score_low"]) == each.score.low
        assert float(row["tokens_mean"]) == each.tokens.mean
        assert row["cost"] == ""


class Page(HTMLParser):
    """Counts tags and keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [
            value or "" for name, value in attrs if name in {"src", "href", "xlink:href"} and value
        ]


def test_the_page_needs_nothing_else_and_escapes_foreign_text() -> None:
    text = as_html(REPORT, ["<?xml?><svg><path d='M0'/></svg>"])
    page = Page()
    page.feed(text)
    assert page.tags.count("svg") == 1
    assert "script" not in page.tags and "b" not in page.tags and "link" not in page.tags
    assert page.outside == []
    assert "a note &amp; more" in text
    assert all(p.estimator in text for p in REPORT.points)


def test_all_files_are_written_and_the_json_comes_back(tmp_path: Path) -> None:
    paths = write_report(REPORT, tmp_path / "deep")
    assert sorted(path.name for path in paths) == [
        "points.csv", "report.html", "report.json", "score-against-cost.png",
        "score-against-cost.svg", "score-against-size.png", "score-against-size.svg",
    ]  # fmt: skip
    kept = (tmp_path / "deep" / "report.json").read_text(encoding="utf-8")
    assert Report.model_validate_json(kept) == REPORT
    text = (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.tags.count("svg") == 2
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(page.tags)
    # Nothing is fetched: links lead into the page itself, and so do the styles.
    assert page.outside and all(link.startswith("#") for link in page.outside)
    assert not re.search(r"@import|url\((?!#)", text)


def test_the_table_fits_80_columns_and_has_the_numbers() -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    show(REPORT, console)
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text
    # Names are folded between their parts.
    begun = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert {"judge-", "weighted-", "majority"} <= set(begun), text
    assert re.search(r"synthesis\* +8 +0.625 ±.010 +.59..6[45] +449 ", text)
    assert re.search(r"majority +synthesis +-0.075 +-0.1[01] -0.0[56] +3 : 7 +0.34", text)


def test_the_legends_explain_what_the_table_shows_and_nothing_else() -> None:
    plain = REPORT.model_copy(
        update={"points": (point("majority", 8, 0.55, 251.0), point("synthesis", 8, 0.6, 449.0))}
    )
    assert {"*: on", "°: a", "tied: answers", "none: items", "lost: items"} <= _explained(REPORT)
    assert _explained(plain) == {"G: rollouts", "tokens: per", "used: rollouts", "dis.: disagrees",
                                 "right: how"}  # fmt: skip
    whole, bare = as_html(REPORT, []), as_html(plain, [])
    assert "Green rows are" in whole and "Grey rows are" in whole
    assert "Green rows are" not in bare and "Grey rows are" not in bare


def _explained(report: Report) -> set[str]:
    """What the legend in the terminal explains: each with the first word that explains it."""
    console = Console(width=400, file=io.StringIO(), record=True)
    show(report, console)
    (legend,) = (line for line in console.export_text().splitlines() if line.startswith("G: "))
    return {" ".join(part.split()[:2]) for part in re.split(r"(?<!dis)\. ", legend)}
