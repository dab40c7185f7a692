"""An own extractor and an own grader reach everything that an evaluation reads and compares."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from catsdk.answers.answers import Answers
from catsdk.answers.extract import Extractor
from catsdk.answers.graders.plain import ExactMatch
from catsdk.core.types import Request
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.items import item_of
from catsdk.evaluate.recorded import read_recorded
from catsdk.evaluate.report import Report
from catsdk.testing import FunctionProvider

pytest.importorskip("numpy")

NAMES = (
    "majority",
    "adaptive-majority",
    "synthesis",
    "cascade",
    "greedy",
    "generative",
    "universal",
    "random",
)


def _marked(text: str) -> str | None:
    found = re.search("§ (.+?) §", text)
    return found.group(1) if found else None


# Answers stand between marks that no shipped rule looks for.
MARKED = Answers(extractor=Extractor((("marked", _marked),)))
STRICT = Answers(MARKED.extractor, ExactMatch())


def script(request: Request) -> str:
    """A model that answers, and chooses the first of several responses where it is asked to."""
    return (
        '{"choice": 1}'
        if "consistent" in request.messages[-1].text
        else "§ 0.5 § would be my view of it"
    )


async def scores(answers: Answers, gold: str) -> dict[str, float | None]:
    model = FunctionProvider(script)
    evaluation = Evaluation([model], names=NAMES, sweep=Sweep(sizes=(1, 4)), answers=answers)
    report, seen = await evaluation.run([item_of("one half?", gold)], title="t", data="d")
    assert {rollout.answer_rule for rollout in seen[0].group.rollouts} == {
        "marked" if answers.extractor is MARKED.extractor else None
    }
    single = {"one rollout": report.single.mean if report.single else None}
    return single | {name: _score(report, name) for name in NAMES}


def _score(report: Report, name: str) -> float | None:
    point = report.point(name, 1 if name == "greedy" else 4)
    return None if point is None or point.score is None else point.score.mean


@pytest.mark.parametrize(
    ("answers", "gold", "value"),
    [
        (MARKED, "0.5", 1.0),
        (MARKED, "§ 1/2 § must be it", 1.0),
        (STRICT, "§ 1/2 § must be it", 0.0),
        (STRICT, "§ 0.5 § must be it", 1.0),
        (Answers(), "0.5", 0.0),
    ],
    ids=["own extractor", "own gold", "own grader differs", "own grader agrees", "shipped"],
)
async def test_every_estimator_and_one_rollout_are_read_and_compared_alike(
    answers: Answers, gold: str, value: float
) -> None:
    assert await scores(answers, gold) == dict.fromkeys(("one rollout", *NAMES), value)


async def test_votes_and_departures_are_counted_by_the_own_grader() -> None:
    texts = iter(["§ 0.5 § it is", "§ 1/2 § it is", "§ 2 § it is", "§ 2 § it is"] * 2)
    for answers, leader in ((MARKED, None), (STRICT, "2")):
        policy = FunctionProvider(lambda _: next(texts))
        anchor = FunctionProvider(lambda _: "§ 2.0 § it is")
        evaluation = Evaluation(
            [policy],
            anchor,
            names=("synthesis",),
            sweep=Sweep(sizes=(4,)),
            answers=answers,
        )
        _, (seen,) = await evaluation.run([item_of("q", "2")], title="t", data="d")
        (observation,) = seen.observations
        # Two of four each is a tie; told apart letter by letter, 2 leads and 2.0 is another answer.
        reference = seen.references["synthesis"][4]
        assert (reference.majority, reference.answer) == (leader, "2.0")
        assert observation.departs is (None if leader is None else True)
        assert observation.score == (1.0 if leader is None else 0.0)


@pytest.mark.allow_blocking
async def test_recorded_completions_are_read_by_the_evaluation_that_uses_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "d.jsonl"
    row = {"prompt": "q", "gold": "§ 7 § it is", "samples": ["§ 7 § it is", "§ 7.0 § it is", "no"]}
    path.write_text(json.dumps(row), encoding="utf-8")
    items, recorded = read_recorded(str(path))
    found: dict[str, float | None] = {}
    for name, answers in (("own", MARKED), ("strict", STRICT), ("shipped", Answers())):
        evaluation = Evaluation(
            names=("majority",), recorded=recorded, answers=answers, sweep=Sweep(sizes=(2,))
        )
        report, _ = await evaluation.run(items, title="t", data="d")
        found[name] = report.single.mean if report.single else None
    assert found == {"own": 1.0, "strict": 0.5, "shipped": 0.0}
