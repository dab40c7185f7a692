"""Where the reward service listens: what does not arrive in time, or does not fit, is let go."""

from __future__ import annotations

import asyncio  # noqa: TID251 - aiohttp serves on it alone
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from weakref import WeakSet

import anyio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from catsdk.core.errors import InvalidInputError
from catsdk.serve.rewards.rendezvous import BusyError, Limits

__all__ = ["LOOPBACK", "Bodies", "detail", "from_elsewhere", "listening"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_ARRIVED: web.AppKey[WeakSet[asyncio.BaseTransport]] = web.AppKey("arrived", WeakSet)


class Bodies:
    """The bodies that are being read: each in time, all of them within `limits.bodies` bytes."""

    def __init__(self, limits: Limits) -> None:
        """Nothing is being read."""
        self._limits = limits
        self._room = max(limits.bodies, limits.body)

    async def read(self, request: web.Request) -> bytes:
        """Read the body of `request`.

        Raises:
            BusyError: too many bytes are being read.
            InvalidInputError: the body is not encoded as its header says.
            HTTPException: it is too large, or does not arrive in time.
        """
        most, length = self._limits.body, request.content_length
        if length is not None and length > most:
            raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=length)
        size = most if length is None or "Content-Encoding" in request.headers else length
        if size > self._room:
            raise BusyError("as many bytes as are allowed are being read")
        self._room -= size
        try:
            with anyio.fail_after(self._limits.arrival):
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(
                text=f"the body did not arrive within {self._limits.arrival:g} s"
            ) from None
        except web.RequestPayloadError as error:
            raise InvalidInputError(f"the body cannot be read: {error}") from None
        finally:
            self._room += size


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, arrival: float
) -> AsyncGenerator[asyncio.Server]:
    """Serve `app` until the block ends; yields the server, which may be closed before.

    A connection carries one request, and is closed where the header of that has not arrived within
    `arrival` seconds: those who only connect would use up the file descriptors.
    """
    app[_ARRIVED] = WeakSet()
    app.middlewares.append(_one_request)
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        shutdown_timeout=1.0,
        lingering_time=1.0,
        logger=_without_requests(),
    )
    await runner.setup()
    loop = asyncio.get_running_loop()

    def accepted() -> asyncio.Protocol:
        assert runner.server is not None
        protocol = runner.server()

        def close_unless_arrived() -> None:
            transport = protocol.transport
            if transport is not None and transport not in app[_ARRIVED]:
                transport.close()

        loop.call_later(arrival, close_unless_arrived)
        return protocol

    try:
        async with await loop.create_server(accepted, host, port) as server:
            yield server
    finally:
        with anyio.CancelScope(shield=True):
            await runner.cleanup()


def from_elsewhere(request: web.Request) -> bool:
    """Whether a web page sent the request, or a name that only claims to be this machine's."""
    return "Origin" in request.headers or urlsplit(f"//{request.host}").hostname not in LOOPBACK


def detail(status: int, told: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A response that says what is wrong."""
    return web.json_response({"detail": told}, status=status, headers=headers)


@web.middleware
async def _one_request(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if request.transport is not None:
        request.app[_ARRIVED].add(request.transport)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = detail(error.status, error.text or error.reason)
    response.force_close()
    return response


def _without_requests() -> logging.Logger:
    logger = logging.getLogger("catsdk.reward_server")
    if not logger.filters:
        logger.addFilter(_without_request)
    return logger


def _without_request(record: logging.LogRecord) -> bool:
    """Cut what was received out of a record: a malformed request may hold its token."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.exc_info = f"{record.msg}: {type(error).__name__}", None
    return True
