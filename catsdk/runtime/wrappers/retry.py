"""Retries a call after a transient failure, with a wait that suits its cause."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import uniform
from time import monotonic

import anyio
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_any,
    stop_before_delay,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from catsdk.core.errors import (
    ConnectionFailedError,
    MalformedResponseError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Retrying"]

_log = logging.getLogger("catsdk.calls")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an error class is retried: `share` times `max_retries`, with waits up to `longest`."""

    share: float
    first: float
    longest: float

    def wait(self, state: RetryCallState) -> float:
        """Exponential with full jitter, in seconds."""
        return wait_random_exponential(multiplier=self.first, max=self.longest)(state)


# A refusal costs nothing and says that waiting helps, so it is tried most often; a call that took
# all its time, or an answer that makes no sense, is paid for and likely to come again.
_KINDS: dict[type[ProviderError], _Kind] = {
    RateLimitedError: _Kind(3.0, 1.0, 60.0),
    OverloadedError: _Kind(3.0, 1.0, 60.0),
    ServerError: _Kind(1.0, 0.5, 30.0),
    ConnectionFailedError: _Kind(1.0, 0.25, 15.0),
    TimedOutError: _Kind(0.5, 0.25, 5.0),
    MalformedResponseError: _Kind(0.5, 0.25, 5.0),
}
_OTHER = _Kind(1.0, 0.5, 30.0)
# Jitter, so that calls with the same Retry-After do not all return at once.
_SPREAD = 0.1


@dataclass
class Retrying(Wrapper):
    """A provider whose transient failures are tried again.

    A failure of a class is tried again `max_retries` times; refusals (429, 503) three times as
    often, timeouts and unreadable answers half as often. The wait is the service's Retry-After
    and a little more, else exponential with full jitter. There is no further try when the
    service asks for more than `max_retry_after` seconds, or when the wait would pass `within`
    seconds for all tries. An answer that broke off after some of its text was passed on is not
    tried again: the reader would see its beginning twice.
    """

    max_retries: int
    within: float = float("inf")
    max_retry_after: float = 120.0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on, again where that may help."""
        start = monotonic()
        told = _Told(on_text) if on_text is not None else None
        try:
            # A separate path, so that calls without retries avoid the overhead.
            return await self.pass_on(request, told)
        except ProviderError as error:
            if not self._worth_another(error, told):
                raise
            first = error
        return await self._again(request, told, first, monotonic() - start)

    async def _again(
        self, request: Request, told: _Told | None, first: ProviderError, spent: float
    ) -> Sequence[Completion]:
        failed: list[ProviderError] = [first]

        async def attempt() -> Sequence[Completion]:
            if failed:
                raise failed.pop()
            return await self.pass_on(request, told)

        used_up = _UsedUp(self.max_retries)
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: self._worth_another(error, told)),
            stop=stop_any(used_up, stop_before_delay(self.within - spent)),
            wait=_wait,
            sleep=anyio.sleep,
            reraise=True,
            before_sleep=self._log_retry,
        )
        try:
            return await retrying(attempt)
        except ProviderError as error:
            if error.transient:
                _log.warning(
                    "%s: %s; gave up after %d attempts", *self._facts(error), used_up.failures
                )
            raise

    def _facts(self, error: ProviderError) -> tuple[str, str]:
        """The model and the kind of an error, without its message, which may quote a prompt."""
        return self.name, f"{type(error).__name__}{f' ({error.status})' if error.status else ''}"

    def _log_retry(self, state: RetryCallState) -> None:
        error, action = _error(state), state.next_action
        _log.info(
            "%s: %s, attempt %d follows in %.1f s",
            *self._facts(error),
            state.attempt_number + 1,
            action.sleep if action else 0.0,
        )

    def _worth_another(self, error: BaseException, told: _Told | None) -> bool:
        if not isinstance(error, ProviderError) or not error.transient or (told and told.some):
            return False
        return (error.retry_after or 0.0) <= self.max_retry_after


class _UsedUp(stop_base):
    """Stops when a class of error has used up its retries."""

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries
        self._failures = Counter[type[ProviderError]]()

    @property
    def failures(self) -> int:
        """How many attempts have failed."""
        return self._failures.total()

    def __call__(self, retry_state: RetryCallState) -> bool:
        kind = _kind_of(_error(retry_state))
        self._failures[kind] += 1
        return self._failures[kind] > _tries(kind, self._max_retries)


class _Told:
    """Passes text on, and remembers whether there was any."""

    def __init__(self, on_text: OnText) -> None:
        self.some = False
        self._on_text = on_text

    def __call__(self, piece: str) -> None:
        self.some = True
        self._on_text(piece)


def _kind_of(error: ProviderError) -> type[ProviderError]:
    return next((kind for kind in type(error).__mro__ if kind in _KINDS), type(error))


def _tries(kind: type[ProviderError], max_retries: int) -> int:
    tries = _KINDS.get(kind, _OTHER).share * max_retries
    return max(1, int(tries)) if max_retries else 0


def _error(state: RetryCallState) -> ProviderError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ProviderError)
    return error


def _wait(state: RetryCallState) -> float:
    error = _error(state)
    wait = _KINDS.get(_kind_of(error), _OTHER).wait(state)
    # A date in the past means "at once", but a service that meant that would not refuse.
    if not error.retry_after:
        return wait
    return error.retry_after * (1.0 + uniform(0.0, _SPREAD))
