"""A report shows every verdict with its evidence, and model text in it stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Failure, Provenance, Rubric, Verdict
from catsdk.rubrics.judged import Judged, explained, word_of
from catsdk.rubrics.page import html_report
from catsdk.rubrics.scoring import score
from tests.prompts.attacks import SMALL
from tests.rubrics.scripted import group_of

RUBRIC = Rubric(
    id="r",
    criteria=(Criterion(id="c1", text="is kind"), Criterion(id="c2", text="lies", weight=-1.0)),
    provenance=Provenance(method="test"),
)
YES = Verdict(
    criterion_id="c1", met=True, evidence="my dear", reason="warm", judge="j", request_id="req-7"
)
PITFALL = Verdict(criterion_id="c2", met=True, judge="j")
UNSURE = Verdict(criterion_id="c1", met=None, failure=Failure(kind="CannotTell", message="dark"))


def judged_of(*rows: tuple[Verdict, ...], texts: tuple[str, ...]) -> Judged:
    scores = tuple(score(RUBRIC, at, row) for at, row in enumerate(rows))
    return Judged(rubric=RUBRIC, group=group_of(*texts), scores=scores)


class Cells(HTMLParser):
    """The tags of a page, and the text of its verdict cells by their colour."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        kind = dict(attrs).get("class") or ""
        if kind.startswith("verdict"):
            self.cells.append([kind.removeprefix("verdict "), ""])

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1][1] += data


def test_cells_have_word_colour_and_evidence_and_a_met_pitfall_is_bad() -> None:
    page = Cells()
    page.feed(html_report(judged_of((YES, PITFALL), (UNSURE, PITFALL), texts=("a", "b"))))
    assert [colour for colour, _ in page.cells] == ["good", "none", "bad", "bad"]
    assert "my dear" in page.cells[0][1]
    assert "req-7" in page.cells[0][1]
    assert "CannotTell: dark" in page.cells[1][1]


def test_whatever_a_model_wrote_adds_no_tag_to_the_page() -> None:
    plain = Cells()
    plain.feed(html_report(judged_of((YES, PITFALL), texts=("a",))))
    for attack in SMALL:
        hostile = YES.model_copy(update={"evidence": attack.text, "reason": attack.text})
        page = Cells()
        page.feed(html_report(judged_of((hostile, PITFALL), texts=(attack.text,))))
        assert page.tags == plain.tags
    assert "script" not in plain.tags


def test_a_judged_group_comes_back_from_its_file(tmp_path: Path) -> None:
    judged = judged_of((YES, PITFALL), texts=("a",))
    judged.save(tmp_path / "j.json")
    assert Judged.load(tmp_path / "j.json") == judged
    with pytest.raises(InvalidInputError, match="no judged group"):
        Judged.load(tmp_path / "none.json")


def test_a_verdict_explains_itself() -> None:
    assert explained(YES) == ['"my dear"', "warm", "j, req-7, 0 calls, $0.0000"]
    assert explained(None) == ["not judged"]
    assert [word_of(v) for v in (YES, UNSURE, YES.model_copy(update={"grade": 0.25}))] == [
        "yes",
        "?",
        "25%",
    ]
