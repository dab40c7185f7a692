"""On recorded completions majority and pass@k equal a plain count of the test's own.

Set CATSDK_ROLLOUTS to the folder of the real completions to run the same there.
"""

from __future__ import annotations

import gzip
import json
import os
from itertools import combinations
from pathlib import Path
from typing import Any

import anyio
import pytest

pytest.importorskip("catsdk_providers.replay.provider")
pytest.importorskip("numpy")

from benchmarks.real_rollouts import Problem, agreement, compare, counted, read
from catsdk.evaluate import Evaluation, Report, Seen, Sweep
from catsdk.evaluate.recorded import read_recorded

# Three problems of four completions each: a majority that is right, one that is wrong, a tie.
ROWS = [
    ("one?", "18", ["so\nA: 26", "so\nA: 18", "#### 18", "\\boxed{18}"]),
    ("two?", "3", ["A: 4", "A: 4", "nothing", "A: 3"]),
    (
        "three?",
        "\\frac{1}{2}",
        ["\\boxed{2}", "\\boxed{0.5}", "\\boxed{0.50}", "A: 2"],
    ),
]
RIGHT = [[False, True, True, True], [False, False, False, True], [False, True, True, False]]


def line(at: int, row: tuple[str, str, list[str]]) -> str:
    prompt, gold, texts = row
    samples = [
        {"completion": text, "model": f"m{n}", "graded": RIGHT[at][n], "rm_score": float(-n)}
        for n, text in enumerate(texts)
    ]
    return json.dumps({"id": at, "problem": prompt, "gold": gold, "samples": samples}) + "\n"


@pytest.fixture
def small(tmp_path: Path) -> list[Problem]:
    path = tmp_path / "small.jsonl.gz"
    path.write_bytes(gzip.compress("".join(map(line, range(3), ROWS)).encode()))
    return read(path)


def score(report: Report, name: str, size: int) -> float:
    point = report.point(name, size)
    assert point is not None and point.score is not None
    return point.score.mean


def test_recorded_completions_are_replayed_and_counted(small: list[Problem]) -> None:
    report, seen = anyio.run(compare, small, "small")
    # In the third 2 and one half stand twice each, and 2 came first; the lot takes either.
    assert score(report, "majority-first", 4) == pytest.approx(1 / 3)
    assert round(3 * score(report, "majority", 4)) in {1, 2}
    assert counted(small)["majority"] == pytest.approx((1 + 0 + 0.5) / 3)
    point = report.point("majority", 4)
    assert point is not None and point.tied is not None
    assert point.tied.mean == pytest.approx(1 / 3)
    assert report.single is not None and report.single.mean == pytest.approx((3 + 1 + 2) / 12)
    # The first sample has the best score: 26, 4 and 2, all wrong.
    assert score(report, "reward-model-best-of-n", 4) == 0.0
    assert (
        report.failures["min-perplexity: UnsupportedError"] == 3 * 4
    )  # three problems at four sizes
    assert any("ensemble" in note for note in report.notes)
    assert agreement(small, seen) == (12, 12)


def pass_at(grades: list[list[bool]], k: int) -> float:
    """The mean over problems of the share of subsets of k with a right one."""
    shares: list[float] = []
    for row in grades:
        subsets = list(combinations(row, k))
        shares.append(sum(any(subset) for subset in subsets) / len(subsets))
    return sum(shares) / len(shares)


def leaders(answers: list[str], grades: list[bool]) -> list[bool]:
    """Whether each answer that stands most often is graded as right, in the order they came."""
    there = [answer for answer in answers if answer]
    most = max(map(there.count, there), default=0)
    tops = [answer for answer in dict.fromkeys(there) if there.count(answer) == most]
    return [grades[answers.index(answer)] for answer in tops] or [False]


def test_pass_at_k_equals_the_count_of_all_subsets(small: list[Problem]) -> None:
    report, _ = anyio.run(compare, small, "small")
    assert [each.share.mean for each in report.pass_at] == pytest.approx(
        [pass_at(RIGHT, k) for k in range(1, 5)]
    )


FOLDER = os.environ.get("CATSDK_ROLLOUTS", "")


@pytest.mark.skipif(not FOLDER, reason="CATSDK_ROLLOUTS names no folder of real completions")
@pytest.mark.parametrize("path", sorted(Path(FOLDER).glob("*.jsonl.gz")) if FOLDER else [])
def test_on_real_rollouts_majority_and_pass_at_k_equal_the_own_count(path: Path) -> None:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(text) for text in file]
    report, seen = anyio.run(compare, read(path), path.name, 1)
    most = len(report.pass_at)
    # Grades are ours, so that the count is compared and not the comparison of answers.
    grades = [[each.scores[at] == 1.0 for at in range(most)] for each in seen]
    assert [each.share.mean for each in report.pass_at] == pytest.approx(
        [pass_at(grades, k) for k in range(1, most + 1)]
    )
    votes = [
        leaders([plain(sample["extracted"]) for sample in row["samples"][:most]], grades[at])
        for at, row in enumerate(rows)
    ]
    first = sum(right[0] for right in votes) / len(votes)
    assert score(report, "majority-first", most) == pytest.approx(first)
    # By lot: one of those that tie, in every problem, and as fair as five standard errors allow.
    chosen = [majority_of(each, most) for each in seen]
    assert all(one in right for one, right in zip(chosen, votes, strict=True))
    expected = [sum(right) / len(right) for right in votes]
    spread = sum(share * (1 - share) for share in expected) ** 0.5
    assert abs(sum(chosen) - sum(expected)) <= 5 * spread
    tied = report.point("majority", most)
    assert tied is not None and tied.tied is not None
    assert tied.tied.mean == pytest.approx(sum(len(right) > 1 for right in votes) / len(votes))


@pytest.mark.skipif(not FOLDER, reason="CATSDK_ROLLOUTS names no folder of real completions")
@pytest.mark.parametrize("path", sorted(Path(FOLDER).glob("*.jsonl.gz")) if FOLDER else [])
def test_the_command_on_recorded_completions_reports_what_the_replay_gives(
    path: Path, tmp_path: Path
) -> None:
    items, recorded = read_recorded(str(path), limit=100)
    sizes = tuple(size for size in (1, 2, 3, 4, 8) if size <= recorded.most)
    evaluation = Evaluation(
        names=["majority"], recorded=recorded, sweep=Sweep(sizes=sizes, draws=4)
    )
    ours, _ = anyio.run(lambda: evaluation.run(items, title="t", data="d"))
    replayed, _ = anyio.run(compare, read(path)[:100], "t", 4)
    assert ours.pass_at == replayed.pass_at
    for size in sizes:
        here, there = ours.point("majority", size), replayed.point("majority", size)
        assert here is not None and there is not None
        assert (here.score is None, here.draws) == (there.score is None, there.draws)
        assert score(ours, "majority", size) == pytest.approx(score(replayed, "majority", size))


def majority_of(seen: Seen, size: int) -> bool:
    """Whether the majority by lot of the first rollouts is right."""
    found = next(
        o for o in seen.observations if (o.estimator, o.size, o.draw) == ("majority", size, 0)
    )
    return found.score == 1.0


def plain(answer: str | None) -> str:
    """The file's own extracted answer; numbers as numbers. None is a class of its own."""
    if answer is None:
        return ""
    text = answer.replace("$", "").replace(",", "").replace(" ", "").rstrip(".")
    try:
        return repr(float(text))
    except ValueError:
        return answer.replace(" ", "").replace("dfrac", "frac")
