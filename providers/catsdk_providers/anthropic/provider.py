"""AnthropicProvider: Claude, or any endpoint of Anthropic's messages wire, through the real SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from catsdk.core.errors import RequestRefusedError, UnsupportedError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.sending import Batching, Http
from catsdk.core.types import Completion, Request
from catsdk_providers.anthropic.endpoint import Endpoint
from catsdk_providers.anthropic.wire import payload_of
from catsdk_providers.http.instead import sent_instead
from catsdk_providers.http.provider import HttpProvider
from catsdk_providers.http.quirks import Quirks
from catsdk_providers.http.service import Connection

if TYPE_CHECKING:
    from catsdk_providers.anthropic.batches import AnthropicBatches

__all__ = ["AnthropicProvider"]

# The last version of the API that accepts a temperature, for the models that still do.
TEMPERATURE_VERSION = "2023-06-01"


class AnthropicProvider(HttpProvider[Endpoint]):
    """A model behind the messages wire.

    The key comes from `api_key` or `ANTHROPIC_API_KEY`, the endpoint from `base_url` or
    `ANTHROPIC_BASE_URL` (with or without `/v1`); an endpoint of one's own may need no key. Each
    event loop has its own client with pooled connections, made when it is first used and closed by
    `async with` or `aclose`. The SDK does not retry: catsdk does.

    The wire gives one completion a request, and knows no seed and no log-probabilities. It must be
    told a limit: without `max_tokens` 8,192 tokens are sent, thinking included. Thinking is asked
    for in `extra`, for instance `{"thinking": {"type": "adaptive"}}`, and kept in
    `Completion.reasoning`. A refusal of the model is a completion that ends by `content_filter`.

    A JSON schema is sent as the output's format. An endpoint that refuses that is asked to use a
    tool instead from then on; the first refusal is an error that may be retried at once. One that
    refuses without a reason is asked once more with a tool, by which it is learnt too.

    Args:
        model: The model's name.
        base_url: The endpoint.
        api_key: The key.
        api_version: The version of the API; by default the SDK's own, which takes no temperature,
            top_p or top_k: they are refused before sending. `2023-06-01` sends them, to models that
            still take them.
        timeout: Seconds that a call may take; `None` leaves the limit to the caller.
        caching: Whether the part of a prompt that requests share (the system text, and what comes
            before the last message or part) is marked for the service's cache. Reading from it is
            counted in `cached_tokens`; the first request pays the service's surcharge for writing
            it.
        capabilities: What the endpoint can do, where it differs from Anthropic's own.
        headers: Further headers of each request.
        http: How to connect; by default as the environment says.

    Raises:
        InvalidInputError: no model is named, or the endpoint is not an http(s) URL.
        ConfigurationError: Anthropic's own endpoint is meant and there is no key, or the key cannot
            be one.

    Example:
        >>> from catsdk import Message
        >>> from catsdk.providers import AnthropicProvider
        >>> from catsdk.testing import FunctionProvider, LoopbackServer
        >>> from catsdk.types import Request
        >>> with LoopbackServer(FunctionProvider(lambda request: "It is 4.")) as server:
        ...     async with AnthropicProvider(
        ...         server.model, base_url=server.url, api_key=server.key
        ...     ) as model:
        ...         asked = Request(messages=(Message(role="user", content="2+2?"),))
        ...         (answer,) = await model.complete(asked)
        >>> answer.text
        'It is 4.'
    """

    kind = "anthropic"
    example = "anthropic:claude-haiku-4-5"
    usual = "https://api.anthropic.com"
    usual_needs_key = True
    takes = Capabilities(json_schema=True, streaming=True)
    wire: ClassVar[str] = "messages"
    """The dialect of what goes to the service as it is."""

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        api_version: str | None = None,
        timeout: float | None = None,
        caching: bool = True,
        capabilities: Capabilities | None = None,
        headers: Mapping[str, str] | None = None,
        http: Http | None = None,
    ) -> None:
        """Choose the model and the endpoint; nothing is sent."""
        version = {"anthropic-version": api_version} if api_version else {}
        usual = replace(self.takes, temperature=api_version == TEMPERATURE_VERSION)
        super().__init__(
            model,
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            capabilities=capabilities or usual,
            headers={**version, **(headers or {})},
            http=http,
        )
        self._caching = caching
        self._quirks = Quirks(f"{self.base_url} {api_version}", self.model)
        self._format_quirks = Quirks(f"{self.base_url} output_config", self.model)

    def _open_endpoint(self, connection: Connection) -> Endpoint:
        return Endpoint(self.name, connection)

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request` with one completion; with `on_text` the reply is streamed.

        Raises:
            InvalidInputError: a text of the request cannot be sent.
            ProviderError: the endpoint failed; its subclass, status and request id say how.
            UnsupportedError: `request` asks for what the wire or this model lacks.
        """
        self._refuse_what_the_wire_lacks(request)
        tell = on_text if self.capabilities.streaming else None
        by_tool = not self._format_quirks.within(self.takes).json_schema
        try:
            return [await self._send(request, tell, by_tool=by_tool)]
        except UnsupportedError as error:
            self._learn(error, by_tool=by_tool)
            raise
        except RequestRefusedError as refusal:
            if by_tool or not _may_be_the_form(refusal, request):
                raise
            completions = await sent_instead(lambda: self._by_tool(request, tell), request, refusal)
            self._format_quirks.lacks("json_schema")
            return completions

    def batches(self, batching: Batching) -> AnthropicBatches:
        """Give the batch API of this model.

        Args:
            batching: The settings, of which this wire needs none.

        Returns:
            The Message Batches of the endpoint, for this model.
        """
        # Imported here, since few programs need the SDK's part for batches.
        from catsdk_providers.anthropic.batches import AnthropicBatches

        return AnthropicBatches(self._endpoint.service, self._batched_payload_of)

    def _batched_payload_of(self, request: Request) -> dict[str, Any]:
        self._refuse_what_the_wire_lacks(request)
        by_tool = not self._format_quirks.within(self.takes).json_schema
        return payload_of(request, self.model, caching=self._caching, by_tool=by_tool)

    async def _by_tool(self, request: Request, tell: OnText | None) -> list[Completion]:
        return [await self._send(request, tell, by_tool=True)]

    async def _send(self, request: Request, tell: OnText | None, *, by_tool: bool) -> Completion:
        payload = payload_of(request, self.model, caching=self._caching, by_tool=by_tool)
        # Arguments of tools stream as pieces of JSON, which are not text of the answer.
        whole = by_tool and request.json_schema is not None
        completion = await self._endpoint.message(payload, None if whole else tell)
        if tell is not None and whole:
            tell(completion.text)
        return completion

    def _refuse_what_the_wire_lacks(self, request: Request) -> None:
        if request.n > 1:
            self._refuse("n", f"gives one completion a request; send {request.n} requests")
        if request.seed is not None:
            self._refuse("seed", "takes no seed; leave it out")
        if request.logprobs:
            self._refuse("logprobs", "gives no log-probabilities; leave them out")
        sets_temperature = (request.temperature, request.top_p, request.top_k) != (None,) * 3
        if sets_temperature and not self.capabilities.temperature:
            self._refuse(
                "temperature",
                "takes no temperature, top_p or top_k; leave them out, or give"
                f" api_version={TEMPERATURE_VERSION!r} for a model that still takes them",
            )

    def _refuse(self, capability: str, what: str) -> NoReturn:
        raise UnsupportedError(f"{self.name} {what}", capability=capability, model=self.name)

    def _learn(self, error: UnsupportedError, *, by_tool: bool) -> None:
        if error.capability == "json_schema" and not by_tool:
            self._format_quirks.refused(error)
            # Send the same request again in another form.
            error.transient = True
        else:
            self._quirks.refused(error)


def _may_be_the_form(refusal: RequestRefusedError, request: Request) -> bool:
    """Whether a refusal without a known reason may concern the output's format."""
    unexplained = type(refusal) is RequestRefusedError and refusal.status in {400, 422}
    return (
        unexplained
        and request.json_schema is not None
        and refusal.parameter in {None, "json_schema"}
    )
