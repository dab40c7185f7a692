"""The client of the reward service asks until it is answered, and never without end."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Reference
from catsdk.rewards import ClusterShare
from catsdk.runtime.context import Context

pytest.importorskip("torch")
pytestmark = [pytest.mark.needs_torch, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

from catsdk.serve.rewards.rendezvous import GroupLimits
from catsdk.serve.rewards.server import serving
from catsdk_trainers.remote.client import NoRewardError, compute_score, compute_scores

GIVEN = {"reward": 0.5, "reason": "", "cause": None, "reference": None}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Scripted:
    """Answers the first requests as the script says, the others with a reward."""

    script: list[Answer] = field(default_factory=list[Answer])
    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        step = self.script.pop(0) if self.script else given
        return await step(request)


async def given(_: web.Request) -> web.StreamResponse:
    return web.json_response(GIVEN)


def refused(status: int = 429, retry_after: str = "0.001") -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="<busy>", headers={"Retry-After": retry_after})

    return answer


async def silent(_: web.Request) -> web.StreamResponse:
    await anyio.sleep_forever()
    raise AssertionError


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b"{")
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def scripted(*script: Answer) -> AsyncGenerator[tuple[str, Scripted]]:
    server, app = Scripted(list(script)), web.Application()
    app.router.add_post("/v1/samples", server.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with anyio.fail_after(30):
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def service(reward: cat.Reward, limits: GroupLimits | None = None) -> AsyncGenerator[str]:
    with anyio.fail_after(60):
        async with serving(cat.CaT(reward=reward), limits=limits) as url:
            yield url


async def ask(url: str, extra: dict[str, Any] | None = None, **settings: Any) -> float:
    info = {"index": 1, "split": "train", **(extra or {})}
    told = await compute_score("math", "\\boxed{1}", "1", info, url=url, **settings)
    return float(told["score"])


async def test_a_service_without_room_is_asked_until_it_has_some() -> None:
    async with scripted(*[refused()] * 20, refused(503), refused(504)) as (url, server):
        assert await ask(url) == 0.5
    assert len(server.bodies) == 23
    assert len({body["id"] for body in server.bodies}) == 1


async def test_a_service_that_never_has_room_is_given_up_in_time() -> None:
    async with scripted(*[refused()] * 10_000) as (url, _):
        with anyio.fail_after(10), pytest.raises(NoRewardError, match="answered 429: <busy>"):
            await ask(url, within=0.3)


async def test_one_that_cannot_be_reached_is_given_up_after_some_tries() -> None:
    async with scripted() as (url, _):
        pass
    with anyio.fail_after(10), pytest.raises(NoRewardError, match="2 times in a row"):
        await ask(url, tries=2)
    async with scripted(refused(502), refused(429), refused(502)) as (url, _):
        assert await ask(url, tries=2) == 0.5


@pytest.mark.parametrize("first", [silent, cut_short])
async def test_an_answer_that_does_not_come_whole_is_asked_for_again(first: Answer) -> None:
    async with scripted(first) as (url, server):
        assert await ask(url, ask_again=0.2) == 0.5
    assert len(server.bodies) == 2
    assert server.bodies[0] == server.bodies[1]


async def test_asking_again_while_a_group_is_scored_has_it_scored_once() -> None:
    asked: list[Group] = []
    third = anyio.Event()

    class Waits(ClusterShare):
        async def score(
            self, group: Group, reference: Reference | None, ctx: Context
        ) -> Sequence[cat.Score]:
            asked.append(group)
            await third.wait()
            return await super().score(group, reference, ctx)

    async with service(Waits()) as behind:

        async def forward(_: web.Request) -> web.StreamResponse:
            if len(server.bodies) == 3:
                third.set()
            body = server.bodies[-1]
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{behind}/v1/samples", json=body) as response,
            ):
                return web.json_response(await response.json())

        async with scripted(*[forward] * 100) as (url, server):
            assert await ask(url, group_size=1, ask_again=0.2) == 1.0
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, "<a page>", "answered 200: <a page>"),
        (200, "[1]", r"answered 200: \[1\]"),
        (401, json.dumps({"detail": "the token is missing"}), "401: the token is missing"),
    ],
)
async def test_another_answer_ends_it_with_what_it_says(status: int, body: str, told: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    async with scripted(answer) as (url, _):
        with pytest.raises(NoRewardError, match=told):
            await ask(url)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": ""}, "set CATSDK_REWARD_URL"),
        ({"url": "localhost:8900"}, "'localhost:8900'; give one such as http://HOST:8900"),
        ({"url": "http://x", "group_size": "many"}, "group_size is 'many'"),
        ({"url": "http://x", "within": -1}, "within is '-1'"),
    ],
)
async def test_a_wrong_setting_is_named(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        await compute_score("math", "x", "1", {"index": 1}, **settings)


async def test_a_batch_has_one_session_in_which_no_sample_waits_for_a_connection() -> None:
    sessions: list[int] = []

    class Counts(ClusterShare):
        async def score(
            self, group: Group, reference: Reference | None, ctx: Context
        ) -> Sequence[cat.Score]:
            if not sessions:
                every = [each for each in gc.get_objects() if type(each) is aiohttp.ClientSession]
                sessions.append(sum(not each.closed for each in every))
            return await super().score(group, reference, ctx)

    count = 101
    async with service(Counts()) as url:

        def call() -> list[float]:
            infos = [{"index": at} for at in range(count)] * 2
            texts = ["\\boxed{1}"] * (2 * count)
            settings: dict[str, Any] = {"url": url, "group_size": 2}
            return compute_scores(
                ["math"] * len(texts), texts, [None] * len(texts), infos, **settings
            )

        assert await anyio.to_thread.run_sync(call) == [1.0] * (2 * count)
    assert sessions == [1]


async def test_samples_of_two_runs_never_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted() as (url, server):
        await ask(url, run="first")
        await ask(url, run="second")
        monkeypatch.setenv("CATSDK_REWARD_RUN", "first")
        await ask(url)
        await ask(url, {"index": 2})
        groups = [body["group"] for body in server.bodies]
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3


async def test_a_sample_that_is_not_for_training_has_a_group_size_of_its_own() -> None:
    async with scripted() as (url, server):
        for split in ("train", None, "test"):
            await ask(url, {"split": split}, group_size=4)
        await ask(url, {"split": "test"}, group_size=4, val_group_size=4)
    assert [body["size"] for body in server.bodies] == [4, 4, 1, 4]


async def test_tokens_and_the_reason_of_the_end_are_sent_where_they_are_known() -> None:
    async with scripted() as (url, server):
        await ask(url, {"tokens": 7, "finish_reason": "length"})
        await ask(url)
    assert (server.bodies[0]["tokens"], server.bodies[0]["finish_reason"]) == (7, "length")
    assert server.bodies[1].keys().isdisjoint({"tokens", "finish_reason"})


@pytest.mark.parametrize("retry_after", ["0", "-5", "nan", "inf", "soon", "1e-9"])
async def test_a_time_that_is_none_does_not_make_the_client_ask_without_a_pause(
    retry_after: str,
) -> None:
    async with scripted(*[refused(429, retry_after)] * 10_000) as (url, server):
        with pytest.raises(NoRewardError, match="answered 429"):
            await ask(url, within=1)
    assert 1 <= len(server.bodies) <= 25


@pytest.mark.parametrize("reward", ['"1"', "true", "NaN", "Infinity", "[1]", "{}"])
async def test_what_is_not_a_number_is_not_a_reward(reward: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=f'{{"reward": {reward}}}')

    async with scripted(answer) as (url, _):
        with pytest.raises(NoRewardError, match="instead of a reward"):
            await ask(url)


async def test_an_answer_with_nothing_but_its_reward_is_enough() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text='{"reward": 1, "reference": "none"}')

    async with scripted(answer) as (url, _):
        assert await ask(url) == 1.0
