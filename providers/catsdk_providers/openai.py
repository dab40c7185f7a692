"""OpenAIProvider: any endpoint that speaks OpenAI's chat completions, through the real SDK."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import perf_counter
from typing import Any, Self

import aiohttp
import anyio
import httpx2
import openai
from anyio.lowlevel import RunVar
from pydantic import SecretStr

from catsdk.core.errors import (
    ConfigurationError,
    InvalidInputError,
    MalformedResponseError,
    ProviderError,
    TimedOutError,
    UnsupportedError,
)
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.thinking import AnswerStream
from catsdk.core.types import Completion, Request
from catsdk_providers.openai_client import open_client
from catsdk_providers.openai_errors import error_of, reported_error, scrubbed
from catsdk_providers.openai_stream import Collected, ReportedError
from catsdk_providers.openai_wire import NOT_THE_WIRE, completions_of, payload_of

__all__ = ["OpenAIProvider"]

OPENAI = "https://api.openai.com/v1"

# What the SDK and the transports below it raise when a call fails; not all of it is mapped there.
_CALL_FAILED = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)

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
        timeout: float | None = None,
        capabilities: Capabilities | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent.

        A call may take `timeout` seconds; `None` leaves the limit to the caller.

        Raises:
            InvalidInputError: no model is named, or the endpoint is no http(s) URL.
            ConfigurationError: OpenAI's own endpoint is meant and there is no key, or the key
                cannot be one.
        """
        if not model:
            raise InvalidInputError("openai needs the name of a model, such as 'openai:gpt-5'")
        self.model = model
        self.name = f"openai:{model}"
        self.base_url = _endpoint(base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI)
        self._key = _key(api_key or os.environ.get("OPENAI_API_KEY") or "")
        if not self._key and self.base_url == OPENAI:
            raise ConfigurationError(
                f"{self.name} needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint"
                " that needs none"
            )
        self._headers = {name: SecretStr(value) for name, value in (headers or {}).items()}
        self._timeout = timeout
        self._declared = capabilities or Capabilities(
            n=True, logprobs=True, seed=True, json_schema=True, tools=True, streaming=True
        )
        self._client: RunVar[openai.AsyncOpenAI | None] = RunVar("catsdk-openai-client", None)
        self._opening: RunVar[anyio.Lock | None] = RunVar("catsdk-openai-opening", None)

    def __repr__(self) -> str:
        """Name and endpoint; never a key, nor a password in the URL."""
        return f"OpenAIProvider({self.model!r}, base_url={_shown(self.base_url)!r})"

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
            UnsupportedError: `request.n` is over 1, and the endpoint is known to take no n.
        """
        if request.n > 1 and not self.capabilities.n:
            raise UnsupportedError(
                f"{self.name} gives one completion a request; send {request.n} requests",
                capability="n",
                model=self.name,
            )
        try:
            with anyio.fail_after(self._timeout):
                completions = await self._answer(request, on_text)
        except _CALL_FAILED as error:
            raise self._learnt(error_of(error, self.name, self._secrets())) from None
        except TimeoutError:
            raise TimedOutError(
                f"{self.name} gave no answer within {self._timeout} s; raise timeout= if the model"
                " needs longer",
                model=self.name,
            ) from None
        if len(completions) < request.n:
            self._lacks("n")
        return completions[: request.n]

    async def _answer(self, request: Request, on_text: OnText | None) -> list[Completion]:
        field = "max_completion_tokens" if self.base_url == OPENAI else "max_tokens"
        payload = payload_of(request, self.model, max_tokens_field=field)
        streaming = on_text is not None and self.capabilities.streaming
        start = perf_counter()
        if on_text is not None and streaming and request.n == 1:
            body, request_id = await self._streamed(payload, on_text)
        else:
            body, request_id = await self._whole(payload)
        completions = completions_of(
            body, model=self.name, latency=perf_counter() - start, request_id=request_id
        )
        if on_text is not None and streaming and request.n > 1:
            on_text(completions[0].text)
        return completions

    async def _whole(self, payload: dict[str, Any]) -> tuple[object, str | None]:
        response = await (await self._open()).chat.completions.with_raw_response.create(**payload)
        request_id = response.headers.get("x-request-id")
        try:
            # Parsed by hand: the SDK's models cost more than the call, and are not needed.
            body: Any = json.loads(response.content)
        except NOT_THE_WIRE as error:
            kind = response.headers.get("content-type", "no content type")
            raise self._malformed(f"the reply ({kind}) is not JSON: {error}", request_id) from None
        if isinstance(body, dict) and body.get("error") and not body.get("choices"):
            raise self._reported(body["error"], request_id)
        return body, request_id

    async def _streamed(
        self, payload: dict[str, Any], on_text: OnText
    ) -> tuple[object, str | None]:
        streaming: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        create = (await self._open()).chat.completions.with_streaming_response.create
        reply, answer = Collected(), AnswerStream(on_text)
        request_id: str | None = None

        def take(chunk: bytes) -> None:
            try:
                text = reply.add(chunk)
            except ReportedError as error:
                raise self._reported(error.body, request_id) from None
            except NOT_THE_WIRE as error:
                raise self._malformed(f"the stream holds no chunk: {error}", request_id) from None
            answer.feed(text)

        async with create(**payload, **streaming) as response:
            request_id = response.headers.get("x-request-id")
            async with aclosing(response.http_response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    take(chunk)
        if reply.finish_reason is None:
            raise self._malformed("the stream ended before the answer did", request_id)
        answer.feed(reply.end())
        answer.end()
        return reply.body(), request_id

    async def _open(self) -> openai.AsyncOpenAI:
        client = self._client.get()
        return await self._opened_once() if client is None else client

    async def _opened_once(self) -> openai.AsyncOpenAI:
        lock = self._opening.get()
        if lock is None:
            self._opening.set(lock := anyio.Lock())
        # Calls that begin together wait for one client: each costs as much as many calls.
        async with lock:
            client = self._client.get()
            if client is None:
                headers = {name: value.get_secret_value() for name, value in self._headers.items()}
                key = self._key.get_secret_value()
                client = await open_client(
                    base_url=self.base_url, key=key, headers=headers, model=self.name
                )
                self._client.set(client)
            return client

    def _secrets(self) -> list[str]:
        password = httpx2.URL(self.base_url).password
        held = [self._key, *self._headers.values(), SecretStr(password)]
        return [secret.get_secret_value() for secret in held]

    def _malformed(self, what: str, request_id: str | None) -> ProviderError:
        message = scrubbed(f"{self.name}: {what}", self._secrets())
        return MalformedResponseError(message, model=self.name, status=200, request_id=request_id)

    def _reported(self, body: object, request_id: str | None) -> ProviderError:
        return self._learnt(reported_error(body, self.name, self._secrets(), request_id))

    def _learnt(self, error: ProviderError) -> ProviderError:
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


def _endpoint(base_url: str) -> str:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInputError(
            f"base_url is {_shown(base_url)!r}; give a URL such as 'http://localhost:8000/v1'"
        )
    return base_url.rstrip("/")


def _key(key: str) -> SecretStr:
    key = key.strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise ConfigurationError(
            "the API key holds characters that no HTTP header takes; look for a line break or a"
            " typographic quote in it (OPENAI_API_KEY or api_key)"
        )
    return SecretStr(key)


def _shown(base_url: str) -> str:
    """The URL without what stands before an @, where a password would be."""
    scheme, separator, rest = base_url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _without(lacking: set[str]) -> dict[str, Any]:
    return dict.fromkeys(lacking, False)
