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

    What to do: catch it to continue after any failure; `result` has what was paid for.

    Attributes:
        result: What had been paid for when `CaT.run` was ended by this error, with every call.
    """

    result: Result | None = None


class InvalidInputError(CatError, ValueError):
    """An argument is wrong; the message names its value and the fix.

    What to do: do what the message says. Nothing was sent, and no retry helps.
    """


class ConfigurationError(CatError):
    """The set-up is wrong; nothing was sent.

    What to do: do what the message says; `catsdk doctor` shows what is set, and what is not.
    """


class NoModelError(ConfigurationError):
    """No model was given and none is configured.

    What to do: name the model of the role, or set `CATSDK_MODEL`, `CATSDK_ANCHOR` or
    `CATSDK_JUDGE`.
    """


class UnknownProviderError(ConfigurationError):
    """A model string names a provider that is not installed.

    What to do: correct the part before the colon, or install the package that brings that
    provider.
    """


class MissingExtraError(ConfigurationError):
    """A provider needs packages that are not installed; the message names the extra.

    What to do: run the command that the message gives.
    """


class ProviderError(CatError):
    """A model's service answered with an error, or not at all.

    `transient` errors may go away when the same request is sent again.

    What to do: `status` and `request_id` say what the service said; those that are `transient`
    have been retried.

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
    """The key is missing, wrong, or not allowed to use this model.

    What to do: set the right key (`catsdk doctor` shows which variables are set), or ask for access
    to the model.
    """


class ModelNotFoundError(ProviderError):
    """The service does not know this model.

    What to do: correct the name, or the address: `OPENAI_BASE_URL` often lacks its `/v1`.
    """


class RequestRefusedError(ProviderError):
    """The service will not take this request as it is.

    `parameter` is the capability or the field of the request that its words name, where they do.

    What to do: change what `parameter` or the message names; the same request is refused
    again.
    """

    parameter: str | None = None


class UnsupportedError(RequestRefusedError):
    """The model lacks a capability that the request needs.

    What to do: leave out the setting that asks for it, or ask a model that can.

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
    """Prompt and answer do not fit into the model's context.

    What to do: shorten the prompt, set a smaller `max_tokens`, or show the anchor fewer
    rollouts (`n`, or `Synthesizer(overflow=)`).
    """


class ContentFilteredError(RequestRefusedError):
    """The service's content filter refused the prompt or withheld the answer.

    What to do: change the prompt, or ask another model; the same request is refused again.
    """


class NotRecordedError(RequestRefusedError):
    """A replay holds no (further) answer to this request.

    What to do: record again, or let prompts and settings be those of the recording.
    """


class RateLimitedError(ProviderError):
    """Too many requests or tokens; `retry_after` says when to come back, where known.

    What to do: it has been retried. Lower `Limits(requests_per_minute=)`, or raise
    `Retry(times=)`.
    """

    transient = True


class OverloadedError(ProviderError):
    """The service says that it is overloaded.

    What to do: it has been retried. Try later, or ask another provider.
    """

    transient = True


class ServerError(ProviderError):
    """The service failed (HTTP 5xx).

    What to do: it has been retried. Try later; the vendor finds it by its `request_id`.
    """

    transient = True


class ConnectionFailedError(ProviderError):
    """The service could not be reached, or the connection broke.

    What to do: it has been retried. Look at the address, the proxy (`CATSDK_HTTP__PROXY`) and
    whether the server runs.
    """

    transient = True


class TimedOutError(ProviderError):
    """No answer within the time allowed for one call.

    What to do: it has been retried. Raise `Timeouts(attempt=)`, or ask for shorter answers.
    """

    transient = True


class MalformedResponseError(ProviderError):
    """The service's answer is not of its own protocol, is empty, or is over the size limit.

    What to do: it has been retried. Look whether the address is that of an API and not of a
    web page.
    """

    transient = True


class StructuredOutputError(CatError):
    """A model's text did not hold what was asked for (a rubric, a verdict).

    What to do: ask a model that takes a JSON schema, allow more `attempts`, or raise
    `max_tokens` where the text was cut.
    """


class EvidenceNotFoundError(StructuredOutputError):
    """A judge's quote is not in the response, or a required quote is missing.

    What to do: ask another judge, or take quotes as they come: `Judging(evidence="off")`.
    """


class SynthesisFailedError(CatError):
    """The anchor failed after the group was sampled; what was paid for is kept.

    What to do: its `__cause__` says why. `group` can be given to `run` again, without sampling
    anew.

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

    What to do: read the texts; allow more `max_tokens`, or a schema with fewer demands.
    """


class BudgetExceededError(CatError):
    """The call would pass a cap of the budget; it was not sent.

    What to do: raise the cap, or ask for less: fewer rollouts, a smaller `max_tokens`.
    """


class NoEvidenceError(CatError):
    """Every rollout of a group failed; the message gives the causes.

    Where all of them failed for one reason, the error of that reason is its `__cause__`, and
    `status` is the HTTP status that they have in common.

    What to do: fix the common cause; if there is none, look at `group.failures`.

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
    """A rollout has no reward, but the trainer accepts numbers only: do not train on its group.

    What to do: the message has the cause; leave the group out of the training.
    """


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
