"""Chat completions sent on an aiohttp session: the usual call, without the SDK's own work for it.

The SDK still makes the client, and with it the headers. Its way through request models, httpx and
response models takes five times the CPU that posting a JSON body takes.
"""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from catsdk_providers.openai_reply import Reply
from catsdk_providers.wire_client import same_origin
from catsdk_providers.wire_decode import Decoder
from catsdk_providers.wire_refusals import Place

__all__ = ["Direct", "proxy_for"]

_SENT_AGAIN = {307, 308}
_MOST_REDIRECTS = 3


class Direct:
    """Posts JSON to the paths of one endpoint, over the pooled connections of one event loop."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        trusted: ssl.SSLContext,
        proxy: str | None,
    ) -> None:
        """`headers` go with every call, `trusted` are the certificates, `proxy` is its URL."""
        self._base_url = base_url
        self._headers = CIMultiDict(headers)
        self._headers["Content-Type"] = "application/json"
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            # How many calls are in flight is catsdk's limit to set.
            connector=aiohttp.TCPConnector(limit=0, ssl=trusted),
            # Nothing that one reply sets goes with the next call.
            cookie_jar=aiohttp.DummyCookieJar(),
            # The time limit of a call is catsdk's own, around this one.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )

    @asynccontextmanager
    async def sent(self, path: str, body: bytes, place: Place) -> AsyncGenerator[Reply]:
        """Send `body` to `path`; redirects are followed within the endpoint's origin.

        Raises:
            RequestRefusedError: the reply redirects to another origin.
            aiohttp.ClientError: the connection failed.
        """
        url = self._base_url + path
        for _ in range(_MOST_REDIRECTS):
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers=self._headers,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                location = response.headers.get("location")
                if response.status in _SENT_AGAIN and location is not None:
                    url = same_origin(url, location, response.status, place)
                    continue
                yield _reply(response, url, place)
                return
        yield Reply(310, {}, _nothing(), url)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _reply(response: aiohttp.ClientResponse, url: str, place: Place) -> Reply:
    headers = response.headers
    here = Place(place.model, place.secrets, headers.get("x-request-id"))
    if 300 <= response.status < 400 and "location" in headers:
        # Any other redirect would turn the call into one without a body.
        same_origin(url, headers["location"], response.status, here)
    decoder = Decoder(headers.get("content-encoding"), response.status, here)

    async def pieces() -> AsyncGenerator[bytes]:
        async for piece in response.content.iter_any():
            for decoded in decoder.feed(piece):
                yield decoded

    return Reply(response.status, headers, pieces(), url)


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for this address, as the SDK's own client reads it."""
    url = URL(base_url)
    proxies = urllib.request.getproxies()
    if url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    return proxies.get(url.scheme) or proxies.get("all")
