"""The report of an evaluation as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from catsdk.core.display.counting import counted
from catsdk.core.display.page import Markup, element, heading, page, table
from catsdk.evaluate.report import Pair, Point, PositionCheck, Report
from catsdk.evaluate.statistics import Estimate

__all__ = ["as_html"]

_STYLE = """
td { white-space: nowrap; } td.long { white-space: normal; } tr.control td { color: var(--faint); }
tr.next td, tr.next th { border-top: 2px solid var(--line); }
"""
_ESTIMATORS = (
    "Tokens and cost are means an item and include the rollouts; tied is the share of items at"
    " which answers had equal votes or best scores and one was drawn at random; disagrees is the"
    " share at which the estimator disagrees with the majority of the same rollouts, if they have"
    " one (brackets: the number of items that each share is of); correct then and majority then are"
    " how often each is correct when they disagree; abstained items were answered without a final"
    " answer, which counts as not solved."
)
_GREEN = "Green rows are on the frontier: no cheaper one is as good."
_GREY = "Grey rows are controls."
_POSITIONS = (
    "How often the answer at each shown position is the estimator's, over items whose rollouts"
    " disagree; without a position bias the shares of a row differ only by chance."
)


def as_html(report: Report, svgs: list[str]) -> str:
    """One page with the tables of `report` and the figures in it.

    Args:
        report: The report.
        svgs: The figures, drawn by this package.
    """
    notes = [element("p", note, class_="note") for note in (*report.below_majority, *report.notes)]
    if report.unranked:
        why = element("strong", "No ranking.")
        ranking = [element("p", why, f" {report.unranked}", class_="note")]
    else:
        ranking = [*_ranking(report, svgs)]
    rest = [*_failures(report), *_made(report)]
    return page(report.title, _summary(report), *notes, *ranking, *rest, style=_STYLE)


def _ranking(report: Report, svgs: list[str]) -> Iterator[Markup]:
    for svg in svgs:
        yield element("figure", Markup(svg[svg.index("<svg") :]))
    yield from _estimators(report)
    yield from _cascade(report)
    yield from _pass_at(report)
    yield from _pairs(report)
    yield from _orders(report)


def _summary(report: Report) -> Markup:
    failed = f", {report.failed_rollouts} failed" if report.failed_rollouts else ""
    silent = report.silent_rollouts
    without = f", {silent} without a final answer" if silent else ""
    return element(
        "p",
        f"{report.data}: {counted(report.items, 'item')},"
        f" {counted(report.rollouts, 'rollout')}{failed}{without}. Scores"
        f" are the {report.measure}, ± one standard error, with the 95 % bootstrap interval over"
        " items. One rollout alone: ",
        _estimate(report.single),
        ".",
    )


def _estimators(report: Report) -> Iterator[Markup]:
    names = (
        "estimator", "G", "score", "tokens", "requests", "US $", "drawn", "tied", "disagrees",
        "correct then", "majority then", "right, all wrong", "failed", "ungraded", "abstained",
    )  # fmt: skip
    before = [None, *(point.estimator for point in report.points)]
    rows = [
        _point(point, begins=other not in (None, point.estimator))
        for point, other in zip(report.points, before, strict=False)
    ]
    yield element("h2", "Estimators")
    green = [_GREEN] if any(point.on_frontier for point in report.points) else []
    grey = [_GREY] if any(point.control for point in report.points) else []
    yield element("p", " ".join([*green, *grey, _ESTIMATORS]))
    yield table(heading(*names), rows)


def _point(point: Point, *, begins: bool) -> Markup:
    marks = {"good": point.on_frontier, "control": bool(point.control), "next": begins}
    cells = [
        str(point.size),
        _estimate(point.score),
        "–" if point.tokens is None else f"{point.tokens.mean:,.0f}",
        f"{point.requests:.1f}",
        "unknown" if point.cost is None else f"{point.cost:.5f}",
        f"{point.drawn:.1f}",
        *map(
            _percent,
            (point.tied, point.departs, point.right_departing, point.majority_departing),
        ),
        _percent(point.rescued),
        *(str(count or "") for count in (point.failed, point.ungraded, point.abstained)),
    ]
    chosen = " ".join(name for name, there in marks.items() if there)
    return _row(point.estimator, *cells, class_=chosen or None)


def _cascade(report: Report) -> Iterator[Markup]:
    found = report.calibration
    if found is None:
        return
    chosen = found.chosen
    yield element("h2", "Cascade")
    yield element(
        "p",
        f"Calibrated on {counted(found.items, 'other item')}: confidence"
        f" {chosen.confidence:g}, threshold"
        f" {chosen.threshold:g}. There it scored {chosen.score:.3f} with {chosen.tokens:,.0f}"
        f" tokens an item; the hard estimator alone {found.score:.3f} with {found.tokens:,.0f}.",
    )


def _pass_at(report: Report) -> Iterator[Markup]:
    if report.pass_at:
        shares = [_mean(each.share, 3) for each in report.pass_at]
        yield element("h2", "pass@k")
        names = heading("k", *(str(each.k) for each in report.pass_at))
        yield table(names, [_row("share", *shares)])


def _pairs(report: Report) -> Iterator[Markup]:
    largest = max(report.sizes)
    pairs = [pair for pair in report.pairs if pair.size == largest]
    if not pairs:
        return
    names = ("first", "second", "difference", "only first right", "only second right",
             "McNemar p", "Holm p")  # fmt: skip
    yield element("h2", f"Pairs at G = {largest}")
    yield element(
        "p",
        "Differences on the same items with a paired bootstrap interval; McNemar's exact test on"
        " the first sub-sample, and the same adjusted for the number of pairs here (Holm):"
        f" {report.pairs_tested}.",
    )
    yield table(heading(*names, texts=(0, 1)), map(_pair, pairs))


def _pair(pair: Pair) -> Markup:
    counts = ["–" if each is None else str(each) for each in (pair.only_first, pair.only_second)]
    chances = ["–" if each is None else f"{each:.3g}" for each in (pair.p_value, pair.p_holm)]
    return element(
        "tr",
        element("td", pair.first, class_="text"),
        element("td", pair.second, class_="text"),
        *(element("td", each) for each in (_estimate(pair.difference), *counts, *chances)),
    )


def _orders(report: Report) -> Iterator[Markup]:
    if report.orders or report.positions:
        yield element("h2", "Order and position")
    for each in report.orders:
        yield element(
            "p",
            f"{each.estimator}, G = {each.size}: another order of the same rollouts changes the"
            " answer on ",
            _percent(each.changed),
            " of items; difference ",
            _estimate(each.difference),
            ".",
        )
    if report.positions:
        most = max(len(check.followed) for check in report.positions)
        names = heading("estimator", *map(str, range(1, most + 1)))
        yield element("p", _POSITIONS)
        yield table(names, map(_position, report.positions))


def _position(check: PositionCheck) -> Markup:
    cells = [
        element("span", f"{100 * each.mean:.0f} % ", element("small", f"± {100 * each.error:.0f}"))
        for each in check.followed
    ]
    return _row(check.estimator, *cells)


def _failures(report: Report) -> Iterator[Markup]:
    if report.failures:
        rows = [
            element(
                "tr",
                element("td", kind, class_="text"),
                element("td", str(count)),
                element("td", report.causes.get(kind, "")[:300], class_="text long"),
            )
            for kind, count in report.failures.items()
        ]
        yield element("h2", "Failures")
        yield table(heading("what", "how many", "such as", texts=(0, 2)), rows)


def _made(report: Report) -> Iterator[Markup]:
    told = {**report.models, **report.settings}
    if report.paid:
        cost = report.paid.cost
        price = "price unknown" if cost is None else f"${cost:.4f}"
        told["paid for in all"] = (
            f"{counted(report.paid.requests, 'request')},"
            f" {counted(report.paid.tokens, 'token')}, {price}"
        )
    rows = [
        element(
            "tr",
            element("td", name, class_="text"),
            element("td", str(value), class_="text long"),
        )
        for name, value in told.items()
    ]
    yield element("h2", "How it was made")
    yield table((), rows)


def _row(name: str, *cells: str, class_: str | None = None) -> Markup:
    """A row that begins with a name."""
    first = element("td", name, class_="text")
    return element("tr", first, *(element("td", each) for each in cells), class_=class_)


def _estimate(value: Estimate | None) -> Markup:
    if value is None:
        return Markup("–")
    interval = f"± {value.error:.3f}, [{value.low:.3f}, {value.high:.3f}]"
    return element("span", f"{value.mean:.3f} ", element("small", interval))


def _mean(value: Estimate, digits: int) -> Markup:
    error = element("small", f"± {value.error:.{digits}f}")
    return element("span", f"{value.mean:.{digits}f} ", error)


def _percent(value: Estimate | None) -> Markup:
    if value is None:
        return Markup("–")
    return element("span", f"{100 * value.mean:.1f} % ", element("small", f"({value.count})"))
