"""Prints a report to the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk.core.display.counting import counted
from catsdk.evaluate.report import Point, Report
from catsdk.evaluate.statistics import Estimate

__all__ = ["show"]

NAME = "estimator"
ON_FRONTIER, CONTROL = "*", "°"
# From a console of WIDE columns on, names are not folded; below, they are folded to NARROW columns,
# and in the table of pairs to PAIRED.
WIDE, NARROW, PAIRED = 110, 10, 14
ASKED_ABOUT = {"majority", "synthesis"}
# Characters of a message that are shown.
SHOWN = 300


def show(report: Report, console: Console) -> None:
    """Print the tables of `report`: what to use first, then the evidence for it."""
    console.rule(escape(report.title), align="left")
    console.print(
        f"{counted(report.items, 'item')}, {counted(report.rollouts, 'rollout')}"
        f" ({report.failed_rollouts} failed,"
        f" {report.silent_rollouts} without a final answer);"
        f" single sample {_short(report.single)}; score: the {report.measure}, with its standard"
        " error and 95 % bootstrap interval"
    )
    if report.unranked is not None:
        console.print(f"[bold red]no ranking[/] {escape(report.unranked)}")
    else:
        _show_ranking(report, console)
    for kind, count in report.failures.items():
        cause = " ".join(report.causes.get(kind, "").split())
        reason = f": {cause[:SHOWN]}" if cause else ""
        console.print(f"[red]{counted(count, 'failure')}[/] {escape(kind + reason)}")
    if report.paid is not None and report.paid.requests:
        cost = "price unknown" if report.paid.cost is None else f"${report.paid.cost:.4f}"
        console.print(
            f"paid in total: {counted(report.paid.requests, 'request')},"
            f" {counted(report.paid.tokens, 'token')},"
            f" {cost}{_broken_off(report)}"
        )
    for loss in report.below_majority:
        console.print(f"[bold yellow]below the majority[/] {escape(loss)}")
    for sentence in report.not_above_majority:
        console.print(f"[bold yellow]not above the majority[/] {escape(sentence)}")
    for note in report.notes:
        console.print(f"[yellow]note[/] {escape(note)}")


def _show_ranking(report: Report, console: Console) -> None:
    console.print(_points(report, NARROW if console.width < WIDE else WIDE))
    console.print(_legend(report))
    for part in (_pass_at(report), _pairs(report), _checks(report), _calibration(report)):
        if part is not None:
            console.print(part)


def _broken_off(report: Report) -> str:
    """The number of calls that broke off, whose cost is unknown."""
    unknown = 0 if report.paid is None else report.paid.unreported
    return f", and {counted(unknown, 'call')} of unknown size" if unknown else ""


def _shown_columns(report: Report) -> list[_Column]:
    """The columns, without optional ones that are empty."""
    return [
        column
        for column in _COLUMNS
        if column.always or any(column.cell(point) for point in report.points)
    ]


def _legend(report: Report) -> str:
    """Explain the columns and marks that the table of the points shows, and no others."""
    explained = [column.legend for column in _shown_columns(report) if column.legend]
    if any(_mark(point) == ON_FRONTIER for point in report.points):
        explained.append(f"{ON_FRONTIER}: on the frontier, no cheaper one is as good")
    if any(_mark(point) == CONTROL for point in report.points):
        explained.append(f"{CONTROL}: a control")
    return f"{'. '.join(explained)}."


def _points(report: Report, name_width: int) -> Table:
    """A table with one row per point."""
    columns = _shown_columns(report)
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(
            column.heading,
            justify=column.justify,
            no_wrap=column.heading != NAME,
            overflow="fold",
            min_width=min(name_width, NARROW) if column.heading == NAME else None,
        )
    previous = ""
    for point in report.points:
        if previous and point.estimator != previous:
            table.add_section()
        previous = point.estimator
        cells = [column.cell(point) for column in columns[1:]]
        table.add_row(_name(point, name_width), *cells)
    return table


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cell: Callable[[Point], str]
    legend: str = ""
    always: bool = True
    justify: Literal["left", "right"] = "right"


def _name(point: Point, width: int = WIDE) -> str:
    name = escape(_folded(f"{point.estimator}{_mark(point)}", width))
    return f"[bold]{name}[/]" if point.on_frontier else name


def _mark(point: Point) -> str:
    return CONTROL if point.control else ON_FRONTIER if point.on_frontier else ""


def _folded(name: str, width: int) -> str:
    """Fold the name into lines of at most `width` at hyphens and plus signs, where possible."""
    lines = [""]
    for part in re.split(r"(?<=[-+])", name):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _dollars(point: Point) -> str:
    return f"{point.cost:.4f}" if point.cost else ""


def _missing(point: Point) -> str:
    missing = point.failed + point.ungraded
    return str(missing) if missing else ""


_COLUMNS = (
    _Column(NAME, _name, justify="left"),
    _Column("G", lambda point: str(point.size), "G: rollouts"),
    _Column("score", lambda point: _score(point.score)),
    _Column("95 %", lambda point: _tight(point.score)),
    _Column(
        "tokens",
        lambda point: "none" if point.tokens is None else f"{point.tokens.mean:,.0f}",
        "tokens: per item, rollouts included",
    ),
    _Column("$", _dollars, "$: per item, rollouts included", always=False),
    _Column("used", lambda point: f"{point.drawn:.1f}", "used: rollouts used on average"),
    _Column(
        "tied",
        lambda point: _percent(point.tied),
        "tied: answers had equal votes and one was drawn at random",
        always=False,
    ),
    _Column(
        "dis.",
        lambda point: _percent(point.departs),
        "dis.: disagrees with the majority of the same rollouts, if they have one",
    ),
    _Column(
        "right",
        lambda point: _percent(point.right_departing),
        "right: how often it is right when it disagrees",
    ),
    _Column(
        "none",
        lambda point: str(point.abstained or ""),
        "none: items answered without a final answer",
        always=False,
    ),
    _Column("lost", _missing, "lost: items without a grade", always=False),
)


def _pass_at(report: Report) -> str | None:
    if not report.pass_at:
        return None
    shown = [each for each in report.pass_at if each.k in report.sizes]
    return "pass@k, unbiased: " + ", ".join(f"k={each.k} {_short(each.share)}" for each in shown)


def _pairs(report: Report) -> Table | None:
    """A table of the pairs of most interest: with the majority, or with synthesis."""
    largest = max(report.sizes, default=0)
    shown = [
        pair
        for pair in report.pairs
        if pair.size == largest and {pair.first, pair.second} & ASKED_ABOUT
    ]
    if not shown:
        return None
    table = Table(
        "first", "second", "diff.", "95 %", "alone right", "p", "Holm",
        box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left",
        title=_tested(report, shown[0].size),
    )  # fmt: skip
    for pair in shown:
        table.add_row(
            _folded(pair.first, PAIRED),
            _folded(pair.second, PAIRED),
            f"{pair.difference.mean:+.3f}",
            _range(pair.difference, sign="+"),
            "" if pair.only_first is None else f"{pair.only_first} : {pair.only_second}",
            "" if pair.p_value is None else f"{pair.p_value:.2g}",
            "" if pair.p_holm is None else f"{pair.p_holm:.2g}",
        )
    return table


def _tested(report: Report, size: int) -> str:
    if not report.pairs_tested:
        return f"Pairs at G = {size}; all pairs are in the JSON"
    if report.pairs_tested == 1:
        return f"The pair at G = {size}: McNemar's test; one pair needs no adjustment"
    return (
        f"Pairs at G = {size}: McNemar's test; Holm: p adjusted for all {report.pairs_tested} pairs"
        " here, which are in the JSON"
    )


def _checks(report: Report) -> str | None:
    lines = [
        f"order: {each.estimator} changes its answer on {_percent(each.changed)} of items when the"
        f" rollouts are shuffled (G = {each.size}); difference {_signed(each.difference)}"
        for each in report.orders
    ]
    lines += [
        f"position: if rollouts disagree, {each.estimator} follows positions 1 to"
        f" {len(each.followed)} in " + " ".join(f"{share.mean:.0%}" for share in each.followed)
        for each in report.positions
    ]
    return "\n".join(lines) or None


def _calibration(report: Report) -> str | None:
    found = report.calibration
    if found is None:
        return None
    chosen = found.chosen
    return (
        f"cascade calibrated on {counted(found.items, 'other item')}: confidence"
        f" {chosen.confidence:g},"
        f" threshold {chosen.threshold:g}; there {chosen.score:.3f} with {chosen.tokens:,.0f}"
        f" tokens, the hard estimator alone {found.score:.3f} with {found.tokens:,.0f}"
    )


def _short(value: Estimate | None) -> str:
    return "none" if value is None else f"{value.mean:.3f} ±{value.error:.3f}"


def _score(value: Estimate | None) -> str:
    return "none" if value is None else f"{value.mean:.3f} ±{value.error:.3f}".replace("±0", "±")


def _range(value: Estimate | None, sign: str = "") -> str:
    return "" if value is None else f"{value.low:{sign}.2f} {value.high:{sign}.2f}"


def _tight(value: Estimate | None) -> str:
    return "" if value is None else f"{value.low:.2f} {value.high:.2f}".replace("0.", ".")


def _signed(value: Estimate | None) -> str:
    if value is None:
        return "none"
    return f"{value.mean:+.3f} \\[{value.low:+.3f}, {value.high:+.3f}]"


def _percent(value: Estimate | None) -> str:
    return "" if value is None else f"{value.mean:.0%}"
