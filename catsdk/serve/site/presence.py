"""Runs work only as long as the client is connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["answering", "while_connected"]


async def while_connected(receive: Receive, work: Callable[[], Awaitable[None]]) -> bool:
    """Do `work` as long as the client is there; returns whether it was done.

    Args:
        receive: Where the request's own messages come from; its body has been read.
        work: What is cancelled when the client goes away.
    """
    done = False
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await work()
        done = True
        tasks.cancel_scope.cancel()
    return done


def answering(answer: Callable[[], Awaitable[Response]]) -> ASGIApp:
    """Return a response that is made while the client is there, and sent if it still is.

    Args:
        answer: Makes the response; it raises nothing.
    """

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        responses: list[Response] = []

        async def work() -> None:
            responses.append(await answer())

        if await while_connected(receive, work):
            await responses[0](scope, receive, send)

    return respond
