"""Shows a report in the terminal."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk.evaluate.report import Point, Report
from catsdk.evaluate.statistics import Estimate

__all__ = ["show"]


def show(report: Report, console: Console) -> None:
    """Print the tables of `report`: what to use first, then the evidence for it."""
    console.rule(escape(report.title), align="left")
    console.print(
        f"{report.items} items, {report.rollouts} rollouts ({report.failed_rollouts} failed);"
        f" single sample {_short(report.single)}; scores are the {report.measure}, with one"
        " standard error and [95 % interval]"
    )
    console.print(_points(report))
    console.print(
        "G: rollouts. drawn: used on average. departs: answers otherwise than the majority of the"
        " same rollouts; right there: and is right. rescued: right although all rollouts are"
        " wrong. *: on the frontier, no cheaper one is as good. (c): a control."
    )
    for part in (_pass_at(report), _pairs(report), _checks(report), _calibration(report)):
        if part is not None:
            console.print(part)
    for kind, count in report.failures.items():
        console.print(f"[red]{count} failures[/] {escape(kind)}")
    if report.paid is not None:
        cost = "price unknown" if report.paid.cost is None else f"${report.paid.cost:.4f}"
        console.print(
            f"paid for in all: {report.paid.requests:,} requests, {report.paid.tokens:,} tokens,"
            f" {cost}"
        )
    for note in report.notes:
        console.print(f"[yellow]note[/] {escape(note)}")


def _points(report: Report) -> Table:
    table = Table(box=SIMPLE, title=None, pad_edge=False)
    for heading in ("estimator", "G", "score", "tokens", "$", "drawn", "departs", "right there",
                    "rescued", "failed"):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "estimator" else "right")
    previous = ""
    for point in report.points:
        if previous and point.estimator != previous:
            table.add_section()
        previous = point.estimator
        table.add_row(*_row(point))
    return table


def _row(point: Point) -> list[str]:
    name = f"{point.estimator} (c)" if point.control else point.estimator
    return [
        f"[bold]{name} *[/]" if point.on_frontier else name,
        str(point.size),
        _long(point.score),
        "none" if point.tokens is None else f"{point.tokens.mean:,.0f}",
        "?" if point.cost is None else f"{point.cost:.4f}",
        f"{point.drawn:.1f}",
        _percent(point.departs),
        _percent(point.right_departing),
        _percent(point.rescued, digits=1),
        str(point.failed + point.ungraded) if point.failed + point.ungraded else "",
    ]


def _pass_at(report: Report) -> str | None:
    if not report.pass_at:
        return None
    shown = [each for each in report.pass_at if each.k in report.sizes]
    return "pass@k, unbiased: " + ", ".join(f"k={each.k} {_short(each.share)}" for each in shown)


def _pairs(report: Report) -> Table | None:
    if not report.pairs:
        return None
    table = Table(
        "first", "second", "difference", "only first", "only second", "McNemar p", "Holm p",
        box=SIMPLE, pad_edge=False, title=f"Pairs at G = {report.pairs[0].size}",
        title_justify="left",
    )  # fmt: skip
    for pair in report.pairs:
        p_value = "" if pair.p_value is None else f"{pair.p_value:.3g}"
        p_holm = "" if pair.p_holm is None else f"{pair.p_holm:.3g}"
        only = ["" if each is None else str(each) for each in (pair.only_first, pair.only_second)]
        table.add_row(pair.first, pair.second, _signed(pair.difference), *only, p_value, p_holm)
    return table


def _checks(report: Report) -> str | None:
    lines = [
        f"order: {each.estimator} answers otherwise on {_percent(each.changed)} of items when the"
        f" rollouts are shuffled (G = {each.size}); difference {_signed(each.difference)}"
        for each in report.orders
    ]
    lines += [
        f"position: {each.estimator} follows, where rollouts disagree, positions 1 to"
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
        f"cascade calibrated on {found.items} other items: confidence {chosen.confidence:g},"
        f" threshold {chosen.threshold:g}; there {chosen.score:.3f} with {chosen.tokens:,.0f}"
        f" tokens, the hard estimator alone {found.score:.3f} with {found.tokens:,.0f}"
    )


def _short(value: Estimate | None) -> str:
    return "none" if value is None else f"{value.mean:.3f} ±{value.error:.3f}"


def _long(value: Estimate | None) -> str:
    # The bracket would be read as markup.
    return "none" if value is None else f"{_short(value)} \\[{value.low:.3f}, {value.high:.3f}]"


def _signed(value: Estimate | None) -> str:
    if value is None:
        return "none"
    return f"{value.mean:+.3f} \\[{value.low:+.3f}, {value.high:+.3f}]"


def _percent(value: Estimate | None, *, digits: int = 0) -> str:
    return "" if value is None else f"{value.mean:.{digits}%}"
