"""litellm itself: imported when first needed, called in its own loop, its replies read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from time import perf_counter
from typing import Any

from catsdk.core.errors import MalformedResponseError, ProviderError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion
from catsdk_providers.http.events import ReportedError
from catsdk_providers.http.refusals import Place
from catsdk_providers.http.text import NOT_THE_WIRE
from catsdk_providers.litellm.errors import error_of
from catsdk_providers.openai.choices import completions_of
from catsdk_providers.openai.stream import Collected

__all__ = ["Call", "declared_for", "litellm_module"]


@cache
def litellm_module() -> Any:
    """The module; the first time takes seconds.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    # Otherwise the import downloads the newest prices, and waits for them.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm: Any = import_module("litellm")
    # Otherwise it prints advice to the program's output at each error.
    litellm.suppress_debug_info = True
    return litellm


def declared_for(model: str, base_url: str | None) -> Capabilities:
    """What litellm's own tables say of `model`."""
    litellm = litellm_module()
    try:
        _, vendor, _, _ = litellm.get_llm_provider(model=model, api_base=base_url)
        takes = set(litellm.get_supported_openai_params(model=model, custom_llm_provider=vendor))
    except Exception:  # noqa: BLE001 - what it does not know, the first call will tell
        return Capabilities(streaming=True)
    return Capabilities(
        n="n" in takes,
        logprobs="logprobs" in takes,
        seed="seed" in takes,
        json_schema="response_format" in takes,
        tools="tools" in takes and "tool_choice" in takes,
        streaming="stream" in takes,
        context_length=_context_of(litellm, model),
    )


def _context_of(litellm: Any, model: str) -> int | None:
    try:
        length = litellm.get_model_info(model).get("max_input_tokens")
    except Exception:  # noqa: BLE001 - it raises a bare Exception for a model it has not mapped
        return None
    return length if isinstance(length, int) else None


@dataclass(frozen=True, slots=True)
class Call:
    """One call: litellm's arguments, the provider's name, and what must not be shown."""

    arguments: Mapping[str, Any]
    name: str
    secrets: Sequence[str]

    async def whole(self) -> list[Completion]:
        """Make it, and read the whole reply.

        Raises:
            ProviderError: litellm raised, or its reply is not a chat completion.
        """
        start = perf_counter()
        reply = await self._send()
        return self._completions(reply, reply.model_dump(warnings=False), start, _cost(reply))

    async def streamed(self, tell: Callable[[str], None]) -> list[Completion]:
        """Make it, and `tell` the pieces of the one answer. Raises as `whole` does."""
        start = perf_counter()
        stream = await self._send(stream=True, stream_options={"include_usage": True})
        reply = Collected()
        try:
            async for chunk in stream:
                # Warnings: pydantic's of a field that a service filled with another type.
                tell(reply.add_chunk(chunk.model_dump(warnings=False)))
        except (ReportedError, *NOT_THE_WIRE) as error:
            raise self._malformed(f"the stream holds no chunk: {error}", stream) from None
        except Exception as error:  # noqa: BLE001 - whatever litellm raises is the call's failure
            raise error_of(error, self.name, self.secrets, _request_id(stream)) from None
        if reply.broken is not None:
            raise self._malformed(f"the stream holds no chunk: {reply.broken}", stream)
        # litellm ends a broken stream as if it were complete, although it has noticed the failure.
        if not (stream.received_finish_reason or stream.intermittent_finish_reason):
            raise self._malformed("the stream ended before the answer did", stream)
        tell(reply.end())
        body = reply.body()
        return self._completions(stream, body, start, self._streamed_cost(body))

    async def _send(self, **streaming: Any) -> Any:
        try:
            return await litellm_module().acompletion(**self.arguments, **streaming)
        except Exception as error:  # noqa: BLE001 - whatever litellm raises is the call's failure
            raise error_of(error, self.name, self.secrets) from None

    def _completions(
        self, reply: Any, body: dict[str, Any], start: float, cost: float | None
    ) -> list[Completion]:
        first, *others = completions_of(
            body if _told_usage(body) else {**body, "usage": None},
            Place(self.name, self.secrets, _request_id(reply)),
            latency=perf_counter() - start,
            n=self.arguments.get("n") or 1,
        )
        usage = first.usage.model_copy(update={"cost": cost})
        return [first.model_copy(update={"usage": usage}), *others]

    def _streamed_cost(self, body: dict[str, Any]) -> float | None:
        try:
            cost: float = litellm_module().completion_cost(body, model=self.arguments["model"])
        except Exception:  # noqa: BLE001 - it raises a bare Exception where it has no price
            return None
        return cost

    def _malformed(self, what: str, reply: Any) -> ProviderError:
        return MalformedResponseError(
            f"{self.name}: {what}", model=self.name, status=200, request_id=_request_id(reply)
        )


def _told_usage(body: dict[str, Any]) -> bool:
    """Whether the service reported usage; if it did not, litellm says zero."""
    return bool((body.get("usage") or {}).get("total_tokens"))


def _cost(reply: Any) -> float | None:
    """US dollars by litellm's table of prices; `None` if it has no price."""
    cost = getattr(reply, "_hidden_params", {}).get("response_cost")
    return float(cost) if isinstance(cost, int | float) else None


def _request_id(reply: Any) -> str | None:
    headers = getattr(reply, "_response_headers", None) or {}
    hidden = getattr(reply, "_hidden_params", {}).get("additional_headers") or {}
    for name in ("x-request-id", "request-id"):
        found = headers.get(name) or hidden.get(f"llm_provider-{name}")
        if found:
            return str(found)
    return None
