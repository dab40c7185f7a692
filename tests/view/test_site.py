"""The viewer answers those who may look, and keeps the texts of models from acting on its page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.view import viewing
from tests.view.seen import four, write

pytest.importorskip("pyarrow")
pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    # Runs are written by the test itself.
    pytest.mark.allow_blocking,
]


@asynccontextmanager
async def asking(
    folder: Path, **settings: Any
) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    write(folder / "sums", four())
    async with (
        viewing(folder, **settings) as address,
        aiohttp.ClientSession(address.partition("/#")[0]) as session,
    ):
        yield session, address


async def ready(session: aiohttp.ClientSession, **headers: str) -> dict[str, Any]:
    """The runs, once they were looked through."""
    while True:
        async with session.get("/api/runs", headers=headers) as response:
            told: dict[str, Any] = await response.json()
        if told["ready"]:
            return told
        await anyio.sleep(0.01)


async def test_the_page_and_its_data_come_with_a_strict_policy(tmp_path: Path) -> None:
    async with asking(tmp_path) as (session, _):
        for path in ("/", "/api/runs", "/nowhere"):
            async with session.get(path) as response:
                policy = response.headers["content-security-policy"]
                assert "default-src 'none'" in policy and "unsafe" not in policy
                assert "require-trusted-types-for 'script'" in policy
                assert response.headers["x-content-type-options"] == "nosniff"


async def test_each_question_is_answered(tmp_path: Path) -> None:
    async with asking(tmp_path) as (session, _):
        (run,) = (await ready(session))["runs"]
        assert (run["run"], run["items"], run["title"]) == ("sums", 5, "Sums")
        for path, name, expected in (
            ("/api/run?run=sums", "title", "Sums"),
            ("/api/items?run=sums&filter=gained", "total", 2),
            ("/api/compare?left=sums&right=sums", "total", 3),
            ("/api/training?run=sums", "steps", []),
            ("/api/money?run=sums", "items", 5),
        ):
            async with session.get(path) as response:
                assert (await response.json())[name] == expected, path


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/items?run=none", 404, "no run 'none'"),
        ("/api/item?run=sums&id=none", 404, "no item 'none'"),
        ("/api/secrets", 404, "no question 'secrets'"),
        ("/api/items?run=sums&filter=x", 400, "no filter 'x'"),
        ("/api/items?run=sums&sort=x", 400, "sorted by 'x'"),
        ("/api/items?run=sums&offset=-1", 400, "offset is '-1'"),
        ("/api/items?run=sums&step=1e9", 400, "step is '1e9'"),
    ],
)
async def test_what_is_not_there_is_told(
    tmp_path: Path, path: str, status: int, words: str
) -> None:
    async with asking(tmp_path) as (session, _):
        await ready(session)
        async with session.get(path) as response:
            assert response.status == status
            assert words in (await response.json())["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
async def test_requests_of_other_sites_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    async with (
        asking(tmp_path) as (session, _),
        session.get("/api/runs", headers=headers) as response,
    ):
        assert response.status == 403


async def test_the_page_may_ask_for_its_own_data(tmp_path: Path) -> None:
    async with asking(tmp_path) as (session, address):
        headers = {"origin": address, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
        async with session.get("/api/runs", headers=headers) as response:
            assert response.status == 200


async def test_other_machines_need_a_token(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"0\.0\.0\.0 can be reached.*--token"):
        async with viewing(tmp_path, host="0.0.0.0"):
            pass


async def test_with_a_token_data_is_for_those_who_have_it_and_the_page_says_nothing(
    tmp_path: Path,
) -> None:
    async with asking(tmp_path, token="a secret") as (session, address):
        assert address.endswith("/#token=a secret")
        for path, status in (("/", 200), ("/api/runs", 401), ("/api/label", 401)):
            async with session.get(path) as response:
                assert response.status == status, path
        told = await ready(session, authorization="Bearer a secret")
        assert len(told["runs"]) == 1
        headers = {"authorization": "Bearer a secret", "origin": "https://evil.example"}
        async with session.get("/api/runs", headers=headers) as response:
            assert response.status == 403


async def test_only_reading_is_allowed(tmp_path: Path) -> None:
    async with asking(tmp_path) as (session, _):
        for method in ("POST", "PUT", "DELETE"):
            async with session.request(method, "/api/runs") as response:
                assert response.status == 405


@pytest.mark.parametrize("path", ["/assets/../questions.py", "/assets/%2e%2e/questions.py"])
async def test_no_other_file_is_served(tmp_path: Path, path: str) -> None:
    async with asking(tmp_path) as (session, _), session.get(path) as response:
        assert response.status in (404, 403)
