"""Patience: stops an evaluation if a model keeps failing and has never answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from catsdk.core.errors import (
    CatError,
    ContentFilteredError,
    ContextTooLongError,
    NotRecordedError,
    ProviderError,
    UnsupportedError,
    error_of,
)
from catsdk.core.ports import OnText, Provider, name_of
from catsdk.core.types import Completion, Failure, Request
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["OF_ONE_REQUEST", "Patience"]

OF_ONE_REQUEST = (UnsupportedError, ContextTooLongError, ContentFilteredError, NotRecordedError)
"""Failures that say something about the request, so that another request may well succeed."""


@dataclass(eq=False)
class Patience:
    """Counts the equal failures of each model until it answers for the first time.

    A failure counts when it is final, with all retries behind it: a wrong key, an unknown model, a
    service that cannot be reached.

    Args:
        most: The equal failures at which `scope` is cancelled; `None` never gives up.
        scope: The work that is ended.
        cause: The error to raise after that; `None` while there is hope.
    """

    most: int | None
    scope: anyio.CancelScope | None = None
    cause: CatError | None = None
    _answered: set[str] = field(default_factory=set[str])
    _failed: Counter[tuple[str, str, int | None]] = field(
        default_factory=Counter[tuple[str, str, int | None]]
    )

    def watched(self, provider: Provider) -> Provider:
        """Put the count around `provider`."""
        return _Watched(provider, self)

    def answered(self, name: str) -> None:
        """Trust the model of that name from now on."""
        self._answered.add(name)

    def failed(self, name: str, error: CatError) -> None:
        """Count a failure, and give up at the last one."""
        final = isinstance(error, ProviderError) and not isinstance(error, OF_ONE_REQUEST)
        if not final or name in self._answered or self.most is None:
            return
        failure = Failure.of(error)
        key = (name, failure.kind, failure.status)
        self._failed[key] += 1
        if self._failed[key] >= self.most and self.cause is None:
            message = (
                f"the evaluation was stopped: {name} has not answered once, and failed"
                f" {self.most} times alike. {failure.message}"
            )
            self.cause = error_of(failure.model_copy(update={"message": message}))
            if self.scope is not None:
                self.scope.cancel()


@dataclass(eq=False)
class _Watched(Wrapper):
    patience: Patience

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        try:
            completions = await self.pass_on(request, on_text)
        except CatError as error:
            self.patience.failed(name_of(self.wrapped), error)
            raise
        self.patience.answered(name_of(self.wrapped))
        return completions
