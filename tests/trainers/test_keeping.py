"""A training keeps its groups beside its checkpoints, in a bounded size, and prints each step."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = pytest.mark.needs_torch

from rich.console import Console

import catsdk as cat
from catsdk.core.types import Criterion, Failure, Provenance, Result, Rubric, Verdict
from catsdk.data.results import read_results
from catsdk.rewards.reward import unscored
from catsdk.scored import Scored
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.queries import Asked, page
from catsdk_trainers.data.keeping import GROUPS, KeepGroups
from catsdk_trainers.trl.progress import ShowProgress

HALF = "half a character \ud83d"


def result(text: str = "It is 4", *, more: str = "") -> Result:
    """A group with a reference, a sum of rewards, verdicts, and a rollout without a reward."""
    group = cat.group_of("2+2?", [f"{text} {more}", HALF])
    made = Provenance(method="synthesis", model="m")
    reference = cat.Reference(text="So 4", answer="4", group=group, agreement=0.5, majority="4",
                              disagrees=False, provenance=made)  # fmt: skip
    rubric = Rubric(criteria=(Criterion(id="r1", text="It is 4."),), provenance=made)
    verdict = Verdict(criterion_id="r1", met=True, evidence="4", judge="j")
    score = cat.Score(index=0, value=1.5, parts={
        "answer": cat.Score(index=0, value=1.0),
        "rubric": cat.Score(index=0, value=0.5, verdicts=(verdict,)),
    })  # fmt: skip
    (_, none) = unscored(group, Failure(kind="Down", message="the judge is down"))
    return Result(group=group, reference=reference, rubrics=(rubric,), scores=(score, none))


def scored(*results: Result) -> list[Scored]:
    return [Scored(each.group, each) for each in results if each.group is not None]


def begun(folder: Path, megabytes: float, step: int = 0) -> tuple[KeepGroups, SimpleNamespace]:
    keeping = KeepGroups(megabytes)
    state = SimpleNamespace(global_step=step, max_steps=99, is_world_process_zero=True)
    keeping.on_train_begin(SimpleNamespace(output_dir=str(folder)), state, None)
    return keeping, state


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name.split("-")[1]) for path in (folder / GROUPS).glob("step-*"))


def kept(keeping: KeepGroups, state: SimpleNamespace, texts: Sequence[str]) -> None:
    for text in texts:
        keeping.keep(scored(result(text)))
        state.global_step += 1


def test_what_is_kept_is_read_again_with_references_verdicts_and_parts(tmp_path: Path) -> None:
    keeping, _ = begun(tmp_path, 1)
    keeping.keep(scored(result(), result("It is 5")))
    (path,) = (tmp_path / GROUPS).iterdir()
    first, second = read_results(path)
    assert (first.step, first.at, first.of, second.at) == (1, 0, 2, 1)
    assert first.result.reference is not None and first.result.rubrics == result().rubrics
    assert first.result.scores == result().scores
    assert second.result.group is not None
    assert [r.text[:8] for r in second.result.group.rollouts] == ["It is 5 ", "half a c"]
    assert [each.at for each in read_results(path, only=1)] == [1]


def test_steps_are_thinned_evenly_where_the_size_is_passed(tmp_path: Path) -> None:
    keeping, state = begun(tmp_path, 1)
    kept(keeping, state, ["x"])
    one = next((tmp_path / GROUPS).iterdir()).stat().st_size
    keeping, state = begun(tmp_path, 8.5 * one / 1e6, step=1)
    kept(keeping, state, [f"x{at}" for at in range(39)])
    left = steps(tmp_path)
    assert sum(path.stat().st_size for path in (tmp_path / GROUPS).iterdir()) <= 8.5 * one
    assert 6 <= len(left) <= 8
    # The whole training is spanned, and the newest step is there.
    assert (left[0], left[-1]) == (1, 40)
    gaps = [after - before for before, after in pairwise(left)]
    assert max(gaps) <= 16


def test_of_a_step_that_is_too_large_as_many_groups_as_fit_are_kept_and_it_says_so(
    tmp_path: Path,
) -> None:
    keeping, _ = begun(tmp_path, 0.01)
    keeping.keep(scored(*(result(more="z" * 4000) for _ in range(9))))
    (path,) = (tmp_path / GROUPS).iterdir()
    assert [(each.at, each.of) for each in read_results(path)] == [(0, 9), (1, 9)]


def test_a_step_that_generates_more_than_once_keeps_all_of_its_groups(tmp_path: Path) -> None:
    keeping, _ = begun(tmp_path, 1)
    keeping.keep(scored(result("a"), result("b")))
    keeping.keep(scored(result("c")))
    found = [each for path in sorted((tmp_path / GROUPS).iterdir()) for each in read_results(path)]
    assert [(each.step, each.at, each.of) for each in found] == [(1, 0, 2), (1, 1, 2), (1, 2, 3)]


def test_a_run_that_goes_on_forgets_the_steps_that_it_does_again(tmp_path: Path) -> None:
    keeping, state = begun(tmp_path, 1)
    kept(keeping, state, ["a", "b", "c"])
    begun(tmp_path, 1, step=2)
    assert steps(tmp_path) == [1, 2]
    begun(tmp_path, 1, step=0)
    assert steps(tmp_path) == []


def test_without_room_nothing_is_kept(tmp_path: Path) -> None:
    keeping, state = begun(tmp_path, 0)
    kept(keeping, state, ["a"])
    assert not (tmp_path / GROUPS).exists()


def test_a_disk_that_fails_ends_the_keeping_and_not_the_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / GROUPS).write_text("a file in the way", "utf-8")
    keeping, state = begun(tmp_path, 1)
    kept(keeping, state, ["a", "b"])
    assert [r.message.partition(":")[0] for r in caplog.records] == ["groups are no longer saved"]


@pytest.fixture
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index(tmp_path_factory.mktemp("index") / "index.sqlite")
    yield index
    index.close()


def test_the_viewer_shows_what_is_kept_and_forgets_what_was_removed(
    tmp_path: Path, index: Index
) -> None:
    import pyarrow
    from pyarrow import parquet

    folder = tmp_path / "trained"
    keeping, state = begun(folder, 1)
    (folder / "catsdk.yaml").parent.mkdir(exist_ok=True)
    (folder / "catsdk.yaml").write_text("model: local\n", "utf-8")
    kept(keeping, state, ["It is 4", "It is 4"])
    logged = [
        {"completion": "It is 4 ", "advantage": 0.5},
        {"completion": HALF.encode("utf-8", "backslashreplace").decode(), "advantage": -0.5},
    ]
    (folder / "completions").mkdir()
    table = pyarrow.Table.from_pylist(logged)
    parquet.write_table(table, folder / "completions" / "completions_00002.parquet")
    library = Library(tmp_path, index)
    library.refresh()
    ids = [row["id"] for row in page(index, Asked("trained"))]
    assert ids == ["step 1, group 1", "step 2, group 1"]
    entry = library.entry("trained", ids[1])
    assert entry is not None and entry.step == 2
    assert entry.advantages == {0: 0.5, 1: -0.5}
    assert entry.scores[0].parts["rubric"].verdicts[0].judge == "j"
    assert str(entry.scores[1].failure) == "Down: the judge is down"
    next((folder / GROUPS).glob("step-000001-*")).unlink()
    library.refresh()
    assert [row["id"] for row in page(index, Asked("trained"))] == ids[1:]


def shown(logs: list[dict[str, Any]], *, measured: bool = False, **console: Any) -> str:
    out = io.StringIO()
    progress = ShowProgress("CaT-RL", Console(file=out, **console))
    state = SimpleNamespace(global_step=0, max_steps=4, is_world_process_zero=True)
    progress.on_train_begin(SimpleNamespace(eval_on_start=measured), state, None)
    for each in logs:
        state.global_step += 1
        progress.on_step_end(None, state, None)
        progress.on_log(None, state, None, logs=each)
    progress.on_train_end(None, state, None)
    return out.getvalue()


def test_minutes_in_which_the_held_out_prompts_are_asked_are_announced() -> None:
    said = "CaT-RL: asking the held-out prompts before the first step"
    assert shown([], measured=True).splitlines() == [said]
    assert said in shown([], measured=True, force_terminal=True)


def test_the_pace_of_steps_leaves_out_the_evaluation_before_them() -> None:
    out, times = io.StringIO(), iter([0.0, 300.0, 310.0, 320.0])
    progress = ShowProgress("CaT-RL", Console(file=out), lambda: next(times))
    state = SimpleNamespace(global_step=0, max_steps=4, is_world_process_zero=True)
    progress.on_train_begin(SimpleNamespace(eval_on_start=True), state, None)
    progress.on_evaluate(None, state, None)
    for _ in range(2):
        state.global_step += 1
        progress.on_log(None, state, None, logs={"reward": 0.5})
    assert out.getvalue().splitlines()[1:] == [
        "CaT-RL step 1/4 · reward 0.5 · 10 s a step · 0:00:30 left",
        "CaT-RL step 2/4 · reward 0.5 · 10 s a step · 0:00:20 left",
    ]


@pytest.mark.parametrize(
    "console",
    [{}, {"force_terminal": True, "_environ": {"TERM": "dumb"}}],
    ids=["a log", "a plain terminal"],
)
def test_a_log_and_a_plain_terminal_get_a_line_a_step(console: dict[str, Any]) -> None:
    logs: list[dict[str, Any]] = [
        {"loss": 0.1, "reward": 0.5, "cat/agreement": 0.75, "cat/scored": 1.0},
        {"reward": 0.6},
        {"eval_cat/policy": 0.25, "eval_cat/teacher": 0.5},
        {"train_runtime": 3.0},
    ]
    lines = shown(logs, **console).splitlines()
    assert [line.partition(" · ")[0] for line in lines] == [
        f"CaT-RL step {at}/4" for at in (1, 2, 3)
    ]
    assert "reward 0.5 · agreement 0.75 · scored 1" in lines[0]
    assert "s a step" in lines[0] and "left" in lines[0]
    assert "held-out 0.25 · teacher 0.5" in lines[2]
    assert not any("\x1b" in line for line in lines)
