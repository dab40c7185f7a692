"""A judged rubric as one HTML file: criteria against rollouts, with the evidence on hover."""

from __future__ import annotations

from collections.abc import Iterator

from catsdk.core.display.counting import counted
from catsdk.core.display.page import Markup, element, heading, page, table
from catsdk.core.types import Criterion, Score
from catsdk.rubrics.judged import Judged, explained, verdict_of, word_of
from catsdk.rubrics.quality import CriterionReport, report
from catsdk.rubrics.scoring import failures_of

__all__ = ["html_report"]

_STYLE = """
td.verdict { position: relative; cursor: help; min-width: 3.2rem; text-align: center;
  font-weight: 600; }
td.verdict .why { display: none; position: absolute; z-index: 2; left: 50%; top: 95%; width: 22rem;
  transform: translateX(-50%); background: var(--paper); color: var(--ink);
  border: 1px solid var(--faint); border-radius: 4px; padding: .5rem .7rem; text-align: left;
  font-weight: 400; white-space: pre-wrap; overflow-wrap: anywhere; }
td.verdict:hover .why, td.verdict:focus .why { display: block; }
td.verdict:focus { outline: 2px solid var(--focus); } .flag { color: var(--mark); }
th:not(.text), td:not(.text) { text-align: center; } td.text { width: 26rem; }
.scroll { overflow: visible; }
"""
MAX_SHOWN = 20_000


def html_report(judged: Judged) -> str:
    """Show a judged group as one standalone HTML page: each verdict with its evidence.

    The page has no scripts, and all text of models in it is escaped.

    Args:
        judged: The rubric, the rollouts and their scores.

    Returns:
        The HTML.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rubrics import Judged, html_report, loads
        >>> from catsdk.testing import FunctionProvider
        >>> rubric = loads("criteria: [Names the rain.]")
        >>> group = cat.group_of("Why?", ["It rains."])
        >>> reward = cat.RubricReward(judge=FunctionProvider(lambda request: "yes"), rubric=rubric)
        >>> scores = await reward.reward(group)
        >>> "Names the rain." in html_report(Judged(rubric=rubric, group=group, scores=scores))
        True
    """
    facts, question = _facts(judged), judged.group.question[:500]
    parts = [element("p", facts), element("p", question), _matrix(judged), *_legend(judged)]
    return page(judged.rubric.id or "Rubric", *parts, *_responses(judged), style=_STYLE)


def _facts(judged: Judged) -> str:
    rubric, usage = judged.rubric, judged.usage
    made = rubric.provenance
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.4f}"
    facts = [
        f"version {rubric.version}",
        f"{made.method}{f' by {made.model}' if made.model else ''}",
        counted(len(rubric.criteria), "criterion", "criteria"),
        counted(len(judged.scores), "rollout"),
        f"judged in {counted(usage.requests, 'call')}, {counted(usage.tokens, 'token')}, {cost}",
    ]
    return " · ".join(facts)


def _matrix(judged: Judged) -> Markup:
    names = ("Criterion", *(str(score.index) for score in judged.scores), "met", "tells apart")
    rows = [_row(each, judged.scores) for each in report(judged.rubric, judged.scores)]
    rewards = (element("td", _number(score.value)) for score in judged.scores)
    first = element("th", "Reward", class_="text", scope="row")
    foot = element("tr", first, *rewards, element("td"), element("td"))
    return table(heading(*names), rows, foot)


def _row(told: CriterionReport, scores: tuple[Score, ...]) -> Markup:
    criterion = told.criterion
    number = _number(told.discrimination)
    return element(
        "tr",
        element("td", f"{criterion.text} ", _marks(criterion), class_="text long"),
        *(_cell(score, criterion) for score in scores),
        element("td", "?" if told.met is None else f"{told.met:.0%}"),
        element("td", number if told.signal else element("span", "no", class_="flag")),
    )


def _marks(criterion: Criterion) -> Markup:
    marks = [criterion.id, *([criterion.kind] if criterion.kind else [])]
    marks += [] if criterion.weight == 1 else [f"weight {criterion.weight:g}"]
    return element("small", ", ".join(marks))


def _cell(score: Score, criterion: Criterion) -> Markup:
    verdict = verdict_of(score, criterion)
    word = word_of(verdict)
    colour = {"yes": "good", "no": "bad", "?": "none"}.get(word, "part")
    # A criterion with a negative weight is a pitfall, for which a yes is bad.
    if criterion.weight < 0:
        colour = {"good": "bad", "bad": "good"}.get(colour, colour)
    why = element("span", "\n".join(explained(verdict))[:MAX_SHOWN], class_="why")
    return element("td", word, why, class_=f"verdict {colour}", tabindex="0")


def _legend(judged: Judged) -> Iterator[Markup]:
    yield element(
        "p",
        "Each numbered column is a response, to be read in full below. Point at a verdict, or reach"
        " it with the tab key, to see its evidence. A criterion tells apart where some responses"
        " meet it and some do not; the number is the correlation of its verdicts with the rest of"
        " the rubric.",
    )
    lost = failures_of(judged.scores)
    if lost:
        told = ", ".join(f"{count} x {kind}" for kind, count in lost.most_common())
        yield element("p", f"Without a verdict: {told}.")


def _responses(judged: Judged) -> Iterator[Markup]:
    by_index = {rollout.index: rollout for rollout in judged.group.rollouts}
    yield element("h2", "Responses")
    for score in judged.scores:
        rollout = by_index.get(score.index)
        text = rollout.text[:MAX_SHOWN] if rollout else str(judged.group.failures.get(score.index))
        reasons = "; ".join(score.reasons)
        cause = f" ({score.failure})" if score.failure else ""
        head = f"{score.index}: {_number(score.value)}, {reasons}{cause}"
        yield element("details", element("summary", head), element("pre", text))


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
