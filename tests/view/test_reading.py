"""The viewer reads every folder that catsdk writes, also while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import catsdk as cat
from catsdk.batch import Plan, estimate, run
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Call, Completion, Failure, Message, Request, Result, Usage
from catsdk.evaluate import Evaluation, Sweep, item_of
from catsdk.rubrics import Judged, loads
from catsdk.runs.store import RunStore
from catsdk.serve.gateway.evidence import Evidence
from catsdk.testing import FunctionProvider
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.queries import Asked, contenders, page
from catsdk.view.questions import answer, as_text
from tests.view.seen import four, write

pytest.importorskip("pyarrow")

POLICY = FunctionProvider(lambda request: r"I think it is \boxed{4}")


def read(folder: Path, index: Index) -> Library:
    library = Library(folder, index)
    library.refresh()
    return library


def count(library: Library, run: str) -> int:
    return int(library.runs[run].sums(library.index, run)["items"])


def ids(library: Library, run: str) -> list[str]:
    return [row["id"] for row in page(library.index, Asked(run))]


def test_a_finished_evaluation_is_read_from_its_parquet_files(tmp_path: Path, index: Index) -> None:
    write(tmp_path / "sums", four())
    library = read(tmp_path, index)
    assert library.runs["sums"].about.kind == "eval"
    assert count(library, "sums") == 5
    assert contenders(index, "sums")[0].startswith("synthesis/")
    entry = library.entry("sums", ids(library, "sums")[1])
    assert entry is not None and entry.gold == ("4",)
    assert [made.estimator for made in entry.made] == ["synthesis", "majority"]
    assert len(entry.all_calls) == 2


@pytest.mark.allow_blocking  # the viewer reads in threads of its own; here there is none
async def test_an_evaluation_that_goes_on_is_read_from_its_store(
    tmp_path: Path, index: Index
) -> None:
    library = Library(tmp_path, index)
    evaluation = Evaluation(
        [POLICY], names=("majority",), sweep=Sweep(sizes=(1, 2)), store=tmp_path / "run.sqlite"
    )
    name = tmp_path.name
    counts: list[int] = []

    def look(_: object) -> None:
        library.refresh()
        counts.append(count(library, name))

    items = [item_of("2+2?", "4", id="a/b"), item_of("3+3?", "6", id="a")]
    await evaluation.run(items, title="Sums", data="two", on_seen=look)
    library.refresh()
    assert library.runs[name].about.running
    assert sorted(ids(library, name)) == ["a", "a/b"]
    assert max(counts) >= 1
    entry = library.entry(name, "a")
    assert entry is not None and entry.question == "3+3?"
    assert [score.value for score in entry.scores] == [0.0, 0.0]
    assert {(made.estimator, made.size) for made in entry.made} == {
        ("majority", 1),
        ("majority", 2),
    }
    usage = library.runs[name].about.usage
    assert usage is not None and usage.requests == 4


@pytest.mark.allow_blocking  # as above
async def test_a_prompt_with_parts_is_read_from_a_store(tmp_path: Path, index: Index) -> None:
    evaluation = Evaluation(
        [POLICY], names=("majority",), sweep=Sweep(sizes=(1,)), store=tmp_path / "run.sqlite"
    )
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    chat = [{"role": "user", "content": [{"type": "text", "text": "Which?"}, picture]}]
    await evaluation.run([item_of(chat, "4", id="seen")], title="Pictures", data="one")
    library = read(tmp_path, index)
    entry = library.entry(tmp_path.name, "seen")
    assert entry is not None and entry.question == "Which?"


@pytest.mark.allow_blocking  # as above
@pytest.mark.parametrize("produces", ["reference", "rollouts", "rewards", "sft", "preferences"])
async def test_each_product_of_a_batch_is_read(tmp_path: Path, index: Index, produces: str) -> None:
    answers = [r"\boxed{4}", r"\boxed{4}", r"\boxed{5}"]
    policy = FunctionProvider(lambda request: answers[: request.n])
    method = cat.CaT(policy, estimator=cat.Majority(), reward=cat.AnswerReward())
    rows = [{"id": "one", "prompt": "2+2?", "answer": "4"}, {"id": "two", "prompt": "1+3?"}]
    await run(rows, tmp_path / "made", Plan(method, n=3, produces=produces))
    library = read(tmp_path, index)
    assert sorted(ids(library, "made")) == ["one", "two"]
    assert not library.runs["made"].about.running
    entry = library.entry("made", "one")
    assert entry is not None and entry.question.startswith("2+2?")
    if produces == "rewards":
        assert [score.value for score in entry.scores] == [1.0, 1.0, 0.0]
        assert entry.gold == ("4",)
    if produces in ("reference", "sft"):
        reference = entry.made[0].reference
        assert reference is not None and "4" in reference.text


@pytest.mark.allow_blocking  # as above
@pytest.mark.parametrize("produces", ["reference", "sft", "preferences"])
async def test_the_rollouts_behind_what_a_batch_made_are_shown(
    tmp_path: Path, index: Index, produces: str
) -> None:
    def answered(request: Request) -> list[Completion]:
        usage = Usage(requests=1, output_tokens=3)
        return [
            Completion(text=rf"\boxed{{{4 + at // 2}}}", usage=usage) for at in range(request.n)
        ]

    method = cat.CaT(
        FunctionProvider(answered), estimator=cat.Majority(), reward=cat.AnswerReward()
    )
    plan = Plan(method, n=3, produces=produces)
    await run([{"id": "one", "prompt": "2+2?"}], tmp_path / "made", plan)
    library = read(tmp_path, index)
    entry = library.entry("made", "one")
    assert entry is not None and entry.group is not None
    if produces != "preferences":
        assert [r.answer for r in entry.group.rollouts] == ["4", "4", "5"]
        assert entry.group.rollouts[0].answer_rule == "boxed"
        assert {call.stage for call in entry.all_calls} == {"sample"}
        told = answer(library, "item", {"run": "made", "id": "one"})
        assert [each["rollouts"] for each in told["clusters"]["clusters"]] == [[0, 1], [2]]


@pytest.mark.allow_blocking  # as above
async def test_a_store_without_texts_shows_no_rollouts(tmp_path: Path, index: Index) -> None:
    plan = Plan(cat.CaT(POLICY, estimator=cat.Majority()), n=2, keeps_texts=False)
    await run([{"id": "one", "prompt": "2+2?"}], tmp_path / "made", plan)
    entry = read(tmp_path, index).entry("made", "one")
    assert entry is not None and entry.group is None and entry.made[0].reference is not None


@pytest.mark.allow_blocking  # as above
async def test_what_a_batch_was_estimated_to_use_stands_beside_what_it_used(
    tmp_path: Path, index: Index
) -> None:
    def answered(request: Request) -> Completion:
        return Completion(text="4", usage=Usage(requests=1, input_tokens=7, output_tokens=3))

    plan = Plan(cat.CaT(FunctionProvider(answered), estimator=cat.Majority()), n=1)
    rows = [f"{at}+{at}" for at in range(8)]
    await estimate(rows, tmp_path / "made", plan, probes=3)
    told = answer(read(tmp_path, index), "money", {"run": "made"})
    assert (told["estimate"]["rows"], told["estimate"]["probes"]) == (5, 3)
    assert told["estimate"]["tokens"]["expected"] == 50
    assert told["usage"]["requests"] == told["estimate"]["paid"]["requests"] == 3
    await run(rows, tmp_path / "made", plan)
    library = Library(tmp_path, index)
    library.refresh()
    told = answer(library, "money", {"run": "made"})
    assert told["usage"]["input_tokens"] - told["estimate"]["paid"]["input_tokens"] == 35


@pytest.mark.allow_blocking  # as above
async def test_an_estimate_from_one_row_has_no_upper_bound_and_is_read(
    tmp_path: Path, index: Index
) -> None:
    plan = Plan(cat.CaT(POLICY, estimator=cat.Majority()), n=1)
    await estimate(["1+1", "2+2"], tmp_path / "made", plan, probes=1)
    library = read(tmp_path, index)
    assert library.runs["made"].about.problems == ()
    told = json.loads(as_text(answer(library, "money", {"run": "made"})))
    assert told["estimate"]["rows"] == 1


@pytest.mark.allow_blocking  # as above
async def test_a_row_of_a_batch_that_was_worked_on_again_is_read_again(
    tmp_path: Path, index: Index
) -> None:
    library = Library(tmp_path, index)
    async with RunStore(tmp_path / "run.sqlite") as store:
        (tmp_path / "manifest.json").write_text('{"plan": {}}', "utf-8")
        failure = Failure(kind="Down", message="the model is down")
        state = {"digest": "d", "outcome": "failed", "failure": failure.model_dump()}
        await store.put_all([("row", "a", json.dumps(state)), ("product", "a", "[]")])
        library.refresh()
        rows = page(index, Asked(tmp_path.name, filters=("failed",)))
        assert [row["failure"] for row in rows] == ["Down: the model is down"]
        made = json.dumps(
            [{"id": "a", "prompt": "2+2?", "reference": "4", "reference_answer": "4"}]
        )
        await store.put_all(
            [("row", "a", '{"digest": "d", "outcome": "ok"}'), ("product", "a", made)]
        )
        library.refresh()
    assert page(index, Asked(tmp_path.name, filters=("failed",))) == []
    assert len(page(index, Asked(tmp_path.name))) == 1


async def judged(path: Path) -> Judged:
    judge = FunctionProvider(lambda request: '{"evidence": "rain", "met": true}')
    rubric = loads("criteria: [Names the rain., Is brief.]")
    group = cat.group_of("Why?", ["It is the rain.", "Because."])
    scores = await cat.RubricReward(judge=judge, rubric=rubric).reward(group)
    found = Judged(rubric=rubric, group=group, scores=scores)
    found.save(path)
    return found


@pytest.mark.allow_blocking  # as above
async def test_judged_groups_of_a_folder_are_one_run(tmp_path: Path, index: Index) -> None:
    await judged(tmp_path / "one.json")
    (tmp_path / "other.json").write_text("{}", "utf-8")
    library = read(tmp_path, index)
    held = library.runs[tmp_path.name]
    assert (held.about.kind, count(library, tmp_path.name)) == ("rubric", 1)
    entry = library.entry(tmp_path.name, "one")
    assert entry is not None and len(entry.rubrics[0].criteria) == 2
    assert len(entry.all_calls) == len({id(call) for s in entry.scores for v in s.verdicts
                                        for call in v.calls})  # fmt: skip


def result(answer: str) -> Result:
    group = cat.group_of("2+2?", [rf"\boxed{{{answer}}}"])
    call = Call(stage="sample", model="m", usage=Usage(requests=1, output_tokens=3), latency=0.1)
    return Result(group=group, calls=(call,))


@pytest.mark.allow_blocking  # as above
async def test_what_a_gateway_kept_is_read_while_it_is_open(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "evidence.sqlite"
    library = Library(tmp_path, index)
    async with RunStore(path) as store:
        evidence = Evidence(store)
        for at, name in enumerate(("run-1", "run-2"), 1):
            await evidence.keep("someone", name, result("4"))
            library.refresh()
            assert count(library, "evidence.sqlite") == at
    entry = library.entry("evidence.sqlite", "run-1/someone")
    assert entry is not None and len(entry.all_calls) == 1


def test_lines_of_results_are_read_as_they_are_added(tmp_path: Path, index: Index) -> None:
    path = tmp_path / "results.jsonl"
    text = result("4").model_dump_json()
    path.write_text(f"{text}\n{text[:40]}", "utf-8")
    library = read(tmp_path, index)
    assert count(library, "results.jsonl") == 1
    path.write_text(f"{text}\n{text}\n{{}}\n", "utf-8")
    library.refresh()
    assert count(library, "results.jsonl") == 3
    entry = library.entry("results.jsonl", "1")
    assert entry is not None and entry.group is not None


def test_a_training_is_read_from_its_newest_whole_checkpoint(tmp_path: Path, index: Index) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    (tmp_path / "catsdk.yaml").write_text("model: local\nstop: {entropy: 0.05, patience: 2}\n")
    history = [{"step": step, "reward": 0.5, "entropy": 0.01} for step in (1, 2)]
    for step, text in ((2, json.dumps({"global_step": 2, "max_steps": 8, "log_history": history})),
                       (4, '{"global_step": 4, "log_hi')):  # fmt: skip
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text(text, "utf-8")
    rows = [
        {"step": 1, "prompt": "2+2?", "completion": rf"\boxed{{{answer}}}", "cat": reward,
         "reference": "4", "reference_answer": "4", "agreement": 0.5, "advantage": 1.0,
         "no_reward_because": because}
        for answer, reward, because in (("4", 1.0, ""), ("5", None, "the judge is down"))
    ]  # fmt: skip
    (tmp_path / "completions").mkdir()
    table = pyarrow.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "completions" / "completions_00001.parquet")
    library = read(tmp_path, index)
    about = library.runs[tmp_path.name].about
    assert (about.kind, about.running, len(about.history)) == ("train", True, 2)
    assert "entropy" in about.alarms[0]
    entry = library.entry(tmp_path.name, "step 1, group 1")
    assert entry is not None and entry.step == 1
    assert [score.value for score in entry.scores] == [1.0, None]
    assert str(entry.scores[1].failure) == "NoReward: the judge is down"
    assert entry.advantages == {0: 1.0, 1: 1.0}


def test_runs_below_a_folder_come_and_go(tmp_path: Path, index: Index) -> None:
    library = read(tmp_path, index)
    assert library.runs == {}
    write(tmp_path / "deep" / "sums", four())
    library.refresh()
    assert list(library.runs) == ["deep/sums"]
    for path in (tmp_path / "deep" / "sums").iterdir():
        path.unlink()
    library.refresh()
    assert library.runs == {}
    assert page(index, Asked("deep/sums")) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, index: Index) -> None:
    with pytest.raises(InvalidInputError, match="nowhere does not exist"):
        Library(tmp_path / "nowhere", index)


def test_nothing_is_written_below_the_folder(tmp_path: Path, index: Index) -> None:
    write(tmp_path / "sums", four())
    (tmp_path / "results.jsonl").write_text(result("4").model_dump_json() + "\n", "utf-8")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    read(tmp_path, index)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_the_question_is_that_of_the_last_user() -> None:
    from catsdk.view.entry import Entry

    prompt = (Message(role="user", content="Hi"), Message(role="assistant", content="Yes?"),
              Message(role="user", content="2+2?"))  # fmt: skip
    assert Entry(id="a", prompt=prompt).question == "2+2?"


def test_a_broken_run_hides_no_other_and_says_what_is_wrong(tmp_path: Path, index: Index) -> None:
    write(tmp_path / "whole", four())
    write(tmp_path / "broken", four())
    (tmp_path / "broken" / "items-00000.parquet").write_bytes(b"not Parquet")
    library = read(tmp_path, index)
    assert count(library, "whole") == 5
    library.refresh()
    assert "not all of it can be read" in library.runs["broken"].about.problems[0]
    write(tmp_path / "broken", four())
    library.refresh()
    assert (count(library, "broken"), library.runs["broken"].about.problems) == (5, ())
