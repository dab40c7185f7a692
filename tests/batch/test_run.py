"""A batch accounts for every row, goes on where it was stopped, and pays for nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
import pytest

from catsdk import (
    AnswerReward,
    Answers,
    Budget,
    CaT,
    Context,
    Group,
    Majority,
    Reference,
    Synthesizer,
)
from catsdk.batch import Plan, Summary, run
from catsdk.core.errors import ConfigurationError, InvalidInputError, ProviderError
from catsdk.core.types import Request
from catsdk.data import read_rows
from catsdk.testing import FunctionProvider


class Model:
    """Answers `\\boxed{4}` and counts what it is asked; some questions fail."""

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.failing = set(failing)
        self.asked: Counter[str] = Counter()

    def script(self, request: Request) -> list[str]:
        question = request.messages[-1].text
        self.asked[question] += 1
        if any(each in question for each in self.failing):
            raise ProviderError("the model is not well")
        return [f"so \\boxed{{{5 if at == 3 else 4}}}" for at in range(request.n)]

    def method(self, **roles: Any) -> CaT:
        return CaT(FunctionProvider(self.script), estimator=Majority(), **roles)


@dataclass(frozen=True)
class Fragile:
    """An estimator with a defect."""

    async def estimate(self, group: Group, ctx: Context) -> Reference:
        if "question 2" in group.question:
            raise ZeroDivisionError("by zero")
        return ctx.reference(group.rollouts[0])


def rows(many: int) -> list[dict[str, Any]]:
    return [{"id": f"r{at}", "prompt": f"question {at}?", "topic": at % 3} for at in range(many)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def parts(out: Path) -> list[Path]:
    return sorted(out.glob("part-*"))


def records(out: Path) -> list[dict[str, Any]]:
    return [line for path in parts(out) for line in lines(path)]


@pytest.mark.behaviour("rows-add-up")
async def test_each_row_becomes_a_record_with_its_columns_and_the_manifest_adds_up(
    tmp_path: Path,
) -> None:
    model = Model()
    summary = await run(rows(5), tmp_path, Plan(model.method(), n=4))
    assert (summary.ok, summary.rows, summary.records) == (5, 5, 5)
    made = {record["id"]: record for record in records(tmp_path)}
    assert made["r2"] == {
        "id": "r2",
        "prompt": "question 2?",
        "topic": 2,
        "reference": "so \\boxed{4}",
        "reference_answer": "4",
        "agreement": 0.75,
        "majority_answer": "4",
        "partial": False,
    }
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["rows"]["rows"] == manifest["rows"]["ok"] == 5
    assert lines(tmp_path / "failed.jsonl") == []


async def test_the_same_call_again_asks_nothing_and_takes_rows_that_were_added(
    tmp_path: Path,
) -> None:
    model = Model()
    plan = Plan(model.method(), n=4)
    first = await run(rows(5), tmp_path, plan)
    before = model.asked.copy()
    again = await run(rows(5), tmp_path, plan)
    assert model.asked == before
    assert again == first
    more = await run(rows(7), tmp_path, plan)
    assert more.ok == 7
    assert set(model.asked - before) == {"question 5?", "question 6?"}


async def test_an_edited_row_and_another_plan_are_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    model = Model()
    await run(rows(3), tmp_path, Plan(model.method(), n=4))
    before = model.asked.copy()
    edited = [*rows(2), {"id": "r2", "prompt": "another question?"}]
    with pytest.raises(InvalidInputError, match=r"row 2.*'r2' was edited"):
        await run(edited, tmp_path, Plan(model.method(), n=4))
    with pytest.raises(InvalidInputError, match="n was 4, and is 8 now"):
        await run(rows(3), tmp_path, Plan(model.method(), n=8))
    with pytest.raises(InvalidInputError, match="the method was CaT"):
        await run(rows(3), tmp_path, Plan(model.method(reward=AnswerReward()), n=4))
    assert model.asked == before


async def test_a_row_that_fails_costs_itself_alone_and_is_tried_again_when_asked(
    tmp_path: Path,
) -> None:
    model = Model(failing=["question 1"])
    plan = Plan(model.method(), n=2)
    summary = await run(rows(4), tmp_path, plan)
    assert (summary.ok, summary.failed) == (3, 1)
    [failed] = lines(tmp_path / "failed.jsonl")
    assert failed["id"] == "r1"
    assert failed["place"] == "row 1 (from 0)"
    assert failed["attempts"] == 1
    assert "the model is not well" in failed["cause"]
    before = model.asked.copy()
    assert await run(rows(4), tmp_path, plan) == summary
    assert model.asked == before
    model.failing.clear()
    mended = await run(rows(4), tmp_path, plan, retry_failed=True)
    assert (mended.ok, mended.failed) == (4, 0)
    assert set(model.asked - before) == {"question 1?"}
    assert len(records(tmp_path)) == 4


class Mumbling:
    """Samples well; as an anchor it writes nothing that can be read, until it is cured."""

    def __init__(self) -> None:
        self.cured = False
        self.asked: Counter[str] = Counter()

    def script(self, request: Request) -> list[str]:
        stage = "synthesis" if "UNIFIED" in request.messages[0].text else "sample"
        self.asked[stage] += 1
        if stage == "sample":
            return ["so \\boxed{4}"] * request.n
        good = "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\nso \\boxed{4}"
        return [good if self.cured else "# SUMMARY\nmumble"]


async def test_a_synthesis_that_could_not_be_read_is_asked_for_anew_and_the_rollouts_are_not(
    tmp_path: Path,
) -> None:
    model = Mumbling()
    plan = Plan(CaT(FunctionProvider(model.script), estimator=Synthesizer()), n=2)
    summary = await run(rows(2), tmp_path, plan)
    assert (summary.ok, summary.partial) == (0, 2)
    before = model.asked.copy()
    assert await run(rows(2), tmp_path, plan) == summary
    assert model.asked == before
    model.cured = True
    mended = await run(rows(2), tmp_path, plan, retry_failed=True)
    assert (mended.ok, mended.partial) == (2, 0)
    assert model.asked - before == Counter({"synthesis": 2})
    assert [record["partial"] for record in records(tmp_path)] == [False, False]


@pytest.mark.behaviour("rows-add-up")
async def test_rows_that_are_wrong_are_refused_with_their_place_and_the_fix(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    texts = [
        '{"id": "a", "prompt": "question 0?"}',
        '{"id": "b", "prompt": ""}',
        "not JSON",
        '{"id": "c"}',
        '{"id": "a", "prompt": "question 4?"}',
        '{"id": null, "prompt": "question 5?"}',
        json.dumps({"id": "d", "prompt": "x" * 2000}),
        '{"id": "e", "prompt": "question 7?"}',
    ]
    await anyio.Path(data).write_text("\n".join(texts) + "\n")
    out = tmp_path / "out"
    summary = await run(str(data), out, Plan(Model().method(), n=2, longest=1000))
    assert (summary.ok, summary.refused, summary.rows) == (2, 6, 8)
    failed = lines(out / "failed.jsonl")
    assert [line["place"].rpartition(" ")[2] for line in failed] == list("234567")
    causes = [line["cause"] for line in failed]
    wanted = [
        "empty",
        "is not JSON",
        "'prompt'",
        "line 1; give each row once",
        "id",
        "2,000 characters",
    ]
    for cause, part in zip(causes, wanted, strict=True):
        assert part in cause


async def test_a_row_without_an_id_is_named_by_what_it_holds_and_stands_once(
    tmp_path: Path,
) -> None:
    given = [{"prompt": "one?"}, {"prompt": "two?"}, {"prompt": "one?"}]
    summary = await run(given, tmp_path, Plan(Model().method(), n=2))
    assert (summary.ok, summary.refused) == (2, 1)
    [refused] = lines(tmp_path / "failed.jsonl")
    assert refused["cause"].startswith("the same row is already at row 0")
    names = {record["prompt"]: record["id"] for record in records(tmp_path)}
    other = tmp_path / "other"
    await run([{"prompt": "two?"}], other, Plan(Model().method(), n=2))
    assert records(other)[0]["id"] == names["two?"]


@pytest.mark.behaviour("budget-holds-over-all-starts")
async def test_a_budget_holds_over_all_starts_and_leaves_rows_for_the_next(tmp_path: Path) -> None:
    model = Model()
    plan = Plan(model.method(), n=2)
    first = await run(rows(10), tmp_path, plan, budget=Budget(requests=8))
    assert first.waiting > 0
    assert first.ok + first.waiting == 10
    assert sum(model.asked.values()) <= 8
    again = await run(rows(10), tmp_path, plan, budget=Budget(requests=8))
    assert sum(model.asked.values()) <= 8
    assert again.waiting > 0
    done = await run(rows(10), tmp_path, plan, budget=Budget(requests=100))
    assert (done.ok, done.waiting) == (10, 0)
    # No kept rollout was drawn again.
    assert max(model.asked.values()) <= 2
    assert done.usage.requests == sum(model.asked.values())


async def test_when_all_rows_fail_alike_the_batch_stops_and_says_why(tmp_path: Path) -> None:
    model = Model(failing=["question"])
    with pytest.raises(ProviderError, match=r"failed in the same way.*not well"):
        await run(rows(300), tmp_path, Plan(model.method(), n=1))
    assert sum(model.asked.values()) < 200
    assert json.loads((tmp_path / "manifest.json").read_text())["rows"]["waiting"] > 100


async def test_an_estimator_with_a_defect_on_one_row_does_not_end_the_others(
    tmp_path: Path,
) -> None:
    c = CaT(FunctionProvider(Model().script), estimator=Fragile())
    summary = await run(rows(4), tmp_path, Plan(c, n=2))
    assert (summary.ok, summary.failed) == (3, 1)
    assert "ZeroDivisionError" in lines(tmp_path / "failed.jsonl")[0]["cause"]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
async def test_the_output_has_the_order_of_the_rows_in_files_of_a_bounded_size(
    tmp_path: Path, format: Any
) -> None:
    mixed: list[dict[str, Any]] = [
        {"id": "b", "prompt": "two?", "x": 1, "y": {"deep": [1]}, "z": {}},
        {"id": "a", "prompt": "one?", "x": "text", "y": {"deep": [2]}, "z": {}},
        {"id": "c", "prompt": [{"role": "user", "content": "three?"}], "x": None, "y": None},
    ]
    plan = Plan(Model().method(), n=2)
    await run(mixed, tmp_path, plan, ordered=True, format=format, shard=2)
    paths = parts(tmp_path)
    assert [path.name for path in paths] == [f"part-0000{at}.{format}" for at in (0, 1)]
    if format == "jsonl":
        read = records(tmp_path)
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        tables = [parquet.read_table(path) for path in paths]
        assert tables[0].schema == tables[1].schema
        read = [row for table in tables for row in table.to_pylist()]
    assert [record["id"] for record in read] == ["b", "a", "c"]
    assert read[0]["y"] == {"deep": [1]}
    assert str(read[0]["x"]) == "1"


@pytest.mark.parametrize(
    ("produces", "many", "has"),
    [
        ("rollouts", 4, {"rollout": 0, "completion": "so \\boxed{4}", "final_answer": "4"}),
        ("rewards", 4, {"rollout": 0, "reward": 1.0, "no_reward_because": None}),
        ("sft", 1, {"completion": [{"role": "assistant", "content": "so \\boxed{4}"}]}),
        (
            "preferences",
            1,
            {
                "prompt": [{"role": "user", "content": f"question 0?\n\n{Answers().instruction}"}],
                "chosen": [{"role": "assistant", "content": "so \\boxed{4}"}],
                "rejected": [{"role": "assistant", "content": "so \\boxed{5}"}],
            },
        ),
    ],
)
async def test_what_a_row_becomes_is_chosen(
    tmp_path: Path, produces: str, many: int, has: dict[str, Any]
) -> None:
    plan = Plan(Model().method(reward=AnswerReward()), n=4, produces=produces)
    summary = await run(rows(1), tmp_path, plan)
    made = records(tmp_path)
    assert len(made) == many == summary.records
    assert {name: made[0][name] for name in has} == has
    assert made[0]["topic"] == 0


async def test_references_of_a_schema_have_a_column_of_objects(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    model = FunctionProvider(lambda _: '{"city": "Cairo"}')
    c = CaT(model, estimator=Majority(), output=schema)
    summary = await run(rows(2), tmp_path, Plan(c, n=2))
    assert summary.ok == 2
    assert [record["output"] for record in records(tmp_path)] == [{"city": "Cairo"}] * 2
    with pytest.raises(InvalidInputError, match="'output' has the name of a column that is added"):
        await run([{"prompt": "q?", "output": "mine"}], tmp_path / "other", Plan(c, n=2))
    plain = Plan(Model().method(), n=2)
    assert (await run([{"prompt": "q?", "output": "mine"}], tmp_path / "plain", plain)).ok == 1


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
async def test_numbers_that_json_does_not_know_are_null_in_lines_and_kept_in_tables(
    format: Literal["jsonl", "parquet"], tmp_path: Path
) -> None:
    row = {"id": "a", "prompt": "question 1?", "score": float("nan"), "all": [float("inf"), 1.5]}
    await run([row], tmp_path, Plan(Model().method(), n=1), format=format)
    path = tmp_path / f"part-00000.{format}"
    if format == "jsonl":
        [text] = (await anyio.Path(path).read_text()).splitlines()

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON")

        made = json.loads(text, parse_constant=refuse)
        assert (made["score"], made["all"], made["id"]) == (None, [None, 1.5], "a")
    else:
        [there] = await anyio.to_thread.run_sync(read_rows, path)
        assert isnan(there.values["score"])
        assert there.values["all"] == [float("inf"), 1.5]


@pytest.mark.parametrize("keeps_texts", [True, False])
async def test_bytes_are_carried_through_as_base64(keeps_texts: bool, tmp_path: Path) -> None:
    row = {"id": "a", "prompt": "question 1?", "picture": b"\x89PNG", "in": {"it": [b"\x00"]}}
    await run([row], tmp_path, Plan(Model().method(), n=1, keeps_texts=keeps_texts))
    [made] = records(tmp_path)
    assert (made["picture"], made["in"]) == ("iVBORw==", {"it": ["AA=="]})


async def test_requests_for_a_batch_api_are_rows(tmp_path: Path) -> None:
    request = {
        "custom_id": "x1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": [{"role": "user", "content": "question 0?"}]},
    }
    await run([request], tmp_path, Plan(Model().method(), n=2))
    assert records(tmp_path)[0]["id"] == "x1"


async def test_two_processes_do_not_write_to_one_folder(tmp_path: Path) -> None:
    inside: list[BaseException] = []
    method = Model().method()

    async def second() -> None:
        try:
            await run(rows(1), tmp_path, Plan(method, n=1))
        except ConfigurationError as error:
            inside.append(error)

    async with anyio.create_task_group() as tasks:
        begun = False

        def on_progress(_: object) -> None:
            nonlocal begun
            if not begun:
                begun = True
                tasks.start_soon(second)

        await run(rows(50), tmp_path, Plan(method, n=1), on_progress=on_progress)
    assert "another process is writing" in str(inside[0])


def test_a_plan_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="produces is 'answers'; give one of reference"):
        Plan(Model().method(), produces="answers")
    with pytest.raises(InvalidInputError, match="'rewards' needs rewards"):
        Plan(Model().method(), produces="rewards")


async def test_a_column_with_the_name_of_a_new_one_is_refused(tmp_path: Path) -> None:
    given = [{"prompt": "one?", "reference": "mine"}]
    with pytest.raises(
        InvalidInputError, match="'reference' has the name of a column that is added"
    ):
        await run(given, tmp_path, Plan(Model().method(), n=1))


def test_a_summary_says_only_what_there_is() -> None:
    assert str(Summary(ok=2, failed=1, records=2)) == "3 rows: 2 ok, 1 failed; 2 records"
