"""OpenAIProvider: any endpoint that speaks OpenAI's chat completions, through the real SDK."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any, Self

import httpx2
import openai
from anyio import to_thread
from anyio.lowlevel import RunVar
from pydantic import SecretStr
from sniffio import current_async_library

from catsdk.core.errors import (
    ConfigurationError,
    InvalidInputError,
    MalformedResponseError,
    UnsupportedError,
)
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request
from catsdk_providers.openai_errors import error_of
from catsdk_providers.openai_stream import Collected
from catsdk_providers.openai_wire import completions_of, payload_of

__all__ = ["OpenAIProvider"]

OPENAI = "https://api.openai.com/v1"

# What endpoints have refused: (base URL, model) -> names of capabilities. Learnt once, by all.
_lacking: dict[tuple[str, str], set[str]] = {}


class OpenAIProvider:
    """A model behind an OpenAI-compatible endpoint.

    The key comes from `api_key` or `OPENAI_API_KEY`, the endpoint from `base_url` or
    `OPENAI_BASE_URL`; an endpoint of one's own may need no key. Each event loop has its own client
    with pooled connections (aiohttp on asyncio, the SDK's own transport on trio), made when it is
    first used and closed by `async with` or `aclose`. The SDK does not retry: catsdk does.

    When the endpoint refuses `n`, or answers with fewer choices than asked for, that is learnt
    once for this endpoint and model: `capabilities.n` is False from then on.
    """

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        capabilities: Capabilities | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent.

        Raises:
            InvalidInputError: no model is named.
            ConfigurationError: OpenAI's own endpoint is meant, and there is no key.
        """
        if not model:
            raise InvalidInputError("openai needs the name of a model, such as 'openai:gpt-5'")
        self.model = model
        self.name = f"openai:{model}"
        self.base_url = (base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI).rstrip("/")
        key = api_key or os.environ.get("OPENAI_API_KEY") or ""
        if not key and self.base_url == OPENAI:
            raise ConfigurationError(
                f"{self.name} needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint"
                " that needs none"
            )
        self._key = SecretStr(key)
        self._headers = dict(headers or {})
        self._declared = capabilities or Capabilities(
            n=True, logprobs=True, seed=True, json_schema=True, streaming=True
        )
        self._client: RunVar[openai.AsyncOpenAI | None] = RunVar("catsdk-openai-client", None)

    def __repr__(self) -> str:
        """Name and endpoint; never the key."""
        return f"OpenAIProvider({self.model!r}, base_url={self.base_url!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What was declared, less what the endpoint has refused."""
        lacking = _lacking.get((self.base_url, self.model), set())
        return replace(self._declared, **_without(lacking)) if lacking else self._declared

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request`; with `on_text` and n = 1 the reply is streamed.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        field = "max_completion_tokens" if self.base_url == OPENAI else "max_tokens"
        payload = payload_of(request, self.model, max_tokens_field=field)
        start = perf_counter()
        try:
            if on_text is not None and request.n == 1:
                body, request_id = await self._streamed(payload, on_text)
            else:
                body, request_id = await self._whole(payload)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise self._learnt(error_of(error, self.name, self._key.get_secret_value())) from None
        completions = completions_of(
            body, model=self.name, latency=perf_counter() - start, request_id=request_id
        )
        if len(completions) < request.n:
            self._lacks("n")
        return completions

    async def _whole(self, payload: dict[str, Any]) -> tuple[object, str | None]:
        response = await (await self._open()).chat.completions.with_raw_response.create(**payload)
        request_id = response.headers.get("x-request-id")
        try:
            # Parsed by hand: the SDK's models cost more than the call, and are not needed.
            return json.loads(response.content), request_id
        except ValueError as error:
            kind = response.headers.get("content-type", "no content type")
            raise MalformedResponseError(
                f"{self.name}: the reply ({kind}) is not JSON: {error}",
                model=self.name,
                status=response.status_code,
                request_id=request_id,
            ) from None

    async def _streamed(
        self, payload: dict[str, Any], on_text: OnText
    ) -> tuple[object, str | None]:
        streaming: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        create = (await self._open()).chat.completions.with_streaming_response.create
        reply = Collected()
        # The lines are read to their end and parsed by hand: the SDK's own iterator leaves async
        # generators behind that trio complains about.
        async with create(**payload, **streaming) as response:
            request_id = response.headers.get("x-request-id")
            async for line in response.iter_lines():
                piece = reply.add_line(line)
                if piece:
                    on_text(piece)
        if reply.finish_reason is None:
            raise MalformedResponseError(
                f"{self.name}: the stream ended before the answer did",
                model=self.name,
                request_id=request_id,
            )
        return reply.body(), request_id

    async def _open(self) -> openai.AsyncOpenAI:
        client = self._client.get()
        if client is not None:
            return client
        # The certificates are read from disk: once, and not in the event loop.
        certificates = await to_thread.run_sync(_certificates)
        client = self._client.get()
        if client is None:
            asyncio = current_async_library() == "asyncio"
            transport = openai.DefaultAioHttpClient if asyncio else openai.DefaultAsyncHttpxClient
            client = openai.AsyncOpenAI(
                api_key=self._key.get_secret_value() or "none",
                base_url=self.base_url,
                max_retries=0,
                # The time limit of a call is catsdk's own, around this one.
                timeout=None,
                default_headers=self._headers,
                http_client=transport(verify=certificates),
            )
            self._client.set(client)
        return client

    def _learnt(self, error: Exception) -> Exception:
        if isinstance(error, UnsupportedError) and hasattr(self._declared, error.capability):
            self._lacks(error.capability)
        return error

    def _lacks(self, capability: str) -> None:
        _lacking.setdefault((self.base_url, self.model), set()).add(capability)

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        client = self._client.get()
        if client is not None:
            self._client.set(None)
            await client.close()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _without(lacking: set[str]) -> dict[str, Any]:
    return dict.fromkeys(lacking, False)
