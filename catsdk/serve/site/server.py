"""Runs uvicorn inside a block, whose end waits for the requests that are being answered."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from catsdk.core.errors import ConfigurationError

__all__ = ["listening"]

# Bytes of a request's header.
_HEADER = 2**15
# Seconds that an idle connection is kept open.
_IDLE = 30
# Seconds for requests that were cut off to end.
_CUT_OFF = 5.0
# Seconds between two checks whether the last request has ended.
_LOOK = 0.01


def _protocol(arrival: float) -> type[H11Protocol]:
    """Uvicorn's protocol, extended to close a connection whose next header does not arrive in time.

    Otherwise clients that connect without a request would use up the file descriptors.
    """

    class Arriving(H11Protocol):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self._late: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait_for_header()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                self._wait_for_header()
            else:
                self._stop_waiting()

        def _wait_for_header(self) -> None:
            if self._late is None and not self.transport.is_closing():
                self._late = self.loop.call_later(arrival, self.transport.close)

        def _stop_waiting(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Arriving


@asynccontextmanager
async def listening(
    app: ASGIApp, host: str, port: int, *, arrival: float, drain: float
) -> AsyncGenerator[str]:
    """Serve `app` until the block ends; needs asyncio.

    At the end no more requests are taken, and those that are being answered are waited for.

    Args:
        app: What answers.
        host: The address to listen on.
        port: 0 takes a free one.
        arrival: Seconds within which the header of a request must be there.
        drain: Seconds that are waited for at the end.

    Yields:
        The address, such as `http://127.0.0.1:8080`.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    bound = _bound(host, port)
    config = uvicorn.Config(
        app,
        http=_protocol(arrival),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        h11_max_incomplete_event_size=_HEADER,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    tasks = anyio.create_task_group()
    await tasks.__aenter__()
    tasks.start_soon(server.main_loop)
    try:
        yield _address(bound)
    except BaseException:
        drain = 0
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await _stop(server, drain)
        tasks.cancel_scope.cancel()
        # Do not pass on the block's own error: a task group would wrap it in an exception group.
        await tasks.__aexit__(None, None, None)


async def _stop(server: uvicorn.Server, drain: float) -> None:
    """Accept no more requests, wait for those that are being answered, and cut off the rest."""
    state = server.server_state
    for listener in server.servers:
        listener.close()
    for connection in list(state.connections):
        connection.shutdown()
    await _ended(server, drain)
    for task in list(state.tasks):
        task.cancel()
    await _ended(server, _CUT_OFF)
    for connection in list(state.connections):
        connection.transport.close()


async def _ended(server: uvicorn.Server, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        # The tasks belong to uvicorn, which does not report when one ends, so poll.
        while server.server_state.tasks:  # noqa: ASYNC110
            await anyio.sleep(_LOOK)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol asyncio leaves Nagle's algorithm on, which holds a body back until its
    # header is acknowledged: 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error}); choose another port"
        ) from error
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
