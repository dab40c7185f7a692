"""From what the OpenAI SDK raises to catsdk's own errors, without the key."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContentFilteredError,
    ContextTooLongError,
    MalformedResponseError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    RequestRefusedError,
    ServerError,
    TimedOutError,
    UnsupportedError,
)

__all__ = ["error_of"]

# The parameters of the wire, and the capability that each stands for.
CAPABILITIES = {
    "n": "n",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "seed": "seed",
    "response_format": "json_schema",
    "stream": "streaming",
    "stream_options": "streaming",
}
_UNSUPPORTED = re.compile(
    r"(?:not supported|unsupported|does not support|doesn't support|must be 1\b|only 1\b|at most 1\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"[`'\"](\w+)[`'\"]|\b(?:parameter|argument|value of) (\w+)")
_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    408: TimedOutError,
    429: RateLimitedError,
    503: OverloadedError,
    529: OverloadedError,
}
_SHOWN = 500


def error_of(error: Exception, model: str, key: str) -> ProviderError:
    """Make the error that `error` stands for; `key` is cut out of its message."""
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, model, key)
    message = _clean(f"{model}: {error}", key)
    if isinstance(error, openai.APIResponseValidationError):
        return MalformedResponseError(message, model=model)
    # The SDK is given no time limit: what it calls a timeout is its aiohttp transport's name for
    # a connection that could not be made or broke.
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return ConnectionFailedError(_clean(message + cause, key), model=model)


def _status_error(error: openai.APIStatusError, model: str, key: str) -> ProviderError:
    body: dict[str, Any] = error.body if isinstance(error.body, dict) else {}
    said = str(body.get("message") or error.message)
    facts: dict[str, Any] = {
        "model": model,
        "status": error.status_code,
        "request_id": error.response.headers.get("x-request-id"),
    }
    message = _clean(f"{model}: {said} (HTTP {error.status_code})", key)
    if error.status_code in {400, 413, 422}:
        return _refusal(body, said, message, facts)
    if body.get("code") == "insufficient_quota":
        # It looks like a rate limit, but no wait helps: the account must be paid.
        return RequestRefusedError(message, **facts)
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = ServerError if error.status_code >= 500 else RequestRefusedError
    return kind(message, retry_after=_retry_after(error.response.headers), **facts)


def _refusal(
    body: dict[str, Any], said: str, message: str, facts: dict[str, Any]
) -> RequestRefusedError:
    code = str(body.get("code"))
    if code == "context_length_exceeded" or "maximum context length" in said:
        return ContextTooLongError(message, **facts)
    if code in {"content_filter", "content_policy_violation"}:
        return ContentFilteredError(message, **facts)
    capability = _refused_capability(body, code, said)
    if capability is not None:
        return UnsupportedError(message, capability=capability, **facts)
    return RequestRefusedError(message, **facts)


def _refused_capability(body: dict[str, Any], code: str, said: str) -> str | None:
    """The capability that the body says is missing; a bad value of a parameter is none."""
    if code not in {"unsupported_parameter", "unsupported_value"} and not _UNSUPPORTED.search(said):
        return None
    named = body.get("param")
    if isinstance(named, str):
        return CAPABILITIES.get(named, named)
    names = [quoted or plain for quoted, plain in _NAMED.findall(said)]
    return next((CAPABILITIES[name] for name in names if name in CAPABILITIES), None)


def _retry_after(headers: Any) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `retry-after` in seconds or as a date."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / scale)
        except (KeyError, ValueError):
            continue
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def _clean(message: str, key: str) -> str:
    cut = message.replace(key, "***") if key else message
    return cut if len(cut) <= _SHOWN else f"{cut[:_SHOWN]}..."
