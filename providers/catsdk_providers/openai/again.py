"""Retries a request that was refused without a reason, without fields that may be unsupported."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from catsdk.core.errors import RequestRefusedError, UnsupportedError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk_providers.http.instead import sent_instead
from catsdk_providers.http.quirks import Quirks

__all__ = ["asked"]

Send = Callable[[Request, OnText | None], Awaitable[list[Completion]]]

_UNEXPLAINED = {400, 422}
# A schema that the service can read, but rejects.
_BAD_SCHEMA = re.compile(r"invalid (?:json )?schema", re.IGNORECASE)
_BOUND = re.compile(r"\b(?:min|max)(?:Items|Length)\b|[`'\"](?:minimum|maximum)[`'\"]")


async def asked(
    send: Send, request: Request, tell: OnText | None, quirks: Quirks
) -> list[Completion]:
    """Send `request`; where it is refused for no known reason, once more without `n` or the schema.

    What is left out is what the refusal names, and `n` first where it names neither. If that is
    answered, the endpoint lacks it, which is quirks. The usage counts both requests, and a budget
    that has no request left ends the call with the refusal.

    Raises:
        ProviderError: the endpoint failed; of two refusals the first one is raised.
        UnsupportedError: it takes no JSON schema, and its answer without is not JSON.
    """
    try:
        completions = await send(request, tell)
    except RequestRefusedError as refusal:
        suspect = _suspect(refusal, request, quirks)
        if suspect is None:
            raise
        return await _without(suspect, refusal, send, request, tell, quirks)
    if request.n > 1 and len(completions) > 1:
        quirks.does(_takes("n"))
    if _has_schema(request):
        quirks.does(_takes("json_schema"))
    return completions


async def _without(
    suspect: str,
    refusal: RequestRefusedError,
    send: Send,
    request: Request,
    tell: OnText | None,
    quirks: Quirks,
) -> list[Completion]:
    less = {"n": 1} if suspect == "n" else {"json_schema": None}
    first, *others = await sent_instead(
        lambda: send(request.model_copy(update=less), tell), request, refusal
    )
    quirks.lacks(suspect)
    if suspect == "json_schema" and not _is_object(first.text):
        lacking = UnsupportedError(
            str(refusal),
            capability=suspect,
            model=refusal.model,
            status=refusal.status,
            request_id=refusal.request_id,
        )
        lacking.usage = first.usage
        raise lacking from None
    return [first, *others]


def _suspect(refusal: RequestRefusedError, request: Request, quirks: Quirks) -> str | None:
    """The field of the request that the endpoint may have refused."""
    if type(refusal) is not RequestRefusedError or refusal.status not in _UNEXPLAINED:
        return None
    if refusal.parameter == "n" and request.n > 1:
        # Also of one that took a smaller n: llama.cpp takes no more than it has slots.
        return "n"
    if _BOUND.search(str(refusal)) or _BAD_SCHEMA.search(str(refusal)):
        # Whoever wrote the schema can leave the bound out, or ask for this one in another way.
        return None
    carried = ["n"] * (request.n > 1) + ["json_schema"] * _has_schema(request)
    suspects = [each for each in carried if not quirks.is_known_to(_takes(each))]
    if refusal.parameter is not None:
        return refusal.parameter if refusal.parameter in suspects else None
    return suspects[0] if suspects else None


def _has_schema(request: Request) -> bool:
    return request.json_schema is not None and request.schema_by == "native"


def _takes(capability: str) -> str:
    return f"takes {capability}"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
