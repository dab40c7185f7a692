"""Requests written by hand, byte by byte, to a server on this machine."""

from __future__ import annotations

import anyio
import anyio.abc

__all__ = ["answer_to", "raw", "received"]


async def raw(url: str, text: bytes) -> anyio.abc.SocketStream:
    """Connect and send; the stream stays open."""
    stream = await anyio.connect_tcp("127.0.0.1", int(url.rpartition(":")[2]))
    await stream.send(text)
    return stream


async def received(stream: anyio.abc.SocketStream) -> bytes:
    """All that comes until the server closes the connection."""
    content = b""
    with anyio.fail_after(10):
        while True:
            try:
                content += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return content


async def answer_to(url: str, text: bytes) -> bytes:
    """All that a server says to a request before it closes the connection."""
    async with await raw(url, text) as stream:
        return await received(stream)
