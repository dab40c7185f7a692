"""Bad manners of a server: answers that break off, trickle, never end or never come."""

from __future__ import annotations

import json

import anyio
import anyio.lowlevel
from aiohttp import web

__all__ = ["PAUSE", "cut", "endless", "streamed", "trickle", "vanish"]

# Seconds between two bytes of a trickle: a short reply takes longer than any patience in a test.
PAUSE = 0.5
FILLER = b"a" * 2**16
JSON = {"content-type": "application/json"}


async def vanish(http: web.Request, *, hang: bool) -> web.StreamResponse:
    """Break the connection off without an answer; with `hang`, never answer instead."""
    if hang:
        await anyio.sleep_forever()
    _abort(http)
    return web.Response(status=500)


async def cut(http: web.Request, reply: object) -> web.StreamResponse:
    """Send half of the reply, then break the connection off."""
    whole = json.dumps(reply).encode()
    response = web.StreamResponse(headers=JSON)
    response.content_length = len(whole)
    await response.prepare(http)
    await response.write(whole[: len(whole) // 2])
    _abort(http)
    return response


async def trickle(http: web.Request, reply: object) -> web.StreamResponse:
    """Send the reply a byte at a time, `PAUSE` seconds apart."""
    response = web.StreamResponse(headers=JSON)
    await response.prepare(http)
    for byte in json.dumps(reply).encode():
        await response.write(bytes([byte]))
        await anyio.sleep(PAUSE)
    await response.write_eof()
    return response


async def endless(http: web.Request) -> web.StreamResponse:
    """Send a reply whose text does not end, as fast as it is read."""
    response = web.StreamResponse(headers=JSON)
    await response.prepare(http)
    await response.write(b'{"choices": [{"index": 0, "message": {"content": "')
    while True:
        await response.write(FILLER)
        await anyio.lowlevel.checkpoint()


async def streamed(
    http: web.Request, chunks: list[dict[str, object]], headers: dict[str, str], *, broken: bool
) -> web.StreamResponse:
    """Send `chunks` as server-sent events; when `broken`, half of them and no end."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream", **headers})
    await response.prepare(http)
    for chunk in chunks[: len(chunks) // 2] if broken else chunks:
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    if broken:
        _abort(http)
        return response
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _abort(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.abort()
