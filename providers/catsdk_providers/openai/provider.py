"""OpenAIProvider: any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from catsdk.core.errors import UnsupportedError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.sending import Batching
from catsdk.core.types import Completion, Request
from catsdk_providers.http.quirks import refuse_n
from catsdk_providers.openai.again import asked
from catsdk_providers.openai.chat import ChatProvider
from catsdk_providers.openai.messages import OPENAI
from catsdk_providers.openai.wire import payload_of

if TYPE_CHECKING:
    from catsdk_providers.openai.batches import OpenAIBatches

__all__ = ["OpenAIProvider"]


class OpenAIProvider(ChatProvider):
    r"""A model behind an OpenAI-compatible endpoint.

    The key comes from `api_key` or `OPENAI_API_KEY`, the endpoint from `base_url` or
    `OPENAI_BASE_URL`; an endpoint of one's own may need no key. Each event loop has its own client
    with pooled connections (aiohttp on asyncio, the SDK's own transport on trio), made when it is
    first used and closed by `async with` or `aclose`. The SDK does not retry: catsdk does.

    When the endpoint refuses `n`, or answers with fewer choices than asked for, that is learnt once
    for this endpoint and model: `capabilities.n` is False from then on. A refusal that says nothing
    of its reason, to a request with `n` or a JSON schema, is asked once more without.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.providers import OpenAIProvider
        >>> from catsdk.testing import FunctionProvider, LoopbackServer
        >>> with LoopbackServer(FunctionProvider(lambda request: r"\boxed{4}")) as server:
        ...     async with OpenAIProvider(
        ...         server.model, base_url=server.url, api_key=server.key
        ...     ) as policy:
        ...         group = await cat.Sampler(policy).sample("2+2?", n=2)
        >>> [rollout.answer for rollout in group.rollouts]
        ['4', '4']
    """

    kind = "openai"
    example = "openai:gpt-5"
    usual = OPENAI
    usual_needs_key = True
    takes = Capabilities(
        n=True, logprobs=True, seed=True, json_schema=True, tools=True, streaming=True
    )

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
        able = self.capabilities
        refuse_n(request, able, self.name)
        tell = on_text if able.streaming else None
        # What a tool is given streams in pieces of JSON that are not text yet.
        whole = request.n > 1 or request.schema_by == "tool"
        try:
            completions = await asked(self._send, request, None if whole else tell, self._quirks)
        except UnsupportedError as error:
            self._quirks.refused(error)
            raise
        if tell is not None and whole:
            tell(completions[0].text)
        if len(completions) < request.n:
            self._quirks.lacks("n")
        return completions

    def batches(self, batching: Batching) -> OpenAIBatches:
        """Give the batch API of this model.

        Args:
            batching: Its `endpoint` is the path that lines name.

        Returns:
            Files and Batches of the endpoint, for this model.
        """
        # Here: few programs need the SDK's part for files and batches.
        from catsdk_providers.openai.batches import OpenAIBatches

        return OpenAIBatches(self.name, self._connection, self._payload_of, batching.endpoint)

    async def _send(self, request: Request, tell: OnText | None) -> list[Completion]:
        return await self._endpoint.chat(self._payload_of(request), tell, n=request.n)

    def _payload_of(self, request: Request) -> dict[str, Any]:
        field = "max_completion_tokens" if self.base_url == OPENAI else "max_tokens"
        return payload_of(request, self.model, max_tokens_field=field, endpoint=self.base_url)
