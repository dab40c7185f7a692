"""The HTTP client under a vendor's SDK: pooled for one event loop, with bounded replies."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import cache
from typing import cast

import httpx2
from anyio import to_thread
from sniffio import current_async_library

from catsdk.core.errors import MalformedResponseError

__all__ = ["MAX_BODY", "open_http"]

MAX_BODY = 32 * 2**20
# Compressed bytes may grow a thousandfold. None are asked for; some gateways send them all the
# same, and a text of this size in gzip is still a long answer.
MAX_COMPRESSED = 256 * 2**10
_LIMITS = {"identity": MAX_BODY, "gzip": MAX_COMPRESSED, "deflate": MAX_COMPRESSED}


async def open_http(
    model: str,
    *,
    request_id: str,
    on_asyncio: Callable[..., httpx2.AsyncClient],
    on_trio: Callable[..., httpx2.AsyncClient],
) -> httpx2.AsyncClient:
    """Make a client for the running event loop, of the class that the SDK has for it.

    `model` is named in errors; `request_id` is the header that holds the vendor's request id.
    """
    # The certificates are read from disk: once, and not in the event loop.
    certificates = await to_thread.run_sync(_certificates)
    asyncio = current_async_library() == "asyncio"

    async def bound(response: httpx2.Response) -> None:
        response.stream = _Bounded(response, model, response.headers.get(request_id))

    return (on_asyncio if asyncio else on_trio)(
        # The time limit of a call is catsdk's own, around this one.
        timeout=None,
        verify=certificates,
        # How many calls are in flight is catsdk's limit to set. Zero is aiohttp's word for no
        # limit, `None` is httpx's.
        limits=httpx2.Limits(
            max_connections=0 if asyncio else None, max_keepalive_connections=None
        ),
        event_hooks={"response": [bound]},
    )


class _Bounded(httpx2.AsyncByteStream):
    """The body of `response`, up to a number of bytes."""

    def __init__(self, response: httpx2.Response, model: str, request_id: str | None) -> None:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        self._left = _LIMITS.get(encoding, 0)
        self._stream = cast(httpx2.AsyncByteStream, response.stream)
        self._error = MalformedResponseError(
            f"{model}: the reply (content-encoding {encoding}) is over {self._left:,} bytes",
            model=model,
            status=response.status_code,
            request_id=request_id,
        )

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        chunks = self._stream.__aiter__()
        try:
            async for chunk in chunks:
                self._left -= len(chunk)
                if self._left < 0:
                    raise self._error
                yield chunk
        except (GeneratorExit, MalformedResponseError):
            # The reader stops early. Some generators of the transport below do not close those
            # under them, which trio complains of; they end by reading on from a closed stream.
            await self._stream.aclose()
            with suppress(Exception):
                async for _ in chunks:
                    pass
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
