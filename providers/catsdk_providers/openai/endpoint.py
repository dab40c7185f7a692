"""One OpenAI-compatible endpoint: sends payloads, and returns completions or typed failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import openai

from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion
from catsdk_providers.http.counts import with_all_choices
from catsdk_providers.http.decode import Decoder
from catsdk_providers.http.estimates import with_estimate
from catsdk_providers.http.quirks import Quirks
from catsdk_providers.http.secrets import shown
from catsdk_providers.http.service import Connection, Service
from catsdk_providers.http.text import json_bytes
from catsdk_providers.http.told import Told
from catsdk_providers.openai.body import body_of, object_in, streamed_body_of
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.client import Clients, open_clients
from catsdk_providers.openai.errors import refused_by
from catsdk_providers.openai.reply import Reply
from catsdk_providers.openai.wire import sent_body

__all__ = ["Endpoint", "shown"]

_CHAT = "/chat/completions"
_AT_ONCE = 2**14
_COUNTS_ONE = "usage of one choice"
# The SDK gives the response before its body is read.
_UNREAD: Any = {"headers": {"X-Stainless-Raw-Response": "stream"}}
_STREAMING: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


class Endpoint:
    """Where the calls of one provider go, with its key, its headers and its time limit.

    Each event loop has its own clients with pooled connections, made when they are first used: on
    asyncio chat completions go out on an aiohttp session, everything else (and on trio all) through
    the SDK. The SDK does not retry: catsdk does.
    """

    def __init__(self, name: str, connection: Connection) -> None:
        """`name` is the provider's, for errors.

        Raises:
            InvalidInputError: the endpoint is not an http(s) URL, or a password or a query stands
                in it.
            ConfigurationError: the key or a header cannot be one.
        """
        base_url = connection.base_url
        if "@" in base_url.partition("?")[0] and shown(base_url) != base_url:
            raise InvalidInputError(
                f"base_url {shown(base_url)!r} has a user or password before its host, where this"
                " wire sends a key: give headers={'Authorization': 'Basic ...'} instead"
            )
        self.service: Service[Clients] = Service(
            name, connection, open_client=open_clients, sdk_errors=openai.OpenAIError
        )
        self._refused = refused_by(self.service)

    async def chat(
        self, payload: dict[str, Any], on_text: OnText | None = None, *, n: int = 1
    ) -> list[Completion]:
        """Send the arguments of a chat completion; with `on_text` its one answer is streamed.

        Gives at most `n` completions; one of several that failed has its `failure`. Where the
        service reports no usage, or counts the tokens of one of them only, it is estimated.

        Raises:
            InvalidInputError: a text of the payload cannot be encoded; nothing was sent.
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        streaming = {} if on_text is None else _STREAMING
        content = json_bytes(sent_body(payload) | streaming)
        start = perf_counter()
        async with self.service.failing_as_ours():
            reply = await self._sent(content)
            try:
                completions = await self._completions(reply, on_text, n, start)
            finally:
                await reply.close()
        return self._counted(completions, payload)

    async def post(self, path: str, body: dict[str, Any]) -> tuple[object, str | None]:
        """Send a JSON body to `path`, which may be a whole URL; returns reply and request id.

        Raises:
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        async with self.service.failing_as_ours():
            sdk = (await self.service.client()).sdk
            response = await sdk.post(path, cast_to=httpx2.Response, body=body)
            shown_id = self.service.place(_id(response.headers)).shown_id
            return self._object_in(response), shown_id

    async def order(self, path: str, body: dict[str, Any]) -> None:
        """Send a JSON body to `path`, whose answer is its status alone. Raises as `post` does."""
        async with self.service.failing_as_ours():
            sdk = (await self.service.client()).sdk
            await sdk.post(path, cast_to=httpx2.Response, body=body)

    async def get(self, path: str) -> object:
        """Read what `path` has. Raises as `post` does."""
        async with self.service.failing_as_ours():
            sdk = (await self.service.client()).sdk
            response = await sdk.get(path, cast_to=httpx2.Response)
            return self._object_in(response)

    def _object_in(self, response: httpx2.Response) -> object:
        place = self.service.place(_id(response.headers))
        return object_in(response.content, response.headers.get("content-type"), place)

    async def _sent(self, content: bytes) -> Reply:
        clients = await self.service.client()
        if clients.direct is not None:
            return await clients.direct.sent(_CHAT, content, self.service.place())
        sent = await clients.sdk.post(
            _CHAT, cast_to=httpx2.Response, body=json.loads(content), options=_UNREAD
        )
        # Version 2 of the SDK wraps it.
        response: httpx2.Response = getattr(sent, "http_response", sent)
        pieces = response.aiter_bytes()

        async def close() -> None:
            with anyio.CancelScope(shield=True):
                await pieces.aclose()
                await response.aclose()

        return Reply(
            status=response.status_code,
            headers=response.headers,
            receive=lambda: anext(pieces, b""),
            close=close,
            # The client decodes what it reads.
            decoder=Decoder(None, response.status_code, self.service.place()),
        )

    async def _completions(
        self, reply: Reply, on_text: OnText | None, n: int, start: float
    ) -> list[Completion]:
        if not 200 <= reply.status < 300:
            raise self._refused(reply.status, reply.headers, await reply.beginning())
        place = self.service.place(reply.request_id)
        if on_text is None:
            body = await body_of(reply, place)
            return completions_of(body, place, latency=perf_counter() - start, n=n)
        told = Told(on_text, place.secrets)
        body = await streamed_body_of(reply, told, place)
        completions = completions_of(body, place, latency=perf_counter() - start, n=n)
        told.end(completions[0].text)
        return completions

    def _counted(
        self, completions: list[Completion], payload: Mapping[str, Any]
    ) -> list[Completion]:
        if completions[0].usage.unreported:
            return with_estimate(completions, payload)
        if len(completions) == 1:
            return completions
        first, *others = completions
        quirks = Quirks(self.service.base_url, payload["model"])
        usage = with_all_choices(
            first.usage,
            completions,
            max_tokens=payload.get("max_tokens") or payload.get("max_completion_tokens"),
            counts_one=quirks.is_known_to(_COUNTS_ONE),
        )
        if usage.estimated:
            quirks.does(_COUNTS_ONE)
            first = first.model_copy(update={"usage": usage})
        return [first, *others]


def _id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-request-id")
