"""One HTTP reply, whichever way its call went out: status, headers, and the body in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import httpx2

from catsdk.core.errors import MalformedResponseError
from catsdk_providers.http.decode import MAX_ERROR, Decoder

__all__ = ["Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply whose body has not been read; who gets it must close it.

    `receive` gives the next bytes of the body, and none at its end; `decoder` bounds them.
    """

    status: int
    headers: Mapping[str, str]
    receive: Callable[[], Awaitable[bytes]]
    close: Callable[[], Awaitable[None]]
    decoder: Decoder

    @property
    def request_id(self) -> str | None:
        """The service's own name of the request."""
        return self.headers.get("x-request-id")

    async def content(self) -> bytes:
        """The whole body."""
        pieces: list[bytes] = []
        while received := await self.receive():
            pieces += self.decoder.feed(received)
        return b"".join(pieces)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body as it comes."""
        while received := await self.receive():
            for piece in self.decoder.feed(received):
                yield piece

    async def beginning(self) -> bytes:
        """As much as an error's words need; a body that breaks off says what it said until then."""
        content = b""
        with suppress(httpx2.HTTPError, aiohttp.ClientError, MalformedResponseError, OSError):
            while len(content) < MAX_ERROR and (received := await self.receive()):
                content += b"".join(self.decoder.feed(received))
        return content[:MAX_ERROR]
