"""One OpenAI-compatible endpoint: payloads go out, completions or typed failures come back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from time import perf_counter
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import openai
from pydantic import SecretStr

from catsdk.core.errors import InvalidInputError, MalformedResponseError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion
from catsdk_providers.learnt import Learnt
from catsdk_providers.openai_choices import completions_of
from catsdk_providers.openai_client import Clients, open_clients
from catsdk_providers.openai_errors import refused_by
from catsdk_providers.openai_reply import Reply
from catsdk_providers.openai_stream import Collected, ReportedError
from catsdk_providers.wire_counts import with_all_choices
from catsdk_providers.wire_decode import Decoder
from catsdk_providers.wire_refusals import Place, reported
from catsdk_providers.wire_secrets import hidden, shown
from catsdk_providers.wire_service import Service
from catsdk_providers.wire_text import NOT_THE_WIRE, json_bytes, parsed
from catsdk_providers.wire_told import Told
from catsdk_providers.wire_words import says_something

__all__ = ["Endpoint", "shown"]

_CHAT = "/chat/completions"
_AT_ONCE = 2**14
_COUNTS_ONE = "usage of one choice"
# The SDK gives the response before its body is read.
_UNREAD: dict[str, Any] = {"headers": {"X-Stainless-Raw-Response": "stream"}}
_STREAMING: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def _body_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = payload.get("extra_body", {})
    return {name: value for name, value in payload.items() if name != "extra_body"} | extra


class Endpoint:
    """Where the calls of one provider go, with its key, its headers and its time limit.

    Each event loop has its own clients with pooled connections, made when they are first used: on
    asyncio chat completions go out on an aiohttp session, everything else (and on trio all) through
    the SDK. The SDK does not retry: catsdk does.
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
            InvalidInputError: the endpoint is no http(s) URL, or a password or a query stands in
                it.
            ConfigurationError: the key or a header cannot be one.
        """
        if "@" in base_url.partition("?")[0] and shown(base_url) != base_url:
            raise InvalidInputError(
                f"base_url {shown(base_url)!r} has a user or password before its host, where this"
                " wire sends a key: give headers={'Authorization': 'Basic ...'} instead"
            )
        self._service: Service[Clients] = Service(
            name,
            base_url=base_url,
            key=key,
            key_from=key_from,
            headers=headers,
            timeout=timeout,
            open_client=open_clients,
            sdk_errors=openai.OpenAIError,
        )
        self._refused = refused_by(self._service)

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
        self, payload: dict[str, Any], on_text: OnText | None = None, *, n: int = 1
    ) -> list[Completion]:
        """Send the arguments of a chat completion; with `on_text` its one answer is streamed.

        Gives at most `n` completions; one of several that failed has its `failure`. Where the
        service counts the tokens of one of them only, the usage is completed and marked.

        Raises:
            InvalidInputError: a text of the payload cannot be encoded; nothing was sent.
            ProviderError: the endpoint failed; its subclass, status and request id say how.
        """
        streaming = {} if on_text is None else _STREAMING
        content = json_bytes(_body_of(payload) | streaming)
        start = perf_counter()
        async with self._service.failing_as_ours():
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
        async with self._service.failing_as_ours():
            sdk = (await self._service.client()).sdk
            response = await sdk.post(path, cast_to=httpx2.Response, body=body)
            return self._read(response.headers, response.content), _id(response.headers)

    async def order(self, path: str, body: dict[str, Any]) -> None:
        """Send a JSON body to `path`, whose answer is its status alone. Raises as `post` does."""
        async with self._service.failing_as_ours():
            sdk = (await self._service.client()).sdk
            await sdk.post(path, cast_to=httpx2.Response, body=body)

    async def get(self, path: str) -> object:
        """Read what `path` has. Raises as `post` does."""
        async with self._service.failing_as_ours():
            sdk = (await self._service.client()).sdk
            response = await sdk.get(path, cast_to=httpx2.Response)
            return self._read(response.headers, response.content)

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        await self._service.aclose()

    async def _sent(self, content: bytes) -> Reply:
        clients = await self._service.client()
        if clients.direct is not None:
            return await clients.direct.sent(_CHAT, content, self._service.place())
        response = await clients.sdk.post(
            _CHAT, cast_to=httpx2.Response, body=json.loads(content), options=_UNREAD
        )
        pieces = response.aiter_bytes()

        async def close() -> None:
            with anyio.CancelScope(shield=True):
                await pieces.aclose()  # type: ignore[attr-defined]
                await response.aclose()

        return Reply(
            status=response.status_code,
            headers=response.headers,
            receive=lambda: anext(pieces, b""),
            close=close,
            # The client decodes what it reads.
            decoder=Decoder(None, response.status_code, self._service.place()),
        )

    async def _completions(
        self, reply: Reply, on_text: OnText | None, n: int, start: float
    ) -> list[Completion]:
        if not 200 <= reply.status < 300:
            raise self._refused(reply.status, reply.headers, await reply.beginning())
        told = None if on_text is None else Told(on_text, self._service.secrets())
        if told is None:
            body = self._read(reply.headers, await reply.content())
        else:
            body = await self._streamed(reply, told)
        place = self._service.place(reply.request_id)
        completions = completions_of(body, place, latency=perf_counter() - start, n=n)
        if told is not None:
            told.end(completions[0].text)
        return completions

    def _counted(
        self, completions: list[Completion], payload: Mapping[str, Any]
    ) -> list[Completion]:
        if len(completions) == 1:
            return completions
        first, *others = completions
        learnt = Learnt(self.base_url, payload["model"])
        usage = with_all_choices(
            first.usage,
            completions,
            max_tokens=payload.get("max_tokens") or payload.get("max_completion_tokens"),
            counts_one=learnt.is_known_to(_COUNTS_ONE),
        )
        if usage.estimated:
            learnt.does(_COUNTS_ONE)
            first = first.model_copy(update={"usage": usage})
        return [first, *others]

    def _read(self, headers: Mapping[str, str], content: bytes) -> object:
        place = self._service.place(_id(headers))
        if content[:5] == b"data:":
            # An endpoint that streams whatever it is asked for.
            return self._streamed_all_the_same(content, place)
        try:
            body: Any = parsed(content)
        except NOT_THE_WIRE as error:
            kind = headers.get("content-type", "no content type")[:100]
            said = f"the reply ({kind}) is not JSON: {str(error)[:200]}"
            raise place.error(MalformedResponseError, said, 200) from None
        if isinstance(body, dict) and not body.get("choices"):
            if says_something(body.get("error")):
                raise reported(body["error"], place)
            if body.get("object") == "error" or ("code" in body and "message" in body):
                raise reported(body, place)
        return body

    def _streamed_all_the_same(self, content: bytes, place: Place) -> object:
        collected = Collected()
        try:
            collected.add(content)
            collected.end()
        except ReportedError as error:
            raise reported(error.body, place) from None
        except NOT_THE_WIRE as error:
            raise self._service.malformed(
                f"the stream holds no chunk: {str(error)[:200]}", place.request_id
            ) from None
        if not collected.complete:
            raise self._service.malformed(
                "the stream ended before the answer did", place.request_id
            )
        return collected.body()

    async def _streamed(self, reply: Reply, told: Told) -> object:
        collected = Collected()
        try:
            async with aclosing(reply.pieces()) as pieces:
                async for piece in pieces:
                    for at in range(0, len(piece), _AT_ONCE):
                        told.feed(collected.add(piece[at : at + _AT_ONCE]))
                        # A fast server must not keep other calls waiting.
                        await anyio.lowlevel.checkpoint()
            told.feed(collected.end())
        except ReportedError as error:
            raise reported(error.body, self._service.place(reply.request_id)) from None
        except NOT_THE_WIRE as error:
            said = f"the stream holds no chunk: {str(error)[:200]}"
            raise self._service.malformed(said, reply.request_id) from None
        if collected.whole is not None:
            return self._read(reply.headers, collected.whole)
        if not collected.complete:
            other = f" (it said {collected.other!r})" if collected.other else ""
            said = f"the stream ended before the answer did{other}"
            raise self._service.malformed(said, reply.request_id)
        return collected.body()


def _id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-request-id")
