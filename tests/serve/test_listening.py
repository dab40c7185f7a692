"""How the services listen, whatever they serve."""

from __future__ import annotations

import os
import socket
from contextlib import closing, suppress

import anyio
import pytest
from starlette.types import Receive, Scope, Send

from catsdk.serve.site.server import listening


def connection_from(client: tuple[str, int]) -> socket.socket:
    """The server's end of a connection, which is a descriptor of this process."""
    for descriptor in range(3, 4096):
        with suppress(OSError):
            duplicate = os.dup(descriptor)
            try:
                end = socket.socket(fileno=duplicate)
            except OSError:
                os.close(duplicate)
                continue
            with suppress(OSError):
                if end.getpeername()[:2] == client:
                    return end
            end.close()
    raise LookupError(f"no connection from {client}")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_body_does_not_wait_until_its_header_is_acknowledged(host: str) -> None:
    delays: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with closing(connection_from(tuple(scope["client"]))) as connection:
            delays.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with anyio.fail_after(30):
        async with listening(app, host, 0, arrival=10, drain=10) as address:
            port = int(address.rpartition(":")[2])
            async with await anyio.connect_tcp(host, port) as stream:
                await stream.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert (await stream.receive()).startswith(b"HTTP/1.1 204")
    assert delays == [1]
