"""A batch that keeps no texts in its store: what is written, and what can be gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from catsdk import CaT, Majority
from catsdk.batch import Plan, run
from catsdk.batch.text_file import TEXTS
from catsdk.core.errors import InvalidInputError, ProviderError
from catsdk.core.sending import Budget
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from tests.batch.model import lines, records, rows


def answering(request: Request) -> str:
    question = request.messages[-1].text
    if "question 1?" in question:
        raise ProviderError("the secret reason")
    return f"a long secret answer to {question}: \\boxed{{4}}"


def bare(**settings: Any) -> tuple[FunctionProvider, Plan]:
    model = FunctionProvider(answering)
    plan = Plan(CaT(model, estimator=Majority()), n=2, keeps_texts=False, **settings)
    return model, plan


def stores(out: Path) -> bytes:
    return b"".join(path.read_bytes() for path in out.glob("run.sqlite*"))


async def test_no_text_is_in_the_store_and_the_output_is_whole(tmp_path: Path) -> None:
    _, plan = bare()
    summary = await run(rows(6), tmp_path, plan, ordered=True)
    assert (summary.ok, summary.failed, summary.usage.requests) == (5, 1, 6)
    assert [record["id"] for record in records(tmp_path)] == ["r0", "r2", "r3", "r4", "r5"]
    assert "secret answer" in records(tmp_path)[0]["reference"]
    [failed] = lines(tmp_path / "failed.jsonl")
    assert failed["id"] == "r1" and "secret reason" in failed["cause"]
    stored = await anyio.to_thread.run_sync(stores, tmp_path)
    assert stored and b"secret" not in stored and b"question" not in stored


async def test_finished_rows_are_not_bought_again_and_the_output_stays_whole(
    tmp_path: Path,
) -> None:
    model, plan = bare()
    first = await run(rows(6), tmp_path, plan)
    asked = len(model.requests)
    assert await run(rows(6), tmp_path, plan) == first
    assert len(model.requests) == asked
    more = await run(rows(8), tmp_path, plan, retry_failed=True)
    assert (more.ok, more.failed) == (7, 1)
    # The new rows, and the failed one once more; all of it is in what was paid.
    assert len(model.requests) == asked + 3 == more.usage.requests
    assert len(records(tmp_path)) == 7
    assert lines(tmp_path / "failed.jsonl")[0]["attempts"] == 2


async def test_a_budget_counts_what_earlier_starts_bought_though_no_answer_is_kept(
    tmp_path: Path,
) -> None:
    model, plan = bare()
    await run(rows(8), tmp_path, plan, budget=Budget(requests=5))
    again = await run(rows(8), tmp_path, plan, budget=Budget(requests=5))
    assert again.waiting and len(model.requests) <= 5
    assert again.usage.requests == len(model.requests)


async def test_a_folder_with_texts_is_not_gone_on_with_without(tmp_path: Path) -> None:
    _, plan = bare()
    await run(rows(2)[:1], tmp_path, Plan(plan.cat, n=2))
    with pytest.raises(InvalidInputError, match="keeps_texts was True, and is False now"):
        await run(rows(2)[:1], tmp_path, plan)


async def test_lines_of_a_start_that_was_killed_do_not_count(tmp_path: Path) -> None:
    _, plan = bare()
    await run(rows(4), tmp_path, plan)
    # A line whose row was not finished, one of a row that is done, and half a line.
    left = '["r5", [{"id": "r5"}], null]\n["r0", [{"id": "wrong"}], null]\n["r6", ['
    async with await anyio.open_file(tmp_path / TEXTS, "a") as file:
        await file.write(left)
    summary = await run(rows(7), tmp_path, plan)
    assert (summary.ok, summary.failed) == (6, 1)
    ids = sorted(record["id"] for record in records(tmp_path))
    assert ids == ["r0", "r2", "r3", "r4", "r5", "r6"]
