"""OpenAIProvider: any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Self

from catsdk.core.errors import ConfigurationError, InvalidInputError, UnsupportedError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.sending import Http
from catsdk.core.types import Completion, Request
from catsdk_providers.http.learnt import Learnt
from catsdk_providers.openai.again import asked
from catsdk_providers.openai.chat import OPENAI
from catsdk_providers.openai.endpoint import Endpoint, shown
from catsdk_providers.openai.wire import payload_of

__all__ = ["OpenAIProvider"]


class OpenAIProvider:
    """A model behind an OpenAI-compatible endpoint.

    The key comes from `api_key` or `OPENAI_API_KEY`, the endpoint from `base_url` or
    `OPENAI_BASE_URL`; an endpoint of one's own may need no key. Each event loop has its own client
    with pooled connections (aiohttp on asyncio, the SDK's own transport on trio), made when it is
    first used and closed by `async with` or `aclose`. The SDK does not retry: catsdk does.

    When the endpoint refuses `n`, or answers with fewer choices than asked for, that is learnt
    once for this endpoint and model: `capabilities.n` is False from then on. A refusal that says
    nothing of its reason, to a request with `n` or a JSON schema, is asked once more without.
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
        http: Http | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent.

        A call may take `timeout` seconds; `None` leaves the limit to the caller. `http` is how to
        connect; by default as the environment says.

        Raises:
            InvalidInputError: no model is named, or the endpoint is no http(s) URL.
            ConfigurationError: OpenAI's own endpoint is meant and there is no key, or the key
                cannot be one.
        """
        if not model:
            raise InvalidInputError("openai needs the name of a model, such as 'openai:gpt-5'")
        self.model = model
        self.name = f"openai:{model}"
        self._endpoint = Endpoint(
            self.name,
            base_url=base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI,
            key=api_key or os.environ.get("OPENAI_API_KEY") or "",
            key_from="OPENAI_API_KEY",
            headers=headers,
            timeout=timeout,
            http=http,
        )
        if not self._endpoint.key and self.base_url == OPENAI:
            raise ConfigurationError(
                f"{self.name} needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint"
                " that needs none"
            )
        self._declared = capabilities or Capabilities(
            n=True, logprobs=True, seed=True, json_schema=True, tools=True, streaming=True
        )
        self._learnt = Learnt(self.base_url, model)

    def __repr__(self) -> str:
        """Name and endpoint; never a key, nor a password in the URL."""
        return f"OpenAIProvider({self.model!r}, base_url={shown(self.base_url)!r})"

    @property
    def base_url(self) -> str:
        """The endpoint."""
        return self._endpoint.base_url

    @property
    def capabilities(self) -> Capabilities:
        """What was declared, less what the endpoint has refused."""
        return self._learnt.within(self._declared)

    def hidden(self, text: str) -> str:
        """Give `text` without the key and the other secrets that this provider holds."""
        return self._endpoint.hidden(text)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request`; with `on_text` and n = 1 the reply is streamed.

        One of several answers that the service reports as failed is a completion with its
        `failure`. Fewer answers than asked for come from an endpoint that takes no `n`.

        Raises:
            InvalidInputError: a text of the request cannot be sent.
            ProviderError: the endpoint failed; its subclass, status and request id say how.
            UnsupportedError: `request.n` is over 1, and the endpoint is known to take no n; or it
                refuses a setting of the request.
        """
        if request.n > 1 and not self.capabilities.n:
            raise UnsupportedError(
                f"{self.name} gives one completion a request; send {request.n} requests",
                capability="n",
                model=self.name,
            )
        tell = on_text if self.capabilities.streaming else None
        # What a tool is given streams in pieces of JSON that are no text yet.
        whole = request.n > 1 or request.schema_by == "tool"
        try:
            completions = await asked(self._send, request, None if whole else tell, self._learnt)
        except UnsupportedError as error:
            self._learnt.refused(error)
            raise
        if tell is not None and whole:
            tell(completions[0].text)
        if len(completions) < request.n:
            self._learnt.lacks("n")
        return completions

    async def _send(self, request: Request, tell: OnText | None) -> list[Completion]:
        field = "max_completion_tokens" if self.base_url == OPENAI else "max_tokens"
        payload = payload_of(request, self.model, max_tokens_field=field, endpoint=self.base_url)
        return await self._endpoint.chat(payload, tell, n=request.n)

    async def aclose(self) -> None:
        """Close the running loop's client and its connections."""
        await self._endpoint.aclose()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()
