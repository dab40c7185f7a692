"""The HTTP client under a vendor's SDK: pooled for one event loop, with bounded replies."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import cast

import httpx2
from anyio import to_thread
from sniffio import current_async_library

from catsdk.core.errors import (
    ConfigurationError,
    MalformedResponseError,
    ProviderError,
    RequestRefusedError,
)
from catsdk.core.sending import Http
from catsdk_providers.http.decode import MAX_BODY, MAX_ERROR, Decoder
from catsdk_providers.http.refusals import Place

__all__ = ["Refused", "certificates", "open_http", "same_origin"]

# Makes an error from a reply's status, its headers and the beginning of its body.
Refused = Callable[[int, Mapping[str, str], bytes], ProviderError]


async def open_http(
    place: Place,
    *,
    http: Http,
    request_id: str,
    refused: Refused,
    on_asyncio: Callable[..., httpx2.AsyncClient],
    on_trio: Callable[..., httpx2.AsyncClient],
    longest: int = MAX_BODY,
) -> httpx2.AsyncClient:
    """Make a client for the running event loop, of the class that the SDK has for it.

    A class for asyncio that is not trio's speaks by aiohttp. `request_id` is the header that holds
    the vendor's request id; a body may have `longest` bytes.
    A reply with an error status never reaches the SDK: what `refused` makes of it is raised.
    """
    # Cached, and read in a thread, since the certificates are on disk.
    trusted = await to_thread.run_sync(certificates, http.ca)
    make = on_asyncio if current_async_library() == "asyncio" else on_trio

    async def checked(response: httpx2.Response) -> None:
        here = Place(place.model, place.secrets, response.headers.get(request_id))
        encoding = response.headers.pop("content-encoding", None)
        # The SDK would look the charset up, whatever it is; JSON has one.
        kind = response.headers.pop("content-type", "").partition(";")[0]
        response.headers["content-type"] = kind
        decoder = Decoder(encoding, response.status_code, here, longest)
        response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream), decoder)
        if response.has_redirect_location:
            # Raises where it leads to another origin. The client follows the rest, as read here:
            # two readings of one odd address may differ.
            response.headers["location"] = same_origin(
                str(response.url), response.headers["location"], response.status_code, here
            )
        elif not response.is_success:
            raise refused(response.status_code, response.headers, await _beginning(response))

    return make(
        # The time limit of a call is catsdk's own, around this one.
        timeout=None,
        verify=trusted,
        proxy=http.proxy,
        follow_redirects=True,
        # catsdk itself limits the calls in flight. Zero is aiohttp's word for no
        # limit, `None` is httpx's.
        limits=httpx2.Limits(
            max_connections=None if make is on_trio else 0, max_keepalive_connections=None
        ),
        event_hooks={"response": [checked]},
    )


def same_origin(url: str, location: str, status: int, place: Place) -> str:
    """The URL to which a reply of `url` redirects.

    Raises:
        RequestRefusedError: it is of another origin. The prompt, and headers that may be secret,
            would go along.
    """
    try:
        here, there = httpx2.URL(url), httpx2.URL(url).join(location)
        if (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port):
            return str(there)
    except (httpx2.InvalidURL, ValueError):
        pass
    raise place.error(
        RequestRefusedError,
        f"the service redirects to {location[:200]!r}, which is not followed: the prompt and the"
        f" key would be sent there. Set base_url to the service's own address (HTTP {status})",
        status,
    )


async def _beginning(response: httpx2.Response) -> bytes:
    """The beginning of an error's body, as far as it is needed and arrives."""
    content = b""
    with suppress(httpx2.HTTPError, MalformedResponseError, OSError):
        async for piece in response.stream:  # type: ignore[union-attr]
            content += piece
            if len(content) >= MAX_ERROR:
                break
    return content[:MAX_ERROR]


class _Bounded(httpx2.AsyncByteStream):
    """The body of a response, decoded and bounded."""

    def __init__(self, stream: httpx2.AsyncByteStream, decoder: Decoder) -> None:
        self._stream, self._decoder = stream, decoder

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        chunks = self._stream.__aiter__()
        try:
            async for chunk in chunks:
                for decoded in self._decoder.feed(chunk):
                    yield decoded
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
def certificates(ca: str | None) -> ssl.SSLContext:
    """What the file `ca` trusts; by default what the environment names, else this machine.

    Raises:
        ConfigurationError: the file cannot be read, or is no PEM file.
    """
    if ca is None:
        return httpx2.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"http.ca is {ca!r}, which cannot be read as certificates in PEM: {error}"
        ) from None
