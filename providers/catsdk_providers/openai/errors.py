"""Maps the error replies of an OpenAI-compatible endpoint to catsdk's errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from catsdk.core.errors import ModelNotFoundError, ProviderError
from catsdk_providers.http.refusals import Place, refusal, retry_after_of
from catsdk_providers.http.secrets import shown
from catsdk_providers.http.service import Service
from catsdk_providers.http.words import said_in

__all__ = ["refused", "refused_by"]

Refused = Callable[[int, Mapping[str, str], bytes], ProviderError]


def refused_by(service: Service[Any]) -> Refused:
    """Make the function that gives the errors of `service`'s replies."""

    def make(status: int, headers: Mapping[str, str], content: bytes) -> ProviderError:
        place = service.place(headers.get("x-request-id"))
        return refused(status, headers, content, place, service.base_url)

    return make


def refused(
    status: int, headers: Mapping[str, str], content: bytes, place: Place, base_url: str
) -> ProviderError:
    """Make the error of a reply with an error status, from the words of its body."""
    text = content.decode(errors="replace")
    if text.lstrip()[:1] == "<":
        # An HTML page, from a proxy or from a server that is not an API.
        text = ""
    where = f"HTTP {status}"
    instead = "the service gave no reason"
    if status in {404, 405} and "model" not in said_in(text).message.lower():
        where = f"{where} at {shown(base_url)}; {_hint(base_url)}"
        instead = "nothing is served there"
    error = refusal(
        text, status, place, retry_after=retry_after_of(headers), instead=instead, where=where
    )
    return error if status != 405 else _as_not_found(error)


def _as_not_found(error: ProviderError) -> ProviderError:
    return ModelNotFoundError(
        str(error), model=error.model, status=error.status, request_id=error.request_id
    )


def _hint(base_url: str) -> str:
    if base_url.rstrip("/").endswith("/chat/completions"):
        return "leave /chat/completions out of base_url"
    if "/v1" not in base_url:
        return f"base_url usually ends in /v1: try {shown(base_url)}/v1"
    return "look at base_url and at the model's name"
