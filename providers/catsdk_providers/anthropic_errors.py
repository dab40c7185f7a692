"""From what the Anthropic SDK raises, or a reply reports, to catsdk's own errors without secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import anthropic

from catsdk.core.errors import (
    ContentFilteredError,
    ContextTooLongError,
    ProviderError,
    RequestRefusedError,
    UnsupportedError,
)
from catsdk_providers.wire_refusals import broken, kind_of, retry_after_of
from catsdk_providers.wire_secrets import scrubbed

__all__ = ["REQUEST_ID", "error_of", "reported_error"]

REQUEST_ID = "request-id"

# The parameters of the wire, the words of its refusals, and the capability that each stands for.
CAPABILITIES = {
    "output": "json_schema",
    "output_format": "json_schema",
    "structured": "json_schema",
    "assistant": "prefill",
    "image": "images",
    "output_config": "json_schema",
    "tools": "json_schema",
    "tool_choice": "json_schema",
    "temperature": "temperature",
    "top_p": "temperature",
    "top_k": "temperature",
    "stream": "streaming",
    "system": "system",
}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TOO_LONG = re.compile(
    r"prompt is too long|exceeds? (?:the )?context|context (?:window|limit)", re.IGNORECASE
)
_FILTERED = re.compile(r"content filter", re.IGNORECASE)
_UNSUPPORTED = re.compile(
    r"^(?P<field>\w+)(?P<inner>\.[\w.]+)?: Extra inputs are not permitted"
    r"|[`'\"](?P<quoted>\w+)[\w.]*[`'\"] (?:is|are) (?:deprecated|not supported|not available)"
    r"|does not support (?:the )?[`'\"]?(?P<lacked>\w+)"
)


def error_of(error: Exception, model: str, secrets: Sequence[str]) -> ProviderError:
    """Make the error that `error` stands for; `secrets` are cut out of its message."""
    if isinstance(error, anthropic.APIStatusError):
        body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
        reported = body.get("error")
        said: dict[str, Any] = reported if isinstance(reported, dict) else {}
        message = f"{model}: {said.get('message') or error.message} (HTTP {error.status_code})"
        headers = error.response.headers
        facts: dict[str, Any] = {
            "model": model,
            "status": error.status_code,
            "request_id": headers.get(REQUEST_ID) or body.get("request_id"),
        }
        return _refusal(said, scrubbed(message, secrets), retry_after_of(headers), facts)
    # The SDK is given no time limit: what it calls a timeout is its aiohttp transport's name for
    # a connection that could not be made or broke.
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
    return broken(cause, model, secrets)


def reported_error(
    body: object, model: str, secrets: Sequence[str], request_id: str | None
) -> ProviderError:
    """Make the error that a reply with status 200 reports in its body, under `error`."""
    said: dict[str, Any] = body if isinstance(body, dict) else {"message": body}
    message = scrubbed(f"{model}: {said.get('message')} (reported in the reply)", secrets)
    status = _STATUS.get(str(said.get("type")), 500)
    facts = {"model": model, "status": status, "request_id": request_id}
    return _refusal(said, message, None, facts)


def _refusal(
    said: dict[str, Any], message: str, retry_after: float | None, facts: dict[str, Any]
) -> ProviderError:
    if facts["status"] in {400, 413, 422}:
        return _bad_request(str(said.get("message")), message, facts)
    return kind_of(facts["status"])(message, retry_after=retry_after, **facts)


def _bad_request(said: str, message: str, facts: dict[str, Any]) -> RequestRefusedError:
    if _TOO_LONG.search(said):
        return ContextTooLongError(message, **facts)
    if _FILTERED.search(said):
        return ContentFilteredError(message, **facts)
    capability = _refused_capability(said)
    if capability is not None:
        return UnsupportedError(message, capability=capability, **facts)
    return RequestRefusedError(message, **facts)


def _refused_capability(said: str) -> str | None:
    """The capability that the message says is missing; a bad value of a parameter is none."""
    refused = _UNSUPPORTED.search(said)
    if refused is None:
        return None
    name = refused["field"] or refused["quoted"] or refused["lacked"]
    # A field within a message, say, is no parameter of the wire.
    return CAPABILITIES.get(name, None if refused["inner"] else name)
