"""Problem: why a request fails, in terms of HTTP, independent of the dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from catsdk.core.errors import (
    AuthenticationError,
    BudgetExceededError,
    CatError,
    ConfigurationError,
    ContentFilteredError,
    ContextTooLongError,
    InvalidInputError,
    ModelNotFoundError,
    NoEvidenceError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    RequestRefusedError,
    SynthesisFailedError,
    TimedOutError,
    error_of,
)
from catsdk.core.types import Usage

__all__ = ["RETRY_AFTER", "Problem", "problem_of"]

RETRY_AFTER = 2.0
"""Seconds after which a client that was refused for want of room should come again."""


@dataclass(eq=False)
class Problem(Exception):
    """Raised where a request cannot be answered.

    Args:
        status: The HTTP status.
        message: What is wrong, and what to do.
        code: A word for programs.
        retry_after: Seconds after which the same request may succeed; `None` says that it will not.
        facts: What else is told, such as what was paid for.
        usage: What was used before it came up.
    """

    status: int
    message: str
    code: str = "invalid_request"
    retry_after: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    usage: Usage = field(default_factory=Usage)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response, with which the connection ends."""
        headers = {"connection": "close"}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, ceil(self.retry_after)))
        elif self.status in (409, 429) or self.status >= 500:
            # The SDKs of both vendors retry after these statuses unless a header says not to.
            headers["x-should-retry"] = "false"
        return headers

    def __str__(self) -> str:
        """What is wrong."""
        return self.message


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error.

    The words of a service are passed on where it refused the request; of its other failures only
    the kind is told, for they may name what the operator keeps to himself.

    Args:
        error: What was raised while the request was answered.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, NoEvidenceError | SynthesisFailedError):
        return _of_method(error)
    if isinstance(error, ProviderError):
        return _of_provider(error)
    if isinstance(error, InvalidInputError):
        return Problem(400, str(error))
    if isinstance(error, BudgetExceededError):
        return Problem(429, str(error), "budget_exceeded")
    if isinstance(error, ConfigurationError):
        return Problem(
            500, "this model is not set up correctly; its operator's log says how", "setup"
        )
    if isinstance(error, CatError):
        return Problem(502, f"{type(error).__name__}: {error}", "no_answer")
    return Problem(500, "a defect of the server; its log says more", "internal")


def _of_method(error: NoEvidenceError | SynthesisFailedError) -> Problem:
    cause = error.__cause__
    if cause is None and error.group is not None and error.group.failures:
        cause = error_of(next(iter(error.group.failures.values())))
    if isinstance(cause, ProviderError | BudgetExceededError | InvalidInputError):
        return problem_of(cause)
    return Problem(502, f"{type(error).__name__}: {error}", "no_answer")


def _of_provider(error: ProviderError) -> Problem:
    if isinstance(error, ContextTooLongError):
        return Problem(400, str(error), "context_length_exceeded")
    if isinstance(error, ContentFilteredError):
        return Problem(400, str(error), "content_filter")
    if isinstance(error, RequestRefusedError):
        return Problem(400, str(error))
    if isinstance(error, RateLimitedError):
        wait = error.retry_after or RETRY_AFTER
        return Problem(429, "the model's service limits its rate", "rate_limit_exceeded", wait)
    if isinstance(error, OverloadedError):
        wait = error.retry_after or RETRY_AFTER
        return Problem(503, "the model's service is overloaded", "overloaded", wait)
    if isinstance(error, TimedOutError):
        return Problem(504, "the model's service did not answer in time", "timeout", RETRY_AFTER)
    if isinstance(error, AuthenticationError):
        return Problem(502, "the model's service refuses the server's key", "upstream_key")
    if isinstance(error, ModelNotFoundError):
        return Problem(502, "the model's service does not know this model", "upstream_model")
    again = RETRY_AFTER if error.transient else None
    return Problem(502, f"the model's service failed ({type(error).__name__})", "upstream", again)
