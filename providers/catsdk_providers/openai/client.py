"""The clients of one event loop: the OpenAI SDK's, and a direct one for chat completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from anyio import to_thread
from sniffio import current_async_library

from catsdk_providers.http.client import certificates, open_http
from catsdk_providers.http.decode import MAX_BODY
from catsdk_providers.http.service import Service
from catsdk_providers.openai.direct import Direct, proxy_for
from catsdk_providers.openai.errors import refused_by

__all__ = ["Clients", "open_clients", "open_sdk"]

# Headers by which the SDK describes itself and this machine: long, and of use to nobody here.
_SDK_HEADERS = "x-stainless-"
# Of httpx2, which what is read here is: version 2 of the SDK also has clients of httpx.
_ON_AIOHTTP: Any = (
    openai.DefaultAioHttpClient
    if issubclass(openai.DefaultAioHttpClient, httpx2.AsyncClient)
    else openai.DefaultAsyncHttpx2Client
)
# aiohttp speaks to no others.
_PROXIES = ("http://", "https://")


@dataclass
class Clients:
    """The SDK's client, and the direct way where this event loop has it."""

    sdk: openai.AsyncOpenAI
    direct: Direct | None

    async def close(self) -> None:
        """Close the connections of both."""
        if self.direct is not None:
            await self.direct.close()
        await self.sdk.close()


async def open_sdk(service: Service[Any], longest: int = MAX_BODY) -> openai.AsyncOpenAI:
    """Make the SDK's client for the running event loop.

    Args:
        service: What it is a client of.
        longest: The most bytes of a reply.
    """
    return openai.AsyncOpenAI(
        **service.sdk_settings(),
        http_client=await open_http(
            service.place(),
            http=service.http,
            request_id="x-request-id",
            refused=refused_by(service),
            on_asyncio=_ON_AIOHTTP,
            on_trio=openai.DefaultAsyncHttpx2Client,
            longest=longest,
        ),
    )


async def open_clients(service: Service[Clients]) -> Clients:
    """Make the clients for the running event loop."""
    sdk = await open_sdk(service)
    if current_async_library() != "asyncio":
        return Clients(sdk, None)
    proxy = service.http.proxy or await to_thread.run_sync(proxy_for, service.base_url)
    if proxy is not None and not proxy.startswith(_PROXIES):
        return Clients(sdk, None)
    direct = Direct(
        service.base_url,
        # In a thread, since the SDK runs programs to describe the machine.
        await to_thread.run_sync(_headers_of, sdk),
        trusted=await to_thread.run_sync(certificates, service.http.ca),
        proxy=proxy,
    )
    return Clients(sdk, direct)


def _headers_of(sdk: openai.AsyncOpenAI) -> dict[str, str]:
    """The headers of the SDK's calls, without those that only describe it."""
    headers = {**sdk.auth_headers, **sdk.default_headers}
    return {
        name: value
        for name, value in headers.items()
        if isinstance(value, str) and not name.lower().startswith(_SDK_HEADERS)
    }
