"""A reward service with rewards that wait, break or watch, and what asks it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import ref

import aiohttp
import anyio
import anyio.abc

import catsdk as cat
from catsdk.core.errors import ServerError
from catsdk.core.types import Group, Reference
from catsdk.rewards import ClusterShare
from catsdk.runtime.context import Context
from catsdk.serve.rewards.server import serving

TEXTS = ["\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]
SHARES = [2 / 3, 2 / 3, 1 / 3]


class Shares(ClusterShare):
    """The base of rewards that do something beside."""

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        await self.before(group)
        return await super().score(group, reference, ctx)

    async def before(self, group: Group) -> None:
        """What is done before the group is rewarded."""


class Down(Shares):
    async def before(self, group: Group) -> None:
        raise ServerError("the anchor is down")


class Waits(Shares):
    """Rewards when it is told to."""

    def __init__(self) -> None:
        self.go, self.began = anyio.Event(), anyio.Event()

    async def before(self, group: Group) -> None:
        self.began.set()
        await self.go.wait()


class Watches(Shares):
    """Knows whether the groups that it rewarded are still somewhere."""

    def __init__(self) -> None:
        self.groups: list[ref[Group]] = []

    async def before(self, group: Group) -> None:
        self.groups.append(ref(group))


class Columns(dict[str, str]):
    """A row that can be watched."""


class Breaks(Shares):
    async def before(self, group: Group) -> None:
        raise ZeroDivisionError("a defect")


@asynccontextmanager
async def service(reward: cat.Reward, **settings: Any) -> AsyncGenerator[str]:
    with anyio.fail_after(60):
        async with serving(cat.CaT(reward=reward), group_size=3, **settings) as url:
            yield url


async def post(url: str, body: Any, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, data=data) as response,
    ):
        return response.status, await response.json()


async def open_groups(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as response:
        return int((await response.json())["open_groups"])


async def until_open(url: str, count: int) -> None:
    with anyio.fail_after(5):
        while await open_groups(url) != count:
            await anyio.lowlevel.checkpoint()


async def leave(url: str, body: Any) -> None:
    """Send a sample, and go away when the service has it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(post, f"{url}/v1/samples", body)
        await until_open(url, 1)
        tasks.cancel_scope.cancel()


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
