"""A list of every call, retries and failures too, for the result that it was made for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

from catsdk.core.errors import (
    CatError,
    ConfigurationError,
    InvalidInputError,
    ProviderError,
    UnsupportedError,
)
from catsdk.core.ports import OnText
from catsdk.core.types import Call, Completion, Failure, Request, Usage
from catsdk.middleware.watch import tell_ended, tell_started, watched
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Record", "current_stage", "recorded", "was_sent"]

_UNKNOWN = Usage(requests=1, unreported=1, cost=None)
_CANCELLED = Failure(kind="Cancelled", message="the call was cancelled")
_NOT_SENT = Failure(kind="NotSent", message="the call was not sent")
_open: ContextVar[tuple[tuple[str, list[Call]], ...]] = ContextVar("catsdk_recorded", default=())


@contextmanager
def recorded(stage: str) -> Generator[list[Call]]:
    """Collect the calls that are made inside, in this task and the tasks it starts.

    An inner `recorded` hides the outer one's stage but not its list: both hold the call.
    """
    calls: list[Call] = []
    token = _open.set((*_open.get(), (stage, calls)))
    try:
        yield calls
    finally:
        _open.reset(token)


def current_stage() -> str:
    """The stage of the running task's calls; empty outside of any `recorded` block."""
    lists = _open.get()
    return lists[-1][0] if lists else ""


def was_sent(error: CatError) -> bool:
    """Whether the call that ended so had reached the service, as far as one can know.

    Wrong input, a wrong set-up and a capability that is known to be missing are found before.
    """
    if isinstance(error, ProviderError):
        return not isinstance(error, UnsupportedError) or error.status is not None
    return not isinstance(error, InvalidInputError | ConfigurationError)


class Record(Wrapper):
    """A provider whose every call is listed by the `recorded` blocks around it.

    A call that the service refused (an error status) used nothing; one that broke off used nobody
    knows how much; one that was not sent is not listed.
    """

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on and note how it ended, also when it is cancelled."""
        start = perf_counter()
        if watched():
            tell_started(current_stage(), self.name)
        usage = _UNKNOWN
        failure: Failure | None = _CANCELLED
        request_id: str | None = None
        try:
            completions = await self.pass_on(request, on_text)
            usage = Usage.total(completion.usage for completion in completions)
            failure, request_id = None, next((c.request_id for c in completions), None)
            return completions
        except CatError as error:
            failure = Failure.of(error) if was_sent(error) else _NOT_SENT
            request_id = failure.request_id
            if isinstance(error, ProviderError) and (error.status or 0) >= 400:
                usage = Usage(requests=1)
            raise
        finally:
            self._note(usage, perf_counter() - start, failure, request_id)

    def _note(
        self, usage: Usage, latency: float, failure: Failure | None, request_id: str | None
    ) -> None:
        lists, sent = _open.get(), failure is not _NOT_SENT
        if not (watched() or (lists and sent)):
            return
        call = Call(
            stage=current_stage(),
            model=self.name,
            usage=usage if sent else Usage(),
            latency=latency,
            failure=failure,
            request_id=request_id,
        )
        for _, calls in lists if sent else ():
            calls.append(call)
        tell_ended(call, sent=sent)
