"""LiteLLMProvider: the many services that litellm reaches, by litellm's own model names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import anyio
from anyio import to_thread
from pydantic import SecretStr

from catsdk.core.errors import (
    InvalidInputError,
    UnsupportedError,
)
from catsdk.core.model_strings import check_installed
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.thinking import AnswerStream
from catsdk.core.types import Completion, Request
from catsdk_providers.http.asyncio_thread import AsyncioThread
from catsdk_providers.http.quirks import Quirks, refuse_n
from catsdk_providers.http.refusals import late
from catsdk_providers.http.secrets import hidden
from catsdk_providers.http.text import json_bytes
from catsdk_providers.litellm.calls import Call, declared_for, litellm_module
from catsdk_providers.litellm.clients import Clients
from catsdk_providers.litellm.errors import secrets_of_vendors
from catsdk_providers.openai.wire import payload_of

__all__ = ["LiteLLMProvider"]

# litellm keeps clients for each event loop, so all calls run in one permanent loop.
_loop = AsyncioThread("catsdk-litellm")
_clients = Clients()


class LiteLLMProvider:
    """A model that litellm reaches: `anthropic/...`, `gemini/...`, `bedrock/...` and others.

    Keys and endpoints come from where litellm looks for them (the vendor's own variables), or from
    `api_key` and `base_url`. litellm is imported when it is first needed, which takes seconds, in a
    thread; its calls run in one asyncio loop of their own, shared by all providers of the process,
    so that any loop may call, trio's too. It does not retry, fall back or drop settings that a
    vendor lacks: those are refused by name.

    `Request.top_k` and `Request.extra` are litellm's own keyword arguments, which it passes on to
    the vendor. `Usage.cost` is litellm's estimate, `None` for a model whose price it does not know.
    Replies are read whole by litellm, which sets no limit to their size.

    Args:
        model: The model, by litellm's name.
        base_url: The endpoint.
        api_key: The key.
        timeout: Seconds that a call may take; `None` leaves the limit to the caller.
        capabilities: What the model can do; by default what litellm's tables say.

    Raises:
        InvalidInputError: no model is named.
        MissingExtraError: litellm is not installed.

    Example:
        >>> from catsdk.providers import LiteLLMProvider
        >>> LiteLLMProvider("gemini/gemini-2.5-flash").model
        'gemini/gemini-2.5-flash'
    """

    def __init__(
        self,
        model: str | None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        """Choose the model; nothing is imported or sent."""
        if not model:
            raise InvalidInputError(
                "litellm needs the name of a model, such as 'litellm:gemini/gemini-2.5-flash'"
            )
        check_installed("litellm", f"litellm:{model}")
        self.model = model
        self.name = f"litellm:{model}"
        self.base_url = base_url
        self._key = SecretStr((api_key or "").strip())
        self._timeout = timeout
        self._declared = capabilities
        self._quirks = Quirks(f"litellm {base_url or ''}", model)

    def __repr__(self) -> str:
        """The name; never a key."""
        return f"LiteLLMProvider({self.model!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What litellm's tables say of the model, less what was refused; imports litellm."""
        if self._declared is None:
            self._declared = declared_for(self.model, self.base_url)
        return self._quirks.within(self._declared)

    def hidden(self, text: str) -> str:
        """Return a text without the key, and without those that litellm finds in the environment.

        Args:
            text: The text.
        """
        return hidden(text, self._secrets())

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request`; with `on_text` and n = 1 the reply is streamed.

        Raises:
            InvalidInputError: a text of the request cannot be sent.
            ProviderError: the service failed; the subclass, status and request id say how.
            UnsupportedError: the model is known to lack what the request needs.
        """
        await to_thread.run_sync(litellm_module)
        refuse_n(request, self.capabilities, self.name)
        tell = on_text if self.capabilities.streaming else None
        call = Call(self._arguments(request), self.name, self._secrets())
        try:
            with anyio.fail_after(self._timeout):
                completions = await _answers(call, tell if request.n == 1 else None)
        except UnsupportedError as error:
            self._quirks.refused(error)
            raise
        except TimeoutError:
            raise late(self.name, self._timeout) from None
        if tell is not None and request.n > 1:
            tell(completions[0].text)
        if len(completions) < request.n:
            self._quirks.lacks("n")
        return completions[: request.n]

    def _arguments(self, request: Request) -> dict[str, Any]:
        payload = payload_of(request, self.model, max_tokens_field="max_tokens")
        # Before litellm is: it would raise whatever it meets.
        json_bytes(payload)
        return {
            **payload.pop("extra_body", {}),
            **payload,
            # One retry layer only, and nothing that the user asked for is dropped in silence.
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": False,
            **({"api_base": self.base_url} if self.base_url else {}),
            **({"api_key": key} if (key := self._key.get_secret_value()) else {}),
        }

    def _secrets(self) -> list[str]:
        return [self._key.get_secret_value(), *secrets_of_vendors()]

    async def __aenter__(self) -> Self:
        """Import litellm in a thread, and keep its connections open inside."""
        await to_thread.run_sync(litellm_module)
        await _loop.run(lambda _: _clients.hold())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the connections; the last user's end closes them."""
        with anyio.CancelScope(shield=True):
            await _loop.run(lambda _: _clients.release())


async def _answers(call: Call, tell: OnText | None) -> list[Completion]:
    async def work(tell_here: OnText) -> list[Completion]:
        async with _clients.in_use():
            return await (call.whole() if tell is None else call.streamed(tell_here))

    if tell is None:
        return await _loop.run(work)
    answer = AnswerStream(tell)
    completions = await _loop.run(work, answer.feed)
    answer.end()
    return completions
