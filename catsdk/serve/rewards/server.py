"""Runs the reward service alone: serves rewards over HTTP until a block ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catsdk.cat import CaT
from catsdk.scored import opened
from catsdk.serve.rewards.rendezvous import GroupLimits, Rendezvous
from catsdk.serve.rewards.routes import reward_routes
from catsdk.serve.site.access import Access, Guard, check_host
from catsdk.serve.site.application import application
from catsdk.serve.site.bodies import Bodies
from catsdk.serve.site.replies import json_response
from catsdk.serve.site.server import listening

__all__ = ["reward_app", "serving"]


@asynccontextmanager
async def serving(
    c: CaT,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    group_size: int = 8,
    limits: GroupLimits | None = None,
    drain: float = 0.0,
) -> AsyncGenerator[str]:
    """Serve the rewards of `c` until the block ends. Needs asyncio.

    Each request must carry `Authorization: Bearer TOKEN` where a `token` is given; an empty one is
    none. Without a token, requests of web pages are refused, and those to another host name. At the
    end of the block no more requests are taken, and groups that are being scored are waited for, at
    most `drain` seconds.

    Args:
        c: What rewards; a copy of it is opened, and closed at the end.
        host: The address to listen on.
        port: 0 takes a free one.
        token: What each request must carry.
        group_size: G, for clients that do not say it (OpenRLHF).
        limits: What the service takes on at once.
        drain: How long groups that are being scored are waited for at the end, in seconds.

    Yields:
        The address, such as `http://127.0.0.1:8080`.

    Raises:
        InvalidInputError: it would listen to other machines without a token.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.serve import serving
        >>> c = cat.CaT("local", reward=cat.AnswerReward())
        >>> async with serving(c) as address:
        ...     print(address.rpartition(":")[0])
        http://127.0.0.1
    """
    access = Access.by({"": token or ""})
    check_host(host, bool(access.digests), "a token (CATSDK_REWARD_TOKEN)")
    limits = limits or GroupLimits()
    async with opened(c) as own, anyio.create_task_group() as tasks:
        rendezvous = Rendezvous(own, tasks, limits)
        app = Guard(reward_app(rendezvous, group_size, limits), access)
        try:
            async with listening(app, host, port, arrival=limits.arrival, drain=drain) as address:
                yield address
                rendezvous.close()
        finally:
            tasks.cancel_scope.cancel()


def reward_app(rendezvous: Rendezvous, group_size: int, limits: GroupLimits) -> Starlette:
    """The service without its guard: the routes of rewards, and `/health`.

    Args:
        rendezvous: Brings groups together and scores them.
        group_size: G, for clients that do not say it.
        limits: What the service takes on at once.
    """

    async def health(request: Request) -> Response:
        return json_response({"status": "ok", "open_groups": rendezvous.open})

    bodies = Bodies(limits.body, limits.bodies, limits.arrival)
    routes = [Route("/health", health), *reward_routes(rendezvous, bodies, group_size)]
    return application(routes)
