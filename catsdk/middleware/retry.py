"""Another try after a transient failure, after the wait that the service asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from catsdk.core.errors import ProviderError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Retry"]

_full_jitter = wait_random_exponential(multiplier=0.5, max=30)


@dataclass
class Retry(Wrapper):
    """A provider whose transient failures are tried again, up to `max_retries` times.

    The wait is the service's Retry-After where it gives one, else exponential with full jitter.
    An answer that broke off after some of its text was passed on is not tried again: the reader
    would see its beginning twice.
    """

    max_retries: int

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, again where that may help."""
        told = False

        def tell(piece: str) -> None:
            nonlocal told
            told = True
            if on_text is not None:
                on_text(piece)

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: _is_transient(error) and not told),
            stop=stop_after_attempt(self.max_retries + 1),
            wait=_wait,
            sleep=anyio.sleep,
            reraise=True,
        )
        return await retrying(self.wrapped.complete, request, tell if on_text else None)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.transient


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ProviderError) else None
    return _full_jitter(state) if asked is None else asked
