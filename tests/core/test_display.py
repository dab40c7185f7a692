"""Notebooks and rich show groups, references, results, rubrics and scores, small and escaped."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console
from rich.pretty import pretty_repr

import catsdk as cat
from catsdk.core.display.counting import counted
from catsdk.core.types import Criterion, Failure, Provenance, Result, Rubric, Verdict
from catsdk.core.value import ShownValue

ATTACK = "</td><script>hit()</script><img src=x onerror=hit()>[red]x[/] \x1b[31m \u202e $x^2$"


def values(text: str) -> dict[str, ShownValue]:
    drawn = cat.group_of(text, [text, text])
    rollouts = tuple(r.model_copy(update={"answer": text, "answer_rule": text})
                     for r in drawn.rollouts)  # fmt: skip
    failure = Failure(kind=text, message=text)
    group = drawn.model_copy(update={"rollouts": rollouts, "failures": {2: failure}})
    made = Provenance(method=text, model=text)
    rubric = Rubric(id=text, criteria=(Criterion(id="r1", text=text),), provenance=made)
    reference = cat.Reference(text=text, answer=text, rationale=text, group=group, agreement=0.5,
                              majority=text, disagrees=True, provenance=made)  # fmt: skip
    verdict = Verdict(criterion_id="r1", met=True, reason=text)
    scores = (
        cat.Score(index=0, value=0.5, reasons=(text,), verdicts=(verdict,),
                  parts={text: cat.Score(index=0, value=1.0, reasons=(text,))}),
        cat.Score(index=1, value=None, failure=failure),
    )  # fmt: skip
    result = Result(group=group, reference=reference, scores=scores, failure=failure)
    shown = (group, reference, rubric, *scores, result)
    return {f"{type(each).__name__} {at}": each for at, each in enumerate(shown)}


KINDS = list(values("x"))


class Seen(HTMLParser):
    """The tags of a text, its attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


def printed(value: object) -> str:
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=True, color_system=None).print(value)
    return out.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_shows_hostile_texts_as_texts(kind: str) -> None:
    text = values(ATTACK)[kind]._repr_html_()
    seen = Seen(text)
    assert seen.tags <= {"div", "b", "span", "table", "thead", "tbody", "tr", "th", "td"}
    assert seen.names <= {"style", "class"}
    assert "<script>hit()</script>" in seen.words
    assert "\x1b" not in text and "\u202e" not in text
    # Else a notebook would set `$x^2$` as mathematics.
    assert "mathjax_ignore" in text


@pytest.mark.parametrize("kind", KINDS)
def test_rich_prints_hostile_texts_as_texts(kind: str) -> None:
    told = printed(values(ATTACK)[kind])
    assert "[red]" in told and "\u202e" not in told
    assert "\x1b[31m" not in told


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_is_small_however_large_the_value(kind: str) -> None:
    value = values("long " * 100_000)[kind]
    assert len(value._repr_html_()) < 20_000
    assert len(printed(value)) < 20_000
    assert len(pretty_repr(value)) < 4_000


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_left_to_the_notebook(kind: str) -> None:
    text = values("x")[kind]._repr_html_()
    assert "color:" not in text and "background" not in text.replace("background:none", "")


def test_many_rollouts_are_counted_and_not_shown() -> None:
    group = cat.group_of("2+2?", [str(at) for at in range(100)])
    assert group._repr_html_().count("<tr>") == 1 + 24
    assert "and 76 more" in group._repr_html_() and "and 76 more" in printed(group)


def test_a_result_shows_answers_rewards_and_why_there_is_none() -> None:
    told = Seen(values("four")["Result 5"]._repr_html_()).words
    assert "four" in told and "0.5" in told and "none" in told and "four: four" in told


def test_one_is_counted_in_the_singular() -> None:
    assert [counted(many, "row") for many in (0, 1, 2, 1200)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "1,200 rows",
    ]
    assert counted(1, "criterion", "criteria") == "1 criterion"
    assert counted(3, "criterion", "criteria") == "3 criteria"
