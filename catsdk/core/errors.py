"""The exception tree: every error that catsdk raises on purpose.

CatError
|-- InvalidInputError          an argument is wrong (also a ValueError)
|-- ConfigurationError         nothing was sent: the set-up is wrong
|   |-- NoModelError
|   |-- UnknownProviderError
|   `-- MissingExtraError
|-- ProviderError              a model's service answered with an error, or not at all
|   |-- AuthenticationError
|   |-- ModelNotFoundError
|   |-- RequestRefusedError
|   |   |-- UnsupportedError   a capability that this model lacks, named
|   |   |-- ContextTooLongError
|   |   |-- NotRecordedError   a replay holds no answer to it
|   |   `-- ContentFilteredError
|   |-- RateLimitedError       transient
|   |-- OverloadedError        transient
|   |-- ServerError            transient
|   |-- ConnectionFailedError  transient
|   |-- TimedOutError          transient
|   `-- MalformedResponseError transient
|-- StructuredOutputError      a model's text did not hold what was asked for
|   `-- EvidenceNotFoundError  a judge's quote is not in the response
|-- SynthesisFailedError       the anchor failed; the error carries the group that was paid for
|   `-- NoValidOutputError     nothing fits the output that was asked for
|-- BudgetExceededError        a cap was reached; nothing was sent
|-- NoEvidenceError            every rollout failed: there is nothing to estimate from
`-- NoRewardError              a rollout has no reward, where only numbers are taken
"""

from __future__ import annotations

from typing import Any

from catsdk.core.types import Call, Failure, Group, Result, Usage

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "CatError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ContentFilteredError",
    "ContextTooLongError",
    "EvidenceNotFoundError",
    "InvalidInputError",
    "MalformedResponseError",
    "MissingExtraError",
    "ModelNotFoundError",
    "NoEvidenceError",
    "NoModelError",
    "NoRewardError",
    "NoValidOutputError",
    "NotRecordedError",
    "OverloadedError",
    "ProviderError",
    "RateLimitedError",
    "RequestRefusedError",
    "ServerError",
    "StructuredOutputError",
    "SynthesisFailedError",
    "TimedOutError",
    "UnknownProviderError",
    "UnsupportedError",
    "error_of",
]


class CatError(Exception):
    """Base of every error of this package.

    Attributes:
        result: What had been paid for when `CaT.run` was ended by this error, with every call.
    """

    result: Result | None = None


class InvalidInputError(CatError, ValueError):
    """An argument is wrong; the message names its value and the fix."""


class ConfigurationError(CatError):
    """The set-up is wrong; nothing was sent."""


class NoModelError(ConfigurationError):
    """No model was given and none is configured."""


class UnknownProviderError(ConfigurationError):
    """A model string names a provider that is not installed."""


class MissingExtraError(ConfigurationError):
    """A provider needs packages that are not installed; the message names the extra."""


class ProviderError(CatError):
    """A model's service answered with an error, or not at all.

    `transient` errors may go away when the same request is sent again.

    Args:
        message: What happened.
        model: The model that was asked.
        status: The HTTP status of the answer.
        request_id: The service's own name of the request.
        retry_after: How long the service asks to wait, in seconds.
        usage: What a reply that failed reports to have used; `None` if nothing was reported.
    """

    transient = False

    def __init__(
        self,
        message: str,
        *,
        model: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Keep the facts beside the message."""
        super().__init__(message)
        self.model = model
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.usage = usage


class AuthenticationError(ProviderError):
    """The key is missing, wrong, or not allowed to use this model."""


class ModelNotFoundError(ProviderError):
    """The service does not know this model."""


class RequestRefusedError(ProviderError):
    """The service will not take this request as it is.

    `parameter` is the capability or the field of the request that its words name, where they do.
    """

    parameter: str | None = None


class UnsupportedError(RequestRefusedError):
    """The model lacks a capability that the request needs.

    Args:
        message: What is lacking, and what to do instead.
        capability: The name of the capability, as in `Capabilities`.
        model: The model that was asked.
        status: The HTTP status of the answer.
        request_id: The service's own name of the request.
    """

    def __init__(
        self,
        message: str,
        *,
        capability: str,
        model: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        """Keep the name of the capability, as in `Capabilities`."""
        super().__init__(message, model=model, status=status, request_id=request_id)
        self.capability = capability


class ContextTooLongError(RequestRefusedError):
    """Prompt and answer do not fit into the model's context."""


class ContentFilteredError(RequestRefusedError):
    """The service's content filter refused the prompt or withheld the answer."""


class NotRecordedError(RequestRefusedError):
    """A replay holds no (further) answer to this request."""


class RateLimitedError(ProviderError):
    """Too many requests or tokens; `retry_after` says when to come back, where known."""

    transient = True


class OverloadedError(ProviderError):
    """The service says that it is overloaded."""

    transient = True


class ServerError(ProviderError):
    """The service failed (HTTP 5xx)."""

    transient = True


class ConnectionFailedError(ProviderError):
    """The service could not be reached, or the connection broke."""

    transient = True


class TimedOutError(ProviderError):
    """No answer within the time allowed for one call."""

    transient = True


class MalformedResponseError(ProviderError):
    """The service's answer is not of its own protocol, is empty, or is over the size limit."""

    transient = True


class StructuredOutputError(CatError):
    """A model's text did not hold what was asked for (a rubric, a verdict)."""


class EvidenceNotFoundError(StructuredOutputError):
    """A judge's quote is not in the response, or a required quote is missing."""


class SynthesisFailedError(CatError):
    """The anchor failed after the group was sampled; what was paid for is kept.

    Args:
        message: What happened.
        group: The rollouts that were sampled.
        calls: The requests that were sent to the anchor.
    """

    def __init__(self, message: str, *, group: Group, calls: tuple[Call, ...] = ()) -> None:
        """Keep the group, and the anchor's calls, beside the message."""
        super().__init__(message)
        self.group = group
        self.calls = calls

    @property
    def usage(self) -> Usage:
        """What the group and the anchor's calls used."""
        return self.group.usage + Usage.total(call.usage for call in self.calls)

    @property
    def status(self) -> int | None:
        """The HTTP status of the error that is this one's `__cause__`, where it has one."""
        status = getattr(self.__cause__, "status", None)
        return status if isinstance(status, int) else None


class NoValidOutputError(SynthesisFailedError):
    """Neither a rollout nor the estimator's text fits the output that was asked for.

    `group` holds the rollouts, whose texts are as the model wrote them. What ended the estimator,
    such as an exhausted budget, is the error's `__cause__`.
    """


class BudgetExceededError(CatError):
    """The call would pass a cap of the budget; it was not sent."""


class NoEvidenceError(CatError):
    """Every rollout of a group failed; the message gives the causes.

    Where all of them failed for one reason, the error of that reason is its `__cause__`, and
    `status` is the HTTP status that they have in common.

    Args:
        message: What happened, with the causes.
        group: The group, which holds the failures and the calls.
    """

    def __init__(self, message: str, *, group: Group | None = None) -> None:
        """Keep the group, and find the common cause."""
        super().__init__(message)
        self.group = group
        failures = [] if group is None else [*group.failures.values()]
        kinds = {failure.kind for failure in failures}
        statuses = {failure.status for failure in failures}
        self.status = statuses.pop() if len(statuses) == 1 else None
        if len(kinds) == 1:
            self.__cause__ = error_of(failures[0])

    @property
    def usage(self) -> Usage:
        """What the failed calls used."""
        return Usage() if self.group is None else self.group.usage


class NoRewardError(CatError):
    """A rollout has no reward, but the trainer accepts numbers only: do not train on its group."""


def error_of(failure: Failure) -> CatError:
    """Make the error that a failure was made of, as far as the failure tells.

    Args:
        failure: A failed rollout, verdict or call.

    Returns:
        An error of the class that `failure.kind` names, else a `CatError`.

    Example:
        >>> from catsdk.errors import error_of
        >>> from catsdk.types import Failure
        >>> error_of(Failure(kind="RateLimitedError", message="slow down", status=429)).status
        429
    """
    kind = globals().get(failure.kind)
    if not (isinstance(kind, type) and issubclass(kind, CatError)):
        return CatError(str(failure))
    if not issubclass(kind, ProviderError):
        return (
            CatError(str(failure))
            if issubclass(kind, SynthesisFailedError)
            else kind(failure.message)
        )
    facts: dict[str, Any] = {
        "model": failure.model,
        "status": failure.status,
        "request_id": failure.request_id,
    }
    if issubclass(kind, UnsupportedError):
        return kind(failure.message, capability="", **facts)
    return kind(failure.message, **facts)
