"""Rubrics and judged groups as tables of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catsdk.core.display.counting import counted
from catsdk.core.types import Criterion, Rubric, Verdict
from catsdk.rubrics.judged import Judged, explained, verdict_of, word_of
from catsdk.rubrics.quality import report
from catsdk.rubrics.scoring import failures_of
from catsdk.rubrics.screening import Screened

if TYPE_CHECKING:
    from catsdk.view import Labelled

__all__ = ["show_agreement", "show_judged", "show_rubric", "show_screened"]

_COLOURS = {"yes": "green", "no": "red", "?": "dim"}
_OPPOSITE = {"yes": "no", "no": "yes"}


def show_rubric(rubric: Rubric, console: Console) -> None:
    """Print the criteria, with kinds and weights if there are any."""
    weighted = any(criterion.weight != 1 for criterion in rubric.criteria)
    table = Table(title=_title(rubric), title_justify="left", show_lines=False)
    table.add_column("id", no_wrap=True)
    table.add_column("criterion")
    if weighted:
        table.add_column("kind")
        table.add_column("weight", justify="right")
    for criterion in rubric.criteria:
        more = [criterion.kind or "", f"{criterion.weight:g}"] if weighted else []
        table.add_row(escape(criterion.id), escape(criterion.text), *more)
    console.print(table)


def show_screened(screened: Screened, console: Console) -> None:
    """Print the remaining criteria, the changes, and why the rubric is rejected if it is."""
    show_rubric(screened.rubric, console)
    for change in screened.changes:
        console.print(f"[yellow]changed[/]: {escape(change)}")
    if screened.rejected is not None:
        console.print(f"[red]rejected[/]: {escape(screened.rejected)}")


def show_judged(judged: Judged, console: Console, *, evidence: bool = False) -> None:
    """Print a table of criteria and rollouts, and the evidence for each verdict if asked for."""
    caption = "each numbered column is a response; met is the share of them that meet the criterion"
    table = Table(title=_title(judged.rubric), title_justify="left", caption=caption)
    table.add_column("criterion", ratio=1)
    for score in judged.scores:
        table.add_column(str(score.index), justify="center", no_wrap=True)
    table.add_column("met", justify="right", no_wrap=True)
    for row in report(judged.rubric, judged.scores):
        cells = [
            _coloured(verdict_of(score, row.criterion), row.criterion) for score in judged.scores
        ]
        met = "?" if row.met is None else f"{row.met:.0%}"
        flag = "" if row.signal else " [yellow](same verdict for all)[/]"
        table.add_row(f"{escape(row.criterion.text)}{flag}", *cells, met)
    table.add_section()
    values = ["none" if s.value is None else f"{s.value:.2f}" for s in judged.scores]
    table.add_row("[bold]reward[/]", *values, "")
    console.print(table)
    for kind, count in failures_of(judged.scores).most_common():
        console.print(f"[yellow]without a verdict[/]: {count} x {escape(kind)}")
    if evidence:
        _show_evidence(judged, console)


def show_agreement(labelled: Labelled, console: Console) -> None:
    """Print how far each judge agrees with people, and how many references people call right."""
    for title, compared in (("verdicts", labelled.verdicts), ("references", labelled.references)):
        if compared is None:
            continue
        caption = f"{compared.items} {title} that both people and a judge have labelled"
        table = Table(
            title=f"{title}: agreement with people", title_justify="left", caption=caption
        )
        for column in ("judge", "agree", "Cohen's kappa"):
            table.add_column(column, justify="left" if column == "judge" else "right")
        for judge in compared.judges[1:]:
            pair = (compared.judges[0], judge)
            share, kappa = compared.shares[pair], compared.cohen[pair]
            table.add_row(escape(judge), _number(share), _number(kappa))
        console.print(table)
    for estimator, (right, every) in sorted(labelled.right.items()):
        console.print(
            f"{escape(estimator)}: people call {right} of {counted(every, 'reference')} right"
        )
    if labelled.gone:
        console.print(f"[yellow]left out[/]: {labelled.gone} labels of items that no longer exist")
    if not labelled.right and labelled.verdicts is None and not labelled.gone:
        console.print("nothing is labelled yet: label references or verdicts in `catsdk view`")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _show_evidence(judged: Judged, console: Console) -> None:
    for score in judged.scores:
        console.print(f"\n[bold]rollout {score.index}[/]: {escape('; '.join(score.reasons))}")
        for criterion in judged.rubric.criteria:
            verdict = verdict_of(score, criterion)
            evidence = " · ".join(explained(verdict)).replace("\n", " ")
            word = _coloured(verdict, criterion)
            console.print(f"  {escape(criterion.id)} {word} {escape(evidence)}", highlight=False)


def _coloured(verdict: Verdict | None, criterion: Criterion) -> str:
    word = word_of(verdict)
    # A criterion with a negative weight is a pitfall, for which a yes is bad.
    good = _OPPOSITE.get(word, word) if criterion.weight < 0 else word
    return f"[{_COLOURS.get(good, 'yellow')}]{word}[/]"


def _title(rubric: Rubric) -> str:
    made = rubric.provenance
    by = f" by {made.model}" if made.model else ""
    return escape(f"{rubric.id or 'rubric'}, version {rubric.version}, {made.method}{by}")
