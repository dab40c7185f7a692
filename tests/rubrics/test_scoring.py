"""Points follow HealthBench's published rule, by cases that were worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Failure, Provenance, Rubric, Verdict
from catsdk.rubrics.healthbench import from_healthbench, overall, read_healthbench
from catsdk.rubrics.scoring import Missing, bounds, points, score

LINE = {
    "prompt_id": "p-1",
    "prompt": [{"role": "user", "content": "my chest hurts"}],
    "rubrics": [
        {"criterion": "Tells to call an ambulance", "points": 10, "tags": ["level:example"]},
        {"criterion": "Asks how long it has lasted", "points": 5, "tags": []},
        {"criterion": "Names one possible cause", "points": 2},
        {"criterion": "Says that it is nothing", "points": -8},
        {"criterion": "Recommends a drug by its brand", "points": -3},
    ],
}
RUBRIC = from_healthbench(LINE)


def verdicts(*met: bool | None) -> list[Verdict]:
    missing = Failure(kind="CannotTell", message="?")
    return [
        Verdict(criterion_id=f"r{at}", met=each, failure=missing if each is None else None)
        for at, each in enumerate(met, 1)
    ]


# Possible: 10 + 5 + 2 = 17 points.
@pytest.mark.parametrize(
    ("met", "raw", "value"),
    [
        ((True, True, True, False, False), 17 / 17, 1.0),
        ((True, False, False, False, False), 10 / 17, 10 / 17),
        ((True, True, True, True, False), 9 / 17, 9 / 17),
        ((True, True, True, True, True), 6 / 17, 6 / 17),
        ((False, True, False, True, False), -3 / 17, 0.0),
        ((False, False, False, True, True), -11 / 17, 0.0),
        ((False, False, False, False, False), 0.0, 0.0),
    ],
)
def test_points_are_achieved_over_possible_positive_ones_and_clipped(
    met: tuple[bool, ...], raw: float, value: float
) -> None:
    assert points(RUBRIC, verdicts(*met)) == pytest.approx(raw)
    assert score(RUBRIC, 0, verdicts(*met)).value == pytest.approx(value)


def test_the_score_of_a_model_clips_the_mean_and_not_its_parts() -> None:
    assert overall([1.0, -0.5]) == pytest.approx(0.25)
    assert overall([-1.0, 0.5]) == 0.0
    assert overall([0.5, None]) == 0.5
    assert overall([None]) is None


def test_healthbench_files_give_conversations_and_rubrics_with_pitfalls(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text(json.dumps(LINE) + "\n\n" + json.dumps(LINE) + "\n", encoding="utf-8")
    first, second = read_healthbench(path)
    assert first == second
    assert (first.prompt[0].text, first.rubric.id) == ("my chest hurts", "p-1")
    assert [c.weight for c in first.rubric.criteria] == [10, 5, 2, -8, -3]
    assert [c.kind for c in first.rubric.criteria] == [None, None, None, "pitfall", "pitfall"]


@pytest.mark.parametrize(
    "line", ["[]", "{", '{"rubrics": []}', '{"rubrics": [{"criterion": "a"}]}']
)
def test_a_line_that_is_no_example_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text(json.dumps(LINE) + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="line 2"):
        list(read_healthbench(path))
    with pytest.raises(InvalidInputError, match="no data set at .*missing.jsonl"):
        list(read_healthbench(tmp_path / "missing.jsonl"))


def test_a_missing_verdict_is_not_a_zero() -> None:
    some = verdicts(True, True, None, False, False)
    assert score(RUBRIC, 0, some).value is None
    assert score(RUBRIC, 0, some).failure == Failure(kind="CannotTell", message="?")
    lenient = score(RUBRIC, 0, some, Missing(then="mean"))
    assert (lenient.value, lenient.coverage) == (1.0, 0.8)
    assert "1 has no verdict and is left out" in lenient.reasons


def test_open_verdicts_bound_the_points() -> None:
    assert bounds(RUBRIC, []) == (-11, 17)
    assert bounds(RUBRIC, verdicts(True, None, False, True, None)) == (-1, 7)


def test_a_mean_of_grades_counts_in_part() -> None:
    one = Rubric(criteria=(Criterion(id="c1", text="t"),), provenance=Provenance(method="m"))
    half = [Verdict(criterion_id="c1", met=False, grade=0.25)]
    assert score(one, 0, half).value == 0.25
