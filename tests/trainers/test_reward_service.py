"""The reward service scores groups, lets samples meet, stays bounded, and invents no reward."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure, Group
from catsdk_trainers.controls import ClusterShareScorer, GoldScorer
from catsdk_trainers.rendezvous import Limits
from catsdk_trainers.scoring import GroupScore, GroupScorer, Row, unscored

pytest.importorskip("torch")
pytestmark = [pytest.mark.needs_torch, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

from catsdk_trainers.reward_client import (
    NoRewardError,
    compute_score,
    compute_scores,
    reward_func,
)
from catsdk_trainers.reward_server import serving

TEXTS = ["\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]
SHARES = [2 / 3, 2 / 3, 1 / 3]


class Down:
    async def score_group(self, group: Group, row: Row) -> GroupScore:
        return unscored(group, Failure(kind="ServerError", message="the anchor is down"))


class Waits:
    """Scores when it is told to."""

    def __init__(self) -> None:
        self.go, self.began = anyio.Event(), anyio.Event()

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        self.began.set()
        await self.go.wait()
        return await ClusterShareScorer().score_group(group, row)


class Breaks:
    async def score_group(self, group: Group, row: Row) -> GroupScore:
        raise ZeroDivisionError("a defect")


@asynccontextmanager
async def service(scorer: GroupScorer, **settings: Any) -> AsyncGenerator[str]:
    @asynccontextmanager
    async def open_scorer() -> AsyncGenerator[GroupScorer]:
        yield scorer

    with anyio.fail_after(60):
        async with serving(open_scorer, group_size=3, **settings) as url:
            yield url


async def post(url: str, body: Any, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=body) as response,
    ):
        return response.status, await response.json()


def sample(at: int, **changes: Any) -> dict[str, Any]:
    return {"group": "g", "size": 3, "prompt": "q", "response": TEXTS[at], "id": str(at)} | changes


async def together(url: str, bodies: list[Any]) -> list[tuple[int, Any]]:
    answers: dict[int, tuple[int, Any]] = {}

    async def one(at: int) -> None:
        answers[at] = await post(f"{url}/v1/samples", bodies[at])

    async with anyio.create_task_group() as tasks:
        for at in range(len(bodies)):
            tasks.start_soon(one, at)
    return [answers[at] for at in range(len(bodies))]


async def test_a_whole_group_is_rewarded_in_its_order() -> None:
    async with service(ClusterShareScorer()) as url:
        status, told = await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS})
    assert (status, told["cause"]) == (200, None)
    assert told["rewards"] == pytest.approx(SHARES)


async def test_samples_wait_for_their_group_and_each_gets_its_own_reward() -> None:
    async with service(ClusterShareScorer()) as url:
        answers = await together(url, [sample(2), sample(0), sample(1)])
        assert [told["reward"] for _, told in answers] == pytest.approx(
            [SHARES[2], SHARES[0], SHARES[1]]
        )
        again = await post(f"{url}/v1/samples", sample(2))
        assert again[1]["reward"] == pytest.approx(SHARES[2]), (
            "a lost answer can be asked for again"
        )


async def test_a_group_that_stays_incomplete_has_no_reward_and_says_how_many_came() -> None:
    async with service(ClusterShareScorer(), limits=Limits(patience=0.2)) as url:
        answers = await together(url, [sample(0), sample(1)])
        assert [told["reward"] for _, told in answers] == [None, None]
        assert all("2 of 3 samples came within 0.2 s" in told["cause"] for _, told in answers)
        whole = await together(url, [sample(at, id=None) for at in range(3)])
        assert [told["reward"] for _, told in whole] == pytest.approx(SHARES)


async def test_over_the_limit_of_open_groups_a_client_is_told_to_come_again() -> None:
    scorer = Waits()
    async with service(scorer, limits=Limits(groups=1)) as url:
        body = {"prompt": "q", "responses": TEXTS}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(post, f"{url}/v1/groups", body)
            await scorer.began.wait()
            assert (await post(f"{url}/v1/groups", body))[0] == 429
            assert (await post(f"{url}/v1/samples", sample(0)))[0] == 429
            scorer.go.set()
        assert (await post(f"{url}/v1/groups", body))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("groups", {"prompt": "q", "responses": ["x" * 11]}, "over the limit of 10"),
        ("groups", {"prompt": "", "responses": ["x"]}, "prompt is ''"),
        ("groups", {"prompt": "q", "responses": [1]}, "'1' is no text"),
        ("groups", {"prompt": "q", "responses": []}, "group of 0 samples"),
        ("groups", {"responses": ["x"]}, "'prompt'"),
        ("samples", sample(0, response="x", size=5), "group of 5 samples"),
        ("samples", [], "no JSON object"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(path: str, body: Any, told: str) -> None:
    async with service(ClusterShareScorer(), limits=Limits(characters=10, samples=4)) as url:
        status, answer = await post(f"{url}/v1/{path}", body)
        async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as health:
            assert (await health.json())["open_groups"] == 0
    assert status == 422
    assert told in answer["detail"]


async def test_a_body_over_the_limit_is_not_read() -> None:
    async with (
        service(ClusterShareScorer(), limits=Limits(body=1024)) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/groups", json={"prompt": "x" * 5000}) as response,
    ):
        assert response.status == 413


async def test_without_the_token_nobody_is_served() -> None:
    async with service(ClusterShareScorer(), token="secret") as url:
        body = {"prompt": "q", "responses": TEXTS}
        assert (await post(f"{url}/v1/groups", body))[0] == 401
        assert (await post(f"{url}/v1/groups", body, "wrong"))[0] == 401
        assert (await post(f"{url}/v1/groups", body, "secret"))[0] == 200


async def test_it_does_not_listen_to_other_machines_without_a_token() -> None:
    with pytest.raises(InvalidInputError, match="CATSDK_REWARD_TOKEN"):
        async with service(ClusterShareScorer(), host="0.0.0.0"):
            pass


async def test_a_defect_of_a_scorer_costs_its_group_and_not_the_service() -> None:
    async with service(Breaks()) as url:
        status, told = await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS})
        assert (status, told["rewards"]) == (200, [None] * 3)
        assert told["cause"] == "ZeroDivisionError: a defect"


async def test_verls_function_is_called_sample_by_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    async with service(GoldScorer(), token="secret") as url:
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
    async with service(GoldScorer()) as url:
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
    async with service(GoldScorer()) as url:
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
    async with service(GoldScorer()) as url:
        monkeypatch.setenv("CATSDK_REWARD_URL", url)
        monkeypatch.setenv("CATSDK_GROUP_SIZE", "3")
        queries = [f"q{text}" for text in TEXTS]
        told = await anyio.to_thread.run_sync(reward_func, queries, ["q"] * 3, ["1"] * 3)
    assert told["rewards"].tolist() == [1.0, 1.0, 0.0]
    assert told.keys() == {"rewards", "scores", "extra_logs"}
