"""Chat completions sent on an aiohttp session: the usual call, without the SDK's own work for it.

The SDK still makes the client, and with it the headers. Its way through request models, httpx and
response models takes five times the CPU that posting a JSON body takes.
"""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from http.cookies import BaseCookie, SimpleCookie

import aiohttp
from yarl import URL

from catsdk.core.errors import RequestRefusedError
from catsdk_providers.http.client import same_origin
from catsdk_providers.http.decode import Decoder
from catsdk_providers.http.refusals import Place
from catsdk_providers.openai.reply import Reply

__all__ = ["Direct", "proxy_for"]

_REDIRECTS = {301, 302, 303, 307, 308}
# Redirects that keep the method and the body of a call.
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
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            headers={**headers, "Content-Type": "application/json"},
            # catsdk itself limits the calls in flight.
            connector=aiohttp.TCPConnector(limit=0, ssl=trusted),
            # No cookie of one reply is sent with the next call.
            cookie_jar=_NoCookies(),
            # The time limit of a call is catsdk's own, around this one.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )

    async def sent(self, path: str, body: bytes, place: Place) -> Reply:
        """Send `body` to `path`; redirects are followed within the endpoint's origin.

        Raises:
            RequestRefusedError: the reply redirects to another origin, or in a circle.
            aiohttp.ClientError: the connection failed.
        """
        url, status = self._base_url + path, 0
        for _ in range(_MOST_REDIRECTS):
            response = await self._session.post(
                _parsed(url),
                data=body,
                proxy=self._proxy,
                allow_redirects=False,
            )
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return _reply(response, place)
            response.close()
            status = response.status
            url = same_origin(url, location, status, place)
            if status not in _SENT_AGAIN:
                break
        raise place.error(
            RequestRefusedError,
            f"the service redirects to {url[:200]!r} in a way that calls cannot follow; set"
            f" base_url to the service's own address (HTTP {status})",
            status,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class _NoCookies(aiohttp.DummyCookieJar):
    """Keeps none and sends none; the class above it makes a new empty jar for each call."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        """No cookies."""
        return self._none


@lru_cache(maxsize=256)
def _parsed(url: str) -> URL:
    return URL(url, encoded=True)


def _reply(response: aiohttp.ClientResponse, place: Place) -> Reply:
    headers = response.headers
    here = Place(place.model, place.secrets, headers.get("x-request-id"))

    async def close() -> None:
        # A body that was read to its end gave its connection back already.
        response.close()

    return Reply(
        status=response.status,
        headers=headers,
        receive=response.content.readany,
        close=close,
        decoder=Decoder(headers.get("content-encoding"), response.status, here),
    )


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for this address, as the SDK's own client reads it."""
    url = URL(base_url)
    proxies = urllib.request.getproxies()
    if url.host is None or urllib.request.proxy_bypass(url.host):
        return None
    return proxies.get(url.scheme) or proxies.get("all")
