"""Errors of pydantic-ai for an estimator, and errors of a method as those of pydantic-ai."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportUntypedBaseClass=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)

from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    ContentFilteredError,
    ContextTooLongError,
    InvalidInputError,
    ProviderError,
)

__all__ = ["as_theirs", "ours"]


def ours(error: AgentRunError) -> CatError:
    """A pydantic-ai error for an estimator; pydantic-ai has already retried."""
    if isinstance(error, ModelContextWindowExceededError):
        return ContextTooLongError(str(error))
    if isinstance(error, ContentFilterError):
        return ContentFilteredError(str(error))
    status = error.status_code if isinstance(error, ModelHTTPError) else None
    return ProviderError(str(error), status=status)


@contextmanager
def as_theirs(model: str) -> Generator[None]:
    """Raise a method's errors as pydantic-ai's, with what was paid for as `result`."""
    try:
        yield
    except CatError as error:
        theirs = _theirs(error, model)
        theirs.result = error.result
        # The wrapped model's own error names its own cause.
        raise theirs from theirs.__cause__ or error


def _theirs(error: CatError, model: str) -> Any:
    cause: BaseException | None = error
    while cause is not None:
        # The wrapped model's own error, if that model was the anchor.
        if isinstance(cause, AgentRunError | UserError):
            return cause
        if isinstance(cause, InvalidInputError | ConfigurationError):
            return UserError(str(cause))
        if isinstance(cause, BudgetExceededError):
            return UsageLimitExceeded(str(cause))
        if isinstance(cause, ContentFilteredError):
            return ContentFilterError(str(cause))
        if isinstance(cause, ProviderError) and cause.__cause__ is None:
            return _of_service(cause, model)
        cause = cause.__cause__
    return UnexpectedModelBehavior(str(error))


def _of_service(error: ProviderError, model: str) -> ModelAPIError:
    asked = error.model or model
    if error.status is not None and error.status >= 400:
        return ModelHTTPError(error.status, asked, str(error), retry_after=error.retry_after)
    return ModelAPIError(asked, str(error), retry_after=error.retry_after)
