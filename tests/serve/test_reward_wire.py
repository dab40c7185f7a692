"""What is odd on the wire costs the reward service nothing: half requests, floods, pages, logs."""

from __future__ import annotations

from typing import Any

import aiohttp
import anyio
import anyio.abc
import pytest

import catsdk as cat
from catsdk.rewards import ClusterShare

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.serve.rewards.rendezvous import GroupLimits
from catsdk.serve.rewards.server import serving
from tests.serve.service import (
    SHARES,
    TEXTS,
    Waits,
    open_groups,
    post,
    service,
)
from tests.serve.wire_by_hand import raw, received


@pytest.mark.parametrize("part", [b"P", b"POST /v1/groups HT", b"POST /v1/groups HTTP/1.1\r\nA: b"])
async def test_a_connection_that_sends_no_whole_header_is_closed(part: bytes) -> None:
    async with service(ClusterShare(), limits=GroupLimits(arrival=0.2)) as url:
        stream = await raw(url, part)
        async with stream:
            assert await received(stream) == b""
        assert await open_groups(url) == 0


HALF = b"POST /v1/groups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    async with (
        service(ClusterShare(), limits=GroupLimits(arrival=0.2)) as url,
        await raw(url, HALF) as stream,
    ):
        assert (await received(stream)).startswith(b"HTTP/1.1 408")


async def test_of_bodies_that_are_too_many_together_the_last_are_told_to_come_again() -> None:
    limits = GroupLimits(body=1024, bodies=1024)
    async with service(ClusterShare(), limits=limits) as url, await raw(url, HALF):
        with anyio.fail_after(10):
            while (await post(f"{url}/v1/groups", b"x" * 100))[0] != 429:
                await anyio.lowlevel.checkpoint()


async def test_a_body_that_is_not_encoded_as_it_says_is_refused() -> None:
    async with (
        service(ClusterShare()) as url,
        aiohttp.ClientSession(headers={"Content-Encoding": "gzip"}) as session,
        session.post(f"{url}/v1/groups", data=b"not gzip", compress=False) as response,
    ):
        assert response.status == 415


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]
)
async def test_without_a_token_no_page_of_a_browser_is_served(headers: dict[str, str]) -> None:
    body = {"prompt": "q", "responses": TEXTS}
    for token, status in (("", 403), ("secret", 200)):
        async with (
            service(ClusterShare(), token=token) as url,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.post(f"{url}/v1/groups", json=body, headers=headers) as response,
        ):
            assert response.status == status


async def test_groups_that_are_being_scored_are_waited_for_at_the_end() -> None:
    scorer = Waits()
    c = cat.CaT(reward=scorer)
    answers: list[tuple[int, Any]] = []

    async def ask(url: str) -> None:
        answers.append(await post(f"{url}/v1/groups", {"prompt": "q", "responses": TEXTS}))

    async def later() -> None:
        await anyio.wait_all_tasks_blocked()
        scorer.go.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks, serving(c, drain=10) as url:
            tasks.start_soon(ask, url)
            await scorer.began.wait()
            tasks.start_soon(later)
    assert [(status, told["rewards"]) for status, told in answers] == [(200, SHARES)]


async def test_a_malformed_request_does_not_show_its_token_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = b"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer secret-token\r\n\r\n"
    async with service(ClusterShare()) as url, await raw(url, bad) as stream:
        assert (await received(stream)).startswith(b"HTTP/1.1 400")
    assert "secret-token" not in caplog.text
