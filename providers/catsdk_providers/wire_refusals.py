"""What a refused, a broken and a late call are, the same on every wire."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    MalformedResponseError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    RequestRefusedError,
    ServerError,
    TimedOutError,
)
from catsdk_providers.wire_secrets import scrubbed

__all__ = ["broken", "kind_of", "late", "retry_after_of"]

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    408: TimedOutError,
    429: RateLimitedError,
    503: OverloadedError,
    529: OverloadedError,
}


def kind_of(status: int) -> type[ProviderError]:
    """The error that a status stands for where the body says no more."""
    other = ServerError if status >= 500 else RequestRefusedError
    return _BY_STATUS.get(status, other)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `retry-after` in seconds or as a date."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / scale
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def broken(cause: BaseException | None, model: str, secrets: Sequence[str]) -> ProviderError:
    """Make the error of a call whose connection failed, or whose reply could not be decoded."""
    message = scrubbed(f"{model}: the connection failed ({cause})", secrets)
    kind = (
        MalformedResponseError if isinstance(cause, httpx2.DecodingError) else ConnectionFailedError
    )
    return kind(message, model=model)


def late(model: str, seconds: float | None, advice: str = "") -> TimedOutError:
    """Make the error of a call that took longer than its provider allows; `advice` is added."""
    return TimedOutError(
        f"{model} gave no answer within {seconds} s; raise timeout= if the model needs longer{advice}",
        model=model,
    )
