"""From what the OpenAI SDK raises, or a reply reports, to catsdk's own errors without secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import openai

from catsdk.core.errors import (
    ContentFilteredError,
    ContextTooLongError,
    ProviderError,
    RequestRefusedError,
    UnsupportedError,
)
from catsdk_providers.wire_refusals import broken, kind_of, retry_after_of
from catsdk_providers.wire_secrets import scrubbed

__all__ = ["CAPABILITIES", "error_of", "refusal_of", "reported_error"]

# The parameters of the wire, and the capability that each stands for.
CAPABILITIES = {
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "seed": "seed",
    "response_format": "json_schema",
    "tools": "tools",
    "tool_choice": "tools",
    "stream": "streaming",
    "stream_options": "streaming",
}
_UNSUPPORTED = re.compile(
    r"not supported|unsupported|does not support|doesn't support|not permitted"
    r"|(?:must be|only|at most) 1(?![.\d])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"[`'\"](\w+)[`'\"]|\b(?:parameter|argument|value of):? (\w+)")
# llama.cpp refuses n without naming it.
_ONE_CHOICE = re.compile(r"only one completion choice", re.IGNORECASE)


def error_of(error: Exception, model: str, secrets: Sequence[str]) -> ProviderError:
    """Make the error that `error` stands for; `secrets` are cut out of its message."""
    if isinstance(error, openai.APIStatusError):
        body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
        said = f"{body.get('message') or error.message} (HTTP {error.status_code})"
        headers = error.response.headers
        facts: dict[str, Any] = {
            "model": model,
            "status": error.status_code,
            "request_id": headers.get("x-request-id"),
        }
        return refusal_of(
            body, scrubbed(f"{model}: {said}", secrets), retry_after_of(headers), facts
        )
    # The SDK is given no time limit: what it calls a timeout is its aiohttp transport's name for
    # a connection that could not be made or broke.
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    return broken(cause, model, secrets)


def reported_error(
    body: object, model: str, secrets: Sequence[str], request_id: str | None
) -> ProviderError:
    """Make the error that a reply with status 200 reports in its body, under `error`."""
    error: dict[str, Any] = body if isinstance(body, dict) else {"message": body}
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    message = scrubbed(f"{model}: {error.get('message')} (reported in the reply)", secrets)
    facts = {"model": model, "status": status, "request_id": request_id}
    return refusal_of(error, message, None, facts)


def refusal_of(
    body: dict[str, Any], message: str, retry_after: float | None, facts: dict[str, Any]
) -> ProviderError:
    """Make the error of a refusal with `body` (what stands under `error`), by status and code.

    `facts` are the error's model, status and request id.
    """
    status, code = facts["status"], str(body.get("code"))
    if status in {400, 413, 422}:
        return _bad_request(body, code, message, facts)
    if "insufficient_quota" in {code, body.get("type")}:
        # It looks like a rate limit, but no wait helps: the account must be paid.
        return RequestRefusedError(message, **facts)
    return kind_of(status)(message, retry_after=retry_after, **facts)


def _bad_request(
    body: dict[str, Any], code: str, message: str, facts: dict[str, Any]
) -> RequestRefusedError:
    if code == "context_length_exceeded" or "maximum context length" in message:
        return ContextTooLongError(message, **facts)
    if code in {"content_filter", "content_policy_violation"}:
        return ContentFilteredError(message, **facts)
    capability = _refused_capability(body, code, str(body.get("message")))
    if capability is not None:
        return UnsupportedError(message, capability=capability, **facts)
    return RequestRefusedError(message, **facts)


def _refused_capability(body: dict[str, Any], code: str, said: str) -> str | None:
    """The capability that the body says is missing; a bad value of a parameter is none."""
    if _ONE_CHOICE.search(said):
        return "n"
    if code == "invalid_json_schema" or said.startswith("Invalid schema"):
        return None
    if code not in {"unsupported_parameter", "unsupported_value"} and not _UNSUPPORTED.search(said):
        return None
    named = body.get("param")
    if isinstance(named, str):
        return CAPABILITIES.get(named, named)
    names = [quoted or plain for quoted, plain in _NAMED.findall(said)]
    return next((CAPABILITIES[name] for name in names if name in CAPABILITIES), None)
