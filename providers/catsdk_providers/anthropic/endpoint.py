"""One endpoint of the messages wire: sends payloads through the SDK, and returns completions."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

import anthropic

# Imported here, because the SDK would import it in the event loop, at the first call.
import anthropic.resources.messages as _loaded  # noqa: F401
import anyio.lowlevel

from catsdk.core.ports import OnText
from catsdk.core.types import Completion
from catsdk_providers.anthropic.errors import REQUEST_ID, refused_by, reported_by
from catsdk_providers.anthropic.stream import Collected
from catsdk_providers.anthropic.wire import completion_of
from catsdk_providers.http.client import open_http
from catsdk_providers.http.decode import MAX_BODY
from catsdk_providers.http.estimates import with_estimate
from catsdk_providers.http.events import ReportedError
from catsdk_providers.http.secrets import checked_url, without_password
from catsdk_providers.http.service import Connection, Service
from catsdk_providers.http.text import NOT_THE_WIRE, json_bytes, parsed
from catsdk_providers.http.told import Told
from catsdk_providers.http.words import says_something

__all__ = ["Endpoint", "open_client"]

# What each call of the SDK's method must have; the payload goes into the body as it is.
_NAMED = ("model", "messages", "max_tokens")


class Endpoint:
    """Where the calls of one provider go. The SDK does not retry: catsdk does."""

    def __init__(self, name: str, connection: Connection) -> None:
        """`name` is the provider's, for errors.

        Raises:
            InvalidInputError: the address is not an http(s) URL.
            ConfigurationError: the key cannot be one.
        """
        address, basic = without_password(checked_url(connection.base_url))
        if basic and connection.key:
            # User and password replace the key in the header in which the SDK sends it.
            basic["X-Api-Key"] = connection.key.strip()
        self.service = Service(
            name,
            replace(
                connection,
                # The SDK adds /v1 itself.
                base_url=address.removesuffix("/v1"),
                headers={**basic, **(connection.headers or {})},
            ),
            open_client=open_client,
            sdk_errors=anthropic.AnthropicError,
        )

    async def message(self, payload: dict[str, Any], on_text: OnText | None = None) -> Completion:
        """Send the body of a call; with `on_text` its answer is streamed.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        json_bytes(payload)
        named = {name: payload[name] for name in _NAMED}
        rest = {name: value for name, value in payload.items() if name not in named}
        start = perf_counter()
        async with self.service.failing_as_ours():
            told = None if on_text is None else Told(on_text, self.service.secrets())
            if told is not None:
                body, request_id = await self._streamed(named, rest, told)
            else:
                create = (await self.service.client()).messages.with_raw_response.create
                response = await create(**named, extra_body=rest)
                content = await response.http_response.aread()
                body, request_id = self._read(response.headers, content)
            place = self.service.place(request_id)
            completion = completion_of(body, place, latency=perf_counter() - start)
            if told is not None:
                told.end(completion.text)
        if completion.usage.unreported:
            (completion,) = with_estimate([completion], payload)
        return completion

    def _read(self, headers: Mapping[str, str], content: bytes) -> tuple[object, str | None]:
        request_id = headers.get(REQUEST_ID)
        try:
            body: Any = parsed(content)
        except NOT_THE_WIRE as error:
            kind = headers.get("content-type", "no content type")[:100]
            what = f"the reply ({kind}) is not JSON: {str(error)[:200]}"
            raise self.service.malformed(what, request_id) from None
        if isinstance(body, dict) and not body.get("content"):
            if says_something(body.get("error")):
                raise reported_by(body["error"], self.service.place(request_id))
            if body.get("type") == "error":
                raise reported_by(body, self.service.place(request_id))
        return body, request_id

    async def _streamed(
        self, named: dict[str, Any], rest: dict[str, Any], told: Told
    ) -> tuple[object, str | None]:
        create = (await self.service.client()).messages.with_streaming_response.create
        reply = Collected()
        async with create(**named, stream=True, extra_body=rest) as response:
            request_id = response.headers.get(REQUEST_ID)
            async with aclosing(response.http_response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    with self._reading(request_id):
                        text = reply.add(chunk)
                    told.feed(text)
                    # Yield to other calls, which a fast server would keep waiting.
                    await anyio.lowlevel.checkpoint()
            headers = response.headers
        with self._reading(request_id):
            text = reply.end()
        told.feed(text)
        if reply.whole is not None:
            return self._read(headers, reply.whole)
        if reply.stop_reason is None:
            raise self.service.malformed("the stream ended before the answer did", request_id)
        with self._reading(request_id):
            return reply.body(), request_id

    @contextmanager
    def _reading(self, request_id: str | None) -> Generator[None]:
        try:
            yield
        except ReportedError as error:
            raise reported_by(error.body, self.service.place(request_id)) from None
        except NOT_THE_WIRE as error:
            what = f"the stream holds no event: {str(error)[:200]}"
            raise self.service.malformed(what, request_id) from None


async def open_client(
    service: Service[anthropic.AsyncAnthropic], longest: int = MAX_BODY
) -> anthropic.AsyncAnthropic:
    """Make the SDK's client on a connection of ours, for replies of at most `longest` bytes."""
    return anthropic.AsyncAnthropic(
        **service.sdk_settings(),
        http_client=await open_http(
            service.place(),
            http=service.http,
            request_id=REQUEST_ID,
            refused=refused_by(service),
            on_asyncio=anthropic.DefaultAioHttpClient,
            on_trio=anthropic.DefaultAsyncHttpxClient,
            longest=longest,
        ),
    )
