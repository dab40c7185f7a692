"""The OpenAI SDK's client for one event loop: without retries, over the pooled HTTP client."""

from __future__ import annotations

import openai

from catsdk_providers.wire_client import open_http
from catsdk_providers.wire_service import Service

__all__ = ["open_client"]


async def open_client(service: Service[openai.AsyncOpenAI]) -> openai.AsyncOpenAI:
    """Make a client for the running event loop."""
    return openai.AsyncOpenAI(
        # The SDK insists on one; an endpoint of one's own may not.
        api_key=service.key.get_secret_value() or "none",
        base_url=service.base_url,
        max_retries=0,
        timeout=None,
        default_headers={"Accept-Encoding": "identity", **service.headers},
        http_client=await open_http(
            service.name,
            request_id="x-request-id",
            on_asyncio=openai.DefaultAioHttpClient,
            on_trio=openai.DefaultAsyncHttpxClient,
        ),
    )
