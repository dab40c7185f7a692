"""One HTTP reply, whichever way its call went out: status, headers, and the body in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

import aiohttp
import httpx2

from catsdk.core.errors import MalformedResponseError
from catsdk_providers.wire_decode import MAX_ERROR

__all__ = ["Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply whose body has not been read. Its pieces are decoded and bounded."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncGenerator[bytes]
    url: str

    @property
    def request_id(self) -> str | None:
        """The service's own name of the request."""
        return self.headers.get("x-request-id")

    async def content(self) -> bytes:
        """The whole body."""
        async with aclosing(self.pieces):
            return b"".join([piece async for piece in self.pieces])

    async def beginning(self) -> bytes:
        """As much as an error's words need; a body that breaks off says what it said until then."""
        content = b""
        with suppress(httpx2.HTTPError, aiohttp.ClientError, MalformedResponseError, OSError):
            async with aclosing(self.pieces):
                async for piece in self.pieces:
                    content += piece
                    if len(content) >= MAX_ERROR:
                        break
        return content[:MAX_ERROR]
