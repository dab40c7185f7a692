"""One OpenAI-compatible endpoint: payloads go out through the real SDK, completions come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from time import perf_counter
from typing import Any

import httpx2
import openai
from pydantic import SecretStr

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import OnText
from catsdk.core.thinking import AnswerStream
from catsdk.core.types import Completion
from catsdk_providers.openai_client import open_client
from catsdk_providers.openai_errors import error_of, reported_error
from catsdk_providers.openai_stream import Collected
from catsdk_providers.openai_wire import completions_of
from catsdk_providers.wire_events import ReportedError
from catsdk_providers.wire_secrets import hidden, shown
from catsdk_providers.wire_service import Service
from catsdk_providers.wire_text import NOT_THE_WIRE

__all__ = ["Endpoint", "shown"]


def _body_of(payload: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = payload.get("extra_body", {})
    return {name: value for name, value in payload.items() if name != "extra_body"} | extra


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
            InvalidInputError: the endpoint is no http(s) URL, or a password stands in it.
            ConfigurationError: the key cannot be one.
        """
        if shown(base_url) != base_url:
            raise InvalidInputError(
                f"base_url {shown(base_url)!r} has a user or password before its host, where this"
                " wire sends a key: give headers={'Authorization': 'Basic ...'} instead"
            )
        self._service = Service(
            name,
            base_url=base_url,
            key=key,
            key_from=key_from,
            headers=headers,
            timeout=timeout,
            open_client=open_client,
            error_of=error_of,
            sdk_errors=openai.OpenAIError,
        )

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._service.name

    @property
    def base_url(self) -> str:
        """The address."""
        return self._service.base_url

    @property
    def key(self) -> SecretStr:
        """The key, or nothing."""
        return self._service.key

    def hidden(self, text: str) -> str:
        """Give `text` without the key and the other secrets."""
        return hidden(text, self._service.secrets())

    async def chat(
        self, payload: dict[str, Any], on_text: OnText | None = None
    ) -> list[Completion]:
        """Send the arguments of a chat completion; with `on_text` its one answer is streamed.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        start = perf_counter()
        async with self._service.failing_as_ours():
            if on_text is not None:
                body, request_id = await self._streamed(payload, on_text)
            else:
                body, request_id = await self._posted("/chat/completions", _body_of(payload))
        return completions_of(
            body, model=self.name, latency=perf_counter() - start, request_id=request_id
        )

    async def post(self, path: str, body: dict[str, Any]) -> tuple[object, str | None]:
        """Send a JSON body to `path`, which may be a whole URL; returns reply and request id.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        async with self._service.failing_as_ours():
            return await self._posted(path, body)

    async def order(self, path: str, body: dict[str, Any]) -> None:
        """Send a JSON body to `path`, whose answer is its status alone. Raises as `post` does."""
        async with self._service.failing_as_ours():
            await (await self._service.client()).post(path, cast_to=httpx2.Response, body=body)

    async def get(self, path: str) -> object:
        """Read what `path` has. Raises as `post` does."""
        async with self._service.failing_as_ours():
            response = await (await self._service.client()).get(path, cast_to=httpx2.Response)
            return self._read(response.headers, response.content)[0]

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        await self._service.aclose()

    async def _posted(self, path: str, body: dict[str, Any]) -> tuple[object, str | None]:
        # The way that the SDK has for other endpoints: `create` walks through the types of every
        # part of the body, which is a fifth of the CPU of a call.
        client = await self._service.client()
        response = await client.post(path, cast_to=httpx2.Response, body=body)
        return self._read(response.headers, response.content)

    def _read(self, headers: Mapping[str, str], content: bytes) -> tuple[object, str | None]:
        request_id = headers.get("x-request-id")
        try:
            # Parsed by hand: the SDK's models cost more than the call, and are not needed.
            body: Any = json.loads(content)
        except NOT_THE_WIRE as error:
            kind = headers.get("content-type", "no content type")
            raise self._service.malformed(
                f"the reply ({kind}) is not JSON: {error}", request_id
            ) from None
        if isinstance(body, dict) and body.get("error") and not body.get("choices"):
            raise reported_error(body["error"], self.name, self._service.secrets(), request_id)
        return body, request_id

    async def _streamed(
        self, payload: dict[str, Any], on_text: OnText
    ) -> tuple[object, str | None]:
        streaming: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        create = (await self._service.client()).chat.completions.with_streaming_response.create
        reply, answer = Collected(), AnswerStream(on_text)
        request_id: str | None = None

        def take(chunk: bytes) -> None:
            try:
                text = reply.add(chunk)
            except ReportedError as error:
                raise reported_error(
                    error.body, self.name, self._service.secrets(), request_id
                ) from None
            except NOT_THE_WIRE as error:
                raise self._service.malformed(
                    f"the stream holds no chunk: {error}", request_id
                ) from None
            answer.feed(text)

        async with create(**payload, **streaming) as response:
            request_id = response.headers.get("x-request-id")
            async with aclosing(response.http_response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    take(chunk)
        if reply.finish_reason is None:
            raise self._service.malformed("the stream ended before the answer did", request_id)
        answer.feed(reply.end())
        answer.end()
        return reply.body(), request_id
