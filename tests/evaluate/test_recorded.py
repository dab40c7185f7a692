"""Completions that stand in a data set are evaluated without a call, as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Request
from catsdk.evaluate.contenders import SELECTORS
from catsdk.evaluate.evaluation import Evaluation
from catsdk.evaluate.experiment import Sweep
from catsdk.evaluate.recorded import read_recorded
from catsdk.evaluate.report import Report
from catsdk.testing import FunctionProvider

pytest.importorskip("numpy")
# The command reads its data before the event loop begins; these tests read theirs inside it.
pytestmark = [pytest.mark.allow_blocking]

ROWS: list[dict[str, Any]] = [
    {
        "problem": "one?",
        "gold": "1",
        "samples": [
            {"completion": "\\boxed{1}", "model": "x", "rm_score": -1.0},
            {"completion": "\\boxed{2}", "model": "y", "rm_score": 2.0},
            {"completion": "\\boxed{1}", "model": "x", "rm_score": 0.5},
        ],
    },
    {
        "problem": "two?",
        "gold": "2",
        "samples": [
            {"completion": "see above", "model": "x", "extracted": "3", "rm_score": 0.0},
            {"completion": "no idea", "model": "y", "rm_score": 1.0},
            {"completion": "\\boxed{2}", "model": "x", "extracted": "3", "rm_score": 3.0},
        ],
    },
]


def written(tmp_path: Path, rows: list[dict[str, Any]]) -> str:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


async def report_on(source: str, *names: str, **more: Any) -> Report:
    items, recorded = read_recorded(source)
    sweep = Sweep(sizes=tuple(range(1, recorded.most + 1)))
    evaluation = Evaluation(names=names or SELECTORS, recorded=recorded, sweep=sweep, **more)
    report, _ = await evaluation.run(items, title="t", data="d")
    return report


def mean(report: Report, name: str, size: int) -> float:
    point = report.point(name, size)
    assert point is not None and point.score is not None
    return point.score.mean


async def test_completions_are_read_with_answers_models_scores_and_estimated_tokens(
    tmp_path: Path,
) -> None:
    items, recorded = read_recorded(written(tmp_path, ROWS))
    group = await recorded.sample(items[1].prompt, 2, start=1)
    # The text comes before the row's own word, which fills in where the text states nothing.
    assert [(r.index, r.answer) for r in group.rollouts] == [(1, None), (2, "2")]
    assert (await recorded.sample(items[1].prompt, 1)).rollouts[0].answer == "3"
    assert (recorded.most, recorded.models, recorded.logprobs) == (3, ["x", "y"], False)
    assert recorded.counted is False
    assert group.rollouts[0].completion.usage.tokens == (4 // 3 + 1) + (7 // 3 + 1)
    assert group.calls == ()


async def test_conversations_and_their_ends_are_read_as_a_providers(tmp_path: Path) -> None:
    said = [
        {"role": "tool", "content": "\\boxed{7}"},
        {"role": "assistant", "content": "<think>\\boxed{8}</think>The answer is 42."},
    ]
    samples = [said, {"completion": said}, {"text": "It is 4", "finish_reason": "length"}]
    source = written(tmp_path, [{"prompt": "q", "gold": "42", "samples": samples}])
    items, recorded = read_recorded(source)
    rollouts = (await recorded.sample(items[0].prompt, 3)).rollouts
    assert [rollout.answer for rollout in rollouts] == ["42", "42", None]
    assert rollouts[0].completion.reasoning == "\\boxed{8}"
    assert [rollout.completion.finish_reason for rollout in rollouts] == ["stop", "stop", "length"]


async def test_a_rollout_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    items, recorded = read_recorded(written(tmp_path, ROWS))
    group = await recorded.sample(items[0].prompt, 3, start=2)
    assert [rollout.index for rollout in group.rollouts] == [2]
    assert {at: each.kind for at, each in group.failures.items()} == {
        3: "NotRecordedError",
        4: "NotRecordedError",
    }


async def test_selectors_and_scores_are_compared_and_the_notes_say_what_it_is(
    tmp_path: Path,
) -> None:
    report = await report_on(written(tmp_path, ROWS))
    # 1 wins the first; 3 and 2 tie in the second, where one rollout is silent.
    majority = report.point("majority", 3)
    assert majority is not None and majority.score is not None and majority.tied is not None
    assert majority.score.mean in {0.5, 1.0}
    assert majority.tied.mean == 0.5
    assert report.silent_rollouts == 1
    # The best scores are those of 2, which is wrong, and of 2, which is right.
    assert mean(report, "score-best-of-n", 3) == 0.5
    # exp(-1) + exp(0.5) = 2.02 for 1 against exp(2) = 7.39 for 2.
    assert mean(report, "score-weighted-majority", 3) == 0.5
    told = " ".join(report.notes)
    assert "2 models (x, y)" in told and "ensemble" in told
    assert "third of their characters" in told and "no log-probabilities" in told
    assert report.single is not None and report.single.mean == pytest.approx((2 / 3 + 1 / 3) / 2)


async def test_recorded_log_probabilities_and_tokens_are_used(tmp_path: Path) -> None:
    samples = [
        {"text": "\\boxed{1}", "logprobs": [-2.0, -1.0], "input_tokens": 3, "output_tokens": 2},
        {"text": "\\boxed{2}", "logprobs": [-1.0] * 4, "input_tokens": 3, "output_tokens": 4},
    ]
    source = written(tmp_path, [{"prompt": "q", "gold": "2", "completions": samples}])
    report = await report_on(source, "min-perplexity", "weighted-majority")
    assert (mean(report, "min-perplexity", 2), mean(report, "weighted-majority", 2)) == (1.0, 1.0)
    point = report.point("min-perplexity", 2)
    assert point is not None and point.tokens is not None and point.tokens.mean == 12
    assert not any("third" in note or "no log-prob" in note for note in report.notes)


async def test_without_log_probabilities_those_who_need_them_fail_and_say_so(
    tmp_path: Path,
) -> None:
    report = await report_on(written(tmp_path, ROWS), "majority", "min-perplexity")
    point = report.point("min-perplexity", 3)
    assert point is not None and (point.score, point.failed) == (None, 2)
    assert "min-perplexity fail and say so" in " ".join(report.notes)


async def test_a_model_is_asked_only_where_one_is_named(tmp_path: Path) -> None:
    source = written(tmp_path, ROWS)
    with pytest.raises(InvalidInputError, match="synthesis, universal need a model"):
        await report_on(source, "majority", "synthesis", "universal")
    anchor = FunctionProvider(lambda _: "\\boxed{2}", name="anchor")
    report = await report_on(source, "synthesis", anchor=anchor)
    assert mean(report, "synthesis", 3) == 0.5
    assert len(anchor.requests) == 2 * 3
    assert all("\\boxed" in r.messages[-1].text for r in anchor.requests)
    with pytest.raises(InvalidInputError, match="as the anchor"):
        await report_on(source, policies=[anchor])


async def test_a_cascade_is_calibrated_on_other_recorded_items(tmp_path: Path) -> None:
    items, recorded = read_recorded(written(tmp_path, ROWS))

    def script(_: Request) -> str:
        return "\\boxed{1}"

    evaluation = Evaluation(
        names=["cascade"],
        anchor=FunctionProvider(script),
        recorded=recorded,
        sweep=Sweep(sizes=(3,)),
        calibrate_on=items[:1],
    )
    report, _ = await evaluation.run(items[1:], title="t", data="d")
    assert report.calibration is not None and report.calibration.items == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "q"}, "line 2: samples are None"),
        ({"prompt": "q", "samples": []}, "line 2: samples are"),
        ({"prompt": "q", "samples": ["a", 7]}, "line 2, completion 1 is 7"),
        ({"prompt": "q", "samples": [{"text": "a", "score": "high"}]}, "line 2, the score of"),
        ({"prompt": "q", "samples": [{"text": "a", "score": float("nan")}]}, "line 2, the score"),
        ({"prompt": "q", "samples": [{"text": "a", "logprobs": [0.5]}]}, "line 2, logprobs"),
        ({"prompt": "first", "samples": ["a"]}, "line 2: the prompt is already at .*, line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    source = written(tmp_path, [{"prompt": "first", "samples": ["a"]}, row])
    with pytest.raises(InvalidInputError, match=message):
        read_recorded(source)


def test_a_data_set_without_completions_says_where_they_should_stand(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="samples, completions"):
        read_recorded(written(tmp_path, [{"prompt": "q"}]))
