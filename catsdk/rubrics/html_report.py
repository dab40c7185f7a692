"""A judged rubric as one HTML file: criteria against rollouts, with the evidence on hover."""

from __future__ import annotations

from html import escape

from catsdk.core.types import Criterion, Score
from catsdk.rubrics.judged import Judged, explained, verdict_of, word_of
from catsdk.rubrics.quality import CriterionReport, report
from catsdk.rubrics.scoring import failures_of

__all__ = ["html_report"]

# No script, nothing loaded from elsewhere: what a model wrote is text here, never more.
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rubric report</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1c1c1c; margin: 2rem auto; max-width: 80rem;
  padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0; color: #555; }
table { border-collapse: collapse; margin-top: 1rem; }
th, td { border: 1px solid #d5d5d5; padding: .35rem .55rem; text-align: center; }
th { background: #f4f4f4; font-weight: 600; } td.text, th.text { text-align: left; width: 26rem; }
td.number { font-variant-numeric: tabular-nums; }
td.verdict { position: relative; cursor: help; min-width: 3.2rem; font-weight: 600; }
.yes { background: #d7f0dc; color: #14532d; } .no { background: #fbdcd9; color: #7f1d1d; }
.part { background: #fdf3c8; color: #6b4e00; } .none { background: #ececec; color: #444; }
td.verdict .why { display: none; position: absolute; z-index: 2; left: 50%; top: 95%; width: 22rem;
  transform: translateX(-50%); background: #fff; color: #1c1c1c; border: 1px solid #888;
  border-radius: 4px; box-shadow: 0 3px 10px #0003; padding: .5rem .7rem; text-align: left;
  font-weight: 400; white-space: pre-wrap; overflow-wrap: anywhere; }
td.verdict:hover .why, td.verdict:focus .why { display: block; }
td.verdict:focus { outline: 2px solid #1d4ed8; }
.flag { color: #9a3412; } small { color: #666; font-weight: 400; }
details { border: 1px solid #d5d5d5; border-radius: 4px; padding: .4rem .8rem; margin: .4rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
</style></head><body>
"""
MAX_SHOWN = 20_000


def html_report(judged: Judged) -> str:
    """The report as one standalone page, without scripts; all model text is escaped."""
    parts = [_HEAD, _title(judged), _matrix(judged), _legend(judged), _responses(judged)]
    return "\n".join([*parts, "</body></html>\n"])


def _title(judged: Judged) -> str:
    rubric, usage = judged.rubric, judged.usage
    made = rubric.provenance
    cost = "cost unknown" if usage.cost is None else f"${usage.cost:.4f}"
    facts = [
        f"version {rubric.version}",
        f"{made.method}{f' by {made.model}' if made.model else ''}",
        f"{len(rubric.criteria)} criteria",
        f"{len(judged.scores)} rollouts",
        f"judged in {usage.requests} calls, {usage.tokens:,} tokens, {cost}",
    ]
    name = escape(rubric.id or "Rubric")
    question = escape(judged.group.question[:500])
    return f"<h1>{name}</h1><p>{escape(' · '.join(facts))}</p><p>{question}</p>"


def _matrix(judged: Judged) -> str:
    heads = "".join(f'<th scope="col">{score.index}</th>' for score in judged.scores)
    head = (
        f'<tr><th class="text" scope="col">Criterion</th>{heads}'
        "<th>met</th><th>tells apart</th></tr>"
    )
    reports = report(judged.rubric, judged.scores)
    rows = [_row(each, judged.scores) for each in reports]
    cells = "".join(f'<td class="number">{_number(score.value)}</td>' for score in judged.scores)
    foot = f'<tr><th class="text" scope="row">Reward</th>{cells}<td></td><td></td></tr>'
    return (
        f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody><tfoot>{foot}</tfoot></table>"
    )


def _row(told: CriterionReport, scores: tuple[Score, ...]) -> str:
    criterion = told.criterion
    cells = "".join(_cell(score, criterion) for score in scores)
    met = "?" if told.met is None else f"{told.met:.0%}"
    apart = _number(told.discrimination) if told.signal else '<span class="flag">no</span>'
    return (
        f'<tr><td class="text">{escape(criterion.text)} {_marks(criterion)}</td>{cells}'
        f'<td class="number">{met}</td><td class="number">{apart}</td></tr>'
    )


def _marks(criterion: Criterion) -> str:
    marks = [criterion.id, *([criterion.kind] if criterion.kind else [])]
    marks += [] if criterion.weight == 1 else [f"weight {criterion.weight:g}"]
    return f"<small>{escape(', '.join(marks))}</small>"


def _cell(score: Score, criterion: Criterion) -> str:
    verdict = verdict_of(score, criterion)
    word = word_of(verdict)
    colour = {"yes": "yes", "no": "no", "?": "none"}.get(word, "part")
    # For a pitfall a yes is the bad answer.
    if criterion.weight < 0:
        colour = {"yes": "no", "no": "yes"}.get(colour, colour)
    why = escape("\n".join(explained(verdict))[:MAX_SHOWN])
    return f'<td class="verdict {colour}" tabindex="0">{word}<span class="why">{why}</span></td>'


def _legend(judged: Judged) -> str:
    lost = failures_of(judged.scores)
    told = ", ".join(f"{count} x {kind}" for kind, count in lost.most_common())
    missing = f"<p>Without a verdict: {escape(told)}.</p>" if told else ""
    return (
        "<p>Each numbered column is a response, to be read in full below. Point at a verdict, or reach"
        " it with the tab key, to see its evidence. A criterion tells apart where some responses"
        " meet it and some do not; the number is the correlation"
        f" of its verdicts with the rest of the rubric.</p>{missing}"
    )


def _responses(judged: Judged) -> str:
    by_index = {rollout.index: rollout for rollout in judged.group.rollouts}
    parts = ["<h2>Responses</h2>"]
    for score in judged.scores:
        rollout = by_index.get(score.index)
        text = rollout.text[:MAX_SHOWN] if rollout else str(judged.group.failures.get(score.index))
        reasons = "; ".join(score.reasons)
        cause = f" ({score.failure})" if score.failure else ""
        head = f"{score.index}: {_number(score.value)}, {reasons}{cause}"
        parts.append(
            f"<details><summary>{escape(head)}</summary><pre>{escape(text)}</pre></details>"
        )
    return "\n".join(parts)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
