"""One OpenAI-compatible endpoint: payloads go out through the real SDK, completions come back."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from time import perf_counter
from typing import Any

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
)
from catsdk.core.ports import OnText
from catsdk.core.thinking import AnswerStream
from catsdk.core.types import Completion
from catsdk_providers.openai_client import open_client
from catsdk_providers.openai_errors import error_of, reported_error, scrubbed
from catsdk_providers.openai_stream import Collected, ReportedError
from catsdk_providers.openai_wire import NOT_THE_WIRE, completions_of

__all__ = ["Endpoint", "shown"]

# What the SDK and the transports below it raise when a call fails; not all of it is mapped there.
_CALL_FAILED = (
    openai.OpenAIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    aiohttp.ClientError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)


class Endpoint:
    """Where the calls of one provider go, with its key, its headers and its time limit.

    Each event loop has its own client with pooled connections (aiohttp on asyncio, the SDK's own
    transport on trio), made when it is first used. The SDK does not retry: catsdk does.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        key: str,
        key_from: str,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> None:
        """`name` is the provider's, for errors; `key_from` says where its key comes from.

        Raises:
            InvalidInputError: the endpoint is no http(s) URL.
            ConfigurationError: the key cannot be one.
        """
        self.name = name
        self.base_url = _checked_url(base_url)
        self.key = _checked_key(key, key_from)
        self._headers = {name: SecretStr(value) for name, value in (headers or {}).items()}
        self._timeout = timeout
        self._client: RunVar[openai.AsyncOpenAI | None] = RunVar("catsdk-openai-client", None)

    async def chat(
        self, payload: dict[str, Any], on_text: OnText | None = None
    ) -> list[Completion]:
        """Send the arguments of a chat completion; with `on_text` its one answer is streamed.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        start = perf_counter()
        async with self._failing_as_ours():
            if on_text is not None:
                body, request_id = await self._streamed(payload, on_text)
            else:
                create = (await self._open()).chat.completions.with_raw_response.create
                response = await create(**payload)
                body, request_id = self._read(response.headers, response.content)
        return completions_of(
            body, model=self.name, latency=perf_counter() - start, request_id=request_id
        )

    async def post(self, path: str, body: dict[str, Any]) -> tuple[object, str | None]:
        """Send a JSON body to `path`, which may be a whole URL; returns reply and request id.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        async with self._failing_as_ours():
            post = (await self._open()).post
            response = await post(path, cast_to=httpx2.Response, body=body)
            return self._read(response.headers, response.content)

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        client = self._client.get()
        if client is not None:
            self._client.set(None)
            await client.close()

    @asynccontextmanager
    async def _failing_as_ours(self) -> AsyncGenerator[None]:
        try:
            with anyio.fail_after(self._timeout):
                yield
        except _CALL_FAILED as error:
            raise error_of(error, self.name, self._secrets()) from None
        except TimeoutError:
            raise TimedOutError(
                f"{self.name} gave no answer within {self._timeout} s; raise timeout= if the model"
                " needs longer",
                model=self.name,
            ) from None

    def _read(self, headers: Mapping[str, str], content: bytes) -> tuple[object, str | None]:
        request_id = headers.get("x-request-id")
        try:
            # Parsed by hand: the SDK's models cost more than the call, and are not needed.
            body: Any = json.loads(content)
        except NOT_THE_WIRE as error:
            kind = headers.get("content-type", "no content type")
            raise self._malformed(f"the reply ({kind}) is not JSON: {error}", request_id) from None
        if isinstance(body, dict) and body.get("error") and not body.get("choices"):
            raise reported_error(body["error"], self.name, self._secrets(), request_id)
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
                raise reported_error(error.body, self.name, self._secrets(), request_id) from None
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
        if client is not None:
            return client
        headers = {name: value.get_secret_value() for name, value in self._headers.items()}
        key = self.key.get_secret_value()
        mine = await open_client(base_url=self.base_url, key=key, headers=headers, model=self.name)
        # Another call may have been faster; an unused client holds nothing open.
        client = self._client.get()
        if client is None:
            self._client.set(client := mine)
        return client

    def _secrets(self) -> list[str]:
        password = httpx2.URL(self.base_url).password
        held = [self.key, *self._headers.values(), SecretStr(password)]
        return [secret.get_secret_value() for secret in held]

    def _malformed(self, what: str, request_id: str | None) -> ProviderError:
        message = scrubbed(f"{self.name}: {what}", self._secrets())
        return MalformedResponseError(message, model=self.name, status=200, request_id=request_id)


def shown(base_url: str) -> str:
    """The URL without what stands before an @, where a password would be."""
    scheme, separator, rest = base_url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _checked_url(base_url: str) -> str:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidInputError(
            f"base_url is {shown(base_url)!r}; give a URL such as 'http://localhost:8000/v1'"
        )
    return base_url.rstrip("/")


def _checked_key(key: str, key_from: str) -> SecretStr:
    key = key.strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise ConfigurationError(
            "the API key holds characters that no HTTP header takes; look for a line break or a"
            f" typographic quote in it ({key_from} or api_key)"
        )
    return SecretStr(key)
