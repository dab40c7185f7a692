"""Trainers get their rewards from the service in their own forms: verl and OpenRLHF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import anyio.abc
import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Reference
from catsdk.rewards import ClusterShare
from catsdk.runtime.context import Context, Row

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.serve.rewards.server import serving
from catsdk_trainers.remote.client import (
    NoRewardError,
    compute_score,
    compute_scores,
    reward_func,
)
from tests.serve.service import (
    TEXTS,
    Down,
    post,
    service,
)


async def test_verls_function_is_called_sample_by_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(cat.Gold(), token="secret") as url:
        monkeypatch.setenv("CATSDK_REWARD_URL", url)
        monkeypatch.setenv("CATSDK_REWARD_TOKEN", "secret")
        scores: dict[int, float] = {}

        async def call(at: int) -> None:
            told = await compute_score(
                data_source="math",
                solution_str=TEXTS[at],
                ground_truth="1",
                extra_info={"index": 7, "split": "train", "question": "q"},
                group_size=3,
            )
            scores[at] = told["score"]

        async with anyio.create_task_group() as tasks:
            for at in range(3):
                tasks.start_soon(call, at)
        assert scores == {0: 1.0, 1: 1.0, 2: 0.0}
        with pytest.raises(InvalidInputError, match="no 'index'"):
            await compute_score("math", "x", "1", {})


async def test_verls_batch_function_takes_a_whole_batch() -> None:
    async with service(cat.Gold()) as url:
        infos = [{"index": at // 3} for at in range(6)]

        def call() -> list[float]:
            settings: dict[str, Any] = {"url": url, "group_size": 3}
            return compute_scores(["math"] * 6, TEXTS * 2, ["1"] * 3 + ["2"] * 3, infos, **settings)

        assert await anyio.to_thread.run_sync(call) == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]


async def test_a_missing_reward_is_an_error_to_a_trainer_that_takes_numbers_only() -> None:
    async with service(Down()) as url:
        settings: dict[str, Any] = {"url": url, "group_size": 1}
        with pytest.raises(NoRewardError, match="the anchor is down"):
            await compute_score("math", "x", "1", {"index": 1}, **settings)
        body = {"query": ["qx"] * 3, "prompts": ["q"] * 3, "labels": ["1"] * 3}
        status, told = await post(f"{url}/openrlhf", body)
        assert status == 503
        assert "the anchor is down" in told["detail"]


async def test_openrlhfs_rows_come_in_chunks_of_any_size() -> None:
    async with service(cat.Gold()) as url:
        queries = [f"q{text}" for text in TEXTS]
        answers: list[Any] = []

        async def chunk(at: slice) -> None:
            rows = queries[at]
            body = {"query": rows, "prompts": ["q"] * len(rows), "labels": ["1"] * len(rows)}
            answers.append(await post(f"{url}/openrlhf", body))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(chunk, slice(0, 1))
            tasks.start_soon(chunk, slice(1, 3))
        rewards = sorted((told["rewards"] for _, told in answers), key=len)
        assert rewards == [[1.0], [1.0, 0.0]]


async def test_openrlhfs_own_function_gives_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(cat.Gold()) as url:
        monkeypatch.setenv("CATSDK_REWARD_URL", url)
        monkeypatch.setenv("CATSDK_GROUP_SIZE", "3")
        queries = [f"q{text}" for text in TEXTS]
        told = await anyio.to_thread.run_sync(reward_func, queries, ["q"] * 3, ["1"] * 3)
    assert told["rewards"].tolist() == [1.0, 1.0, 0.0]
    assert told.keys() == {"rewards", "scores", "extra_logs"}


@pytest.mark.parametrize("labels", [[4, 4, 4], [4.0, 4.0, 4.0], ["4", None, 4]])
async def test_labels_of_openrlhf_may_be_numbers(labels: list[Any]) -> None:
    rows: list[Row] = []

    class Golds(ClusterShare):
        async def score(
            self, group: Group, reference: Reference | None, ctx: Context
        ) -> Sequence[cat.Score]:
            rows.append(ctx.row)
            return await super().score(group, reference, ctx)

    size = 1 if None in labels else 3
    body = {"query": ["q\\boxed{4}"] * 3, "prompts": ["q"] * 3, "labels": labels}

    async with serving(cat.CaT(reward=Golds()), group_size=size) as url:
        status, told = await post(f"{url}/openrlhf", body)
    assert (status, told["rewards"]) == (200, [1.0] * 3)
    assert {row.get("answer") for row in rows} == {
        None if label is None else str(label) for label in labels
    }
