"""Items are written as Parquet while an evaluation goes on, in files of a bounded size."""

from __future__ import annotations

from pathlib import Path

import pytest
from anyio import to_thread

import catsdk as cat
from catsdk.core.errors import ConfigurationError
from catsdk.core.types import Completion, Rollout, TokenLogprob
from catsdk.evaluate import Evaluation, ItemFiles, Observation, Seen, Sweep, item_of, read_seen
from catsdk.evaluate.item_files import ITEMS
from catsdk.testing import FunctionProvider
from tests.view.seen import four, seen_of

parquet = pytest.importorskip("pyarrow.parquet")


def test_what_was_seen_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path)
    for seen in four():
        files.add(seen)
    (path,) = files.finish()
    bare = cat.group_of("x", []).model_copy(update={"prompt": (), "rollouts": ()})
    for written, seen in zip(read_seen(path), four(), strict=True):
        assert written.item == seen.item
        assert written.group == seen.group
        assert written.scores == seen.scores
        assert written.observations == seen.observations
        reference = seen.references["synthesis"][len(seen.group.rollouts)]
        kept = written.references["synthesis"][len(seen.group.rollouts)]
        assert kept == reference.model_copy(update={"group": bare})


def test_the_columns_for_people_tell_answers_grades_and_estimators(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path)
    files.add(seen_of("2+2", "4", ["is 5", "is 5", "is 4"], synthesis="4", majority="5"))
    (row,) = parquet.read_table(files.finish()[0]).to_pylist()
    assert (row["question"], row["gold"], row["majority"]) == ("2+2", ["4"], "5")
    assert [each["grade"] for each in row["rollouts"]] == [0.0, 0.0, 1.0]
    assert [each["rule"] for each in row["rollouts"]] == ["boxed"] * 3
    made = {each["estimator"]: each for each in row["estimators"]}
    assert (made["synthesis"]["score"], made["synthesis"]["majority_score"]) == (1.0, 0.0)
    assert made["synthesis"]["departs"] is True


def test_files_are_bounded_by_items_and_by_characters(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path, items=2)
    for seen in four():
        files.add(seen)
    assert len(files.finish()) == 3
    small = ItemFiles(tmp_path / "small", characters=10)
    for seen in four():
        small.add(seen)
    assert len(small.finish()) == 5


def test_full_files_are_there_before_the_evaluation_ends(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path, items=2)
    for seen in four()[:3]:
        files.add(seen)
    while not (there := list(tmp_path.glob(ITEMS))):
        pass
    (path,) = there
    assert [seen.item.id for seen in read_seen(path)] == [seen.item.id for seen in four()[:2]]
    files.finish()
    assert not list(tmp_path.glob("*.new"))


def test_a_disk_that_fails_is_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be", "utf-8")
    files = ItemFiles(tmp_path / "taken")
    files.add(four()[0])
    with pytest.raises(ConfigurationError, match=r"items-00000.parquet cannot be written"):
        files.finish()


def test_a_shorter_start_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    for count in (5, 1):
        files = ItemFiles(tmp_path, items=1)
        for seen in four()[:count]:
            files.add(seen)
        files.finish()
    assert len(list(tmp_path.glob(ITEMS))) == 1


def test_later_sub_samples_and_log_probabilities_are_left_out(tmp_path: Path) -> None:
    seen = seen_of("1+1", "2", ["is 2", "is 3"], synthesis="2", majority=None)
    logged = Completion(text="is 2", logprobs=(TokenLogprob(token="2", logprob=-0.1),))
    rollouts = (Rollout(index=0, completion=logged, answer="2"),)
    many = tuple(
        Observation(estimator="majority", item=seen.item.id, size=1, draw=draw) for draw in range(9)
    )
    files = ItemFiles(tmp_path)
    group = seen.group.model_copy(update={"rollouts": rollouts})
    files.add(seen.model_copy(update={"group": group, "observations": many}))
    (kept,) = read_seen(files.finish()[0])
    assert [each.draw for each in kept.observations] == [0]
    assert kept.group.rollouts[0].completion.logprobs is None
    assert kept.group.rollouts[0].text == "is 2"


@pytest.mark.parametrize("text", ["half \ud83d a sign", "a\x00zero", "\u202e turned"])
def test_any_text_that_a_model_may_answer_can_be_written(tmp_path: Path, text: str) -> None:
    item = item_of("1+1", "2")
    files = ItemFiles(tmp_path)
    files.add(Seen(item=item, group=cat.group_of("1+1", [text])))
    (kept,) = read_seen(files.finish()[0])
    assert kept.group.rollouts[0].text == text.encode("utf-8", "backslashreplace").decode()


async def test_an_evaluation_hands_in_each_item_as_it_is_finished(tmp_path: Path) -> None:
    policy = FunctionProvider(lambda request: "The answer is 4.")
    evaluation = Evaluation([policy], names=("majority",), sweep=Sweep(sizes=(2,)))
    files = ItemFiles(tmp_path)
    items = [item_of("2+2?", "4"), item_of("3+3?", "6")]
    _, seen = await evaluation.run(items, title="Sums", data="two", on_seen=files.add)
    assert {each.item.id for each in seen} == {item.id for item in items}
    kept = await to_thread.run_sync(lambda: list(read_seen(files.finish()[0])))
    assert {each.item.id: each.scores for each in kept} == {e.item.id: e.scores for e in seen}
