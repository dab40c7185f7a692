"""Maps litellm's errors to catsdk's own, with the vendor's facts and without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from catsdk.core.errors import (
    ConnectionFailedError,
    ContentFilteredError,
    ContextTooLongError,
    MalformedResponseError,
    ProviderError,
    UnsupportedError,
)
from catsdk_providers.http.dialects import FIELDS
from catsdk_providers.http.refusals import Place, refusal, retry_after_of
from catsdk_providers.http.secrets import scrubbed

__all__ = ["error_of", "secrets_of_vendors"]

# By the name of the class, so that litellm need not be imported.
_BY_CLASS: dict[str, type[ProviderError]] = {
    "ContextWindowExceededError": ContextTooLongError,
    "ContentPolicyViolationError": ContentFilteredError,
    "APIConnectionError": ConnectionFailedError,
    "APIResponseValidationError": MalformedResponseError,
}
# litellm reports what it cannot read, and what it could not reach, as the server's failure.
_UNREADABLE = re.compile(
    r"Unterminated string|Expecting value|Expecting property|Invalid response object"
    r"|Empty or invalid response|Extra data"
)
_UNREACHED = re.compile(r"Connection error|Cannot connect|Server disconnected|peer closed")
_REFUSED_HERE = re.compile(r"does not support parameters: (.*?), for model")
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_KEY_ID")


def secrets_of_vendors() -> list[str]:
    """The keys that litellm may have taken from the environment by itself."""
    return [value for name, value in os.environ.items() if name.upper().endswith(_SECRET_NAMES)]


def error_of(
    error: Exception, model: str, secrets: Sequence[str], request_id: str | None = None
) -> ProviderError:
    """Make the error that `error` stands for; `secrets` are cut out of its message.

    `request_id` is known before the failure, where a stream broke.
    """
    said = str(getattr(error, "message", "") or error)
    message = scrubbed(f"{model}: {said}", secrets)
    body = _body(error)
    replied, headers = _reply(error)
    status = _status(error, body, replied)
    facts: dict[str, Any] = {
        "model": model,
        "status": status,
        "request_id": _request_id(headers) or request_id,
    }
    refused_here = _REFUSED_HERE.search(said)
    if refused_here is not None:
        return UnsupportedError(message, capability=_capability(refused_here[1]), **facts)
    kind = _kind(error, said, status, replied=replied is not None)
    if kind is not None or status is None:
        return (kind or ProviderError)(message, **facts)
    place = Place(model, secrets, facts["request_id"])
    return refusal(body or said, status, place, retry_after=retry_after_of(headers))


def _status(error: Exception, body: Mapping[str, Any], replied: int | None) -> int | None:
    """The vendor's status: that of its reply, or the one which an error in a stream reports.

    litellm has a status for everything; where nothing was reached or read it made it up.
    """
    if isinstance(body.get("code"), int) and 400 <= body["code"] < 600:
        return int(body["code"])
    if replied is not None:
        return replied
    said, status = str(error), getattr(error, "status_code", None)
    made_up = _UNREADABLE.search(said) or _UNREACHED.search(said)
    return status if isinstance(status, int) and not made_up else None


def _kind(
    error: Exception, said: str, status: int | None, *, replied: bool
) -> type[ProviderError] | None:
    """The error that the class or message implies; `None` if the status decides."""
    for ancestor in type(error).__mro__:
        # litellm reports some refusals that it does not know as a failed connection.
        if ancestor.__name__ in _BY_CLASS and not (replied and "Connection" in ancestor.__name__):
            return _BY_CLASS[ancestor.__name__]
    if not replied and _UNREADABLE.search(said):
        return MalformedResponseError
    if not replied and _UNREACHED.search(said):
        return ConnectionFailedError
    return None


def _capability(named: str) -> str:
    names = re.findall(r"\w+", named)
    return next((FIELDS[name] for name in names if name in FIELDS), names[0])


def _causes(error: BaseException) -> Generator[BaseException]:
    """The error, and those it was made from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _body(error: Exception) -> dict[str, Any]:
    """What the vendor's reply holds under `error`, where litellm kept it."""
    for cause in _causes(error):
        body = getattr(cause, "body", None)
        if isinstance(body, dict):
            inner = body.get("error")
            return inner if isinstance(inner, dict) else body
    return {}


def _reply(error: Exception) -> tuple[int | None, Mapping[str, str]]:
    """Status and headers of the vendor's reply, if there was one: the innermost is the vendor's."""
    for cause in reversed(list(_causes(error))):
        status = getattr(cause, "status_code", None)
        for holder in (cause, getattr(cause, "response", None)):
            for name in ("litellm_response_headers", "headers"):
                found = getattr(holder, name, None)
                if found and isinstance(status, int):
                    return status, {str(key).lower(): str(value) for key, value in found.items()}
    return None, {}


def _request_id(headers: Mapping[str, str]) -> str | None:
    for name in ("x-request-id", "request-id", "x-amzn-requestid"):
        if name in headers:
            return headers[name]
    return None
