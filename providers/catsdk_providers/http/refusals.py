"""Errors for refused, broken and late calls, the same on every wire."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

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
from catsdk_providers.http.dialects import (
    CODES,
    FIELDS,
    KINDS,
    NAMES,
    NO_IMAGES,
    ONE_ANSWER,
    REFUSED,
    STATUSES,
    WORDS,
    Kind,
)
from catsdk_providers.http.secrets import hidden, scrubbed
from catsdk_providers.http.text import mended
from catsdk_providers.http.words import Said, said_in

__all__ = [
    "Place",
    "broken",
    "capability_in",
    "late",
    "named_in",
    "refusal",
    "reported",
    "retry_after_of",
]

_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    408: TimedOutError,
    # Another request holds a lock; the connection was made before the service was ready.
    409: OverloadedError,
    425: OverloadedError,
    429: RateLimitedError,
    503: OverloadedError,
    529: OverloadedError,
}
_BY_KIND: dict[Kind, type[ProviderError]] = {
    # It looks like a rate limit, but waiting does not help: the account needs credit.
    "quota": RequestRefusedError,
    "context": ContextTooLongError,
    "filter": ContentFilteredError,
    "key": AuthenticationError,
    "model": ModelNotFoundError,
}
# The statuses whose meaning depends on the message. For others the status is enough.
_BAD_REQUEST = {400, 405, 413, 415, 422, 501}
_SPOKEN: dict[Kind, set[int]] = {
    "quota": {400, 402, 403, 429},
    # llama.cpp and Ollama say it with 500.
    "context": {*_BAD_REQUEST, 500},
    "filter": {400, 403, 422, 451},
    "key": {400},
    "model": {400, 422},
}
# OpenRouter has no endpoint for a request with tools: 404.
_LACKING = {*_BAD_REQUEST, 404}
_UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call went: the provider's name, its secrets, and the reply's request id, if any."""

    model: str
    secrets: Sequence[str] = ()
    request_id: str | None = None

    def error(
        self,
        kind: type[ProviderError],
        said: str,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> ProviderError:
        """Make an error of `kind` that says `said`, without secrets."""
        return kind(
            scrubbed(f"{self.model}: {said}", self.secrets),
            model=self.model,
            status=status,
            request_id=self.shown_id,
            retry_after=retry_after,
        )

    def lacking(self, capability: str, said: str, status: int | None) -> UnsupportedError:
        """Make the error of a capability that is missing."""
        message = scrubbed(f"{self.model}: {said}", self.secrets)
        return UnsupportedError(
            message,
            capability=capability,
            model=self.model,
            status=status,
            request_id=self.shown_id,
        )

    @property
    def shown_id(self) -> str | None:
        """The request id without secrets, and of a length for a log."""
        if self.request_id is None:
            return None
        return hidden(mended(self.request_id), self.secrets)[:200]


def refusal(
    body: object,
    status: int,
    place: Place,
    *,
    retry_after: float | None = None,
    instead: str = "",
    where: str | None = None,
    lacking: Callable[[Said], str | None] | None = None,
) -> ProviderError:
    """Make the error of a reply with an error `status` and `body`: parsed JSON, or a text.

    `instead` is said where the body says nothing; `where` stands behind the words, by default the
    status. `lacking` finds the capability that a refusal says is missing, on a wire that has other
    parameters than the chat wire.
    """
    said = said_in(body)
    words = f"{said.message or instead or 'no reason given'} ({where or f'HTTP {status}'})"
    capability = (lacking or capability_in)(said) if status in _LACKING else None
    if NO_IMAGES.search(said.message):
        capability = "images"
    kind = _spoken(said, status)
    if capability is not None and kind not in {"context", "filter"}:
        return place.lacking(capability, words, status)
    if kind is not None:
        return place.error(_BY_KIND[kind], words, status)
    error = place.error(_by_status(status), words, status, retry_after)
    if isinstance(error, RequestRefusedError):
        error.parameter = named_in(said) or said.param
    return error


def reported(
    body: object, place: Place, *, lacking: Callable[[Said], str | None] | None = None
) -> ProviderError:
    """Make the error that a reply of status 200 reports in its body, as `body`."""
    said = said_in(body)
    status = said.status or _status_of(said)
    instead = f"an error without words: {said.code or said.type or body!r:.80}"
    return refusal(
        body, status, place, instead=instead, where="reported in the reply", lacking=lacking
    )


def _status_of(said: Said) -> int:
    """The status that an error's code or type stands for, else 500: it may pass."""
    names = {name.lower() for name in said.names}
    if any(CODES.get(name) in {"context", "filter"} for name in names):
        return 400
    known = [STATUSES[name] for name in (said.code.lower(), said.type.lower()) if name in STATUSES]
    return known[0] if known else 400 if _spoken(said, 400) else 500


def _by_status(status: int) -> type[ProviderError]:
    other = ServerError if status >= 500 else RequestRefusedError
    return _BY_STATUS.get(status, other)


def _spoken(said: Said, status: int) -> Kind | None:
    codes = {CODES[name.lower()] for name in said.names if name.lower() in CODES}
    words = {row.kind for row in WORDS if row.pattern.search(said.message)}
    for kind in KINDS:
        if kind in codes | words and status in _SPOKEN[kind]:
            return kind
    return None


def capability_in(said: Said) -> str | None:
    """The capability that a refusal says is missing; a bad value of a parameter is none."""
    if "invalid_json_schema" in said.names or said.message.startswith("Invalid schema"):
        return None
    named = named_in(said)
    if named == "n" and ONE_ANSWER.search(said.message):
        return named
    if said.names & _UNSUPPORTED_CODES:
        return named or said.param
    return named if REFUSED.search(said.message) else None


def named_in(said: Said) -> str | None:
    """The capability whose parameter is named, by field or in words; the first one named."""
    param = (said.param or "").partition(".")[0].lower()
    if param:
        return FIELDS.get(param)
    places = [
        (found.start(), capability)
        for capability, pattern in NAMES.items()
        if (found := pattern.search(said.message))
    ]
    return min(places)[1] if places else None


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
        wait = (at - datetime.now(UTC)).total_seconds() if at.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        # A service may send any text here, even a year of 20 digits.
        return None
    return None if wait is None else max(0.0, wait)


def broken(cause: BaseException | None, place: Place) -> ProviderError:
    """Make the error of a call whose connection failed, or whose reply could not be decoded."""
    if isinstance(cause, httpx2.DecodingError):
        return place.error(MalformedResponseError, f"the reply could not be decoded ({cause})")
    return place.error(ConnectionFailedError, f"the connection failed ({cause})")


def late(model: str, seconds: float | None, advice: str = "") -> TimedOutError:
    """Make the error of a call that took longer than its provider allows; `advice` is added."""
    return TimedOutError(
        f"{model} gave no answer within {seconds} s; raise timeout= if the model needs longer"
        f"{advice}",
        model=model,
    )
