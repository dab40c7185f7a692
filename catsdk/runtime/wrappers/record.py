"""Records every call, including retries and failures, for the result that it was made for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, time
from typing import ClassVar

from catsdk.core.calls import UNREPORTED
from catsdk.core.display.counting import counted
from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    InvalidInputError,
    ProviderError,
    UnsupportedError,
)
from catsdk.core.events import CallEnded, CallStarted
from catsdk.core.ports import OnText
from catsdk.core.types import Call, Completion, Failure, Request, Usage
from catsdk.runtime.attribution import attribution
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["NOT_SENT", "Record", "was_sent"]

_log = logging.getLogger("catsdk.calls")

_CANCELLED = Failure(kind="Cancelled", message="the call was cancelled")
NOT_SENT = Failure(kind="NotSent", message="the call was not sent")


def was_sent(error: CatError) -> bool:
    """Whether the call that ended so had reached the service, as far as one can know.

    Wrong input, a wrong set-up, an exhausted budget and a capability that is known to be missing
    are found before.
    """
    if isinstance(error, ProviderError):
        return not isinstance(error, UnsupportedError) or error.status is not None
    return not isinstance(error, InvalidInputError | ConfigurationError | BudgetExceededError)


@dataclass
class Record(Wrapper):
    """A provider whose every call is listed by the `recorded` blocks around it.

    A call that the service refused (an error status) used nothing; one that broke off used nobody
    knows how much; one that was not sent is not listed. `on_event` hears of both ends of each
    call, and of those that were not sent too.
    """

    on_event: Callable[[CallStarted | CallEnded], None] | None = None
    left: ClassVar[Failure | None] = _CANCELLED
    """How a call ended whose caller was cancelled."""

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on and note how it ended, also when it is cancelled."""
        start = perf_counter()
        if self.on_event is not None:
            self.on_event(CallStarted(at=time(), stage=attribution().stage, model=self.name))
        usage, failure, request_id = UNREPORTED, self.left, None
        try:
            completions = await self.pass_on(request, on_text)
            usage = Usage.total(completion.usage for completion in completions)
            failure, request_id = None, next((c.request_id for c in completions), None)
            return completions
        except CatError as error:
            failure = Failure.of(error) if was_sent(error) else NOT_SENT
            request_id, usage = failure.request_id, self.used(error)
            raise
        finally:
            self.note(usage, perf_counter() - start, failure, request_id)

    def used(self, error: CatError) -> Usage:
        """What a call that was sent and failed so has used."""
        if isinstance(error, ProviderError) and error.usage is not None:
            return error.usage
        refused = isinstance(error, ProviderError) and (error.status or 0) >= 400
        return Usage(requests=1) if refused else UNREPORTED

    def note(
        self, usage: Usage, latency: float, failure: Failure | None, request_id: str | None
    ) -> None:
        """Tell the lists and the listener of a call; it was not sent where it is `NOT_SENT`."""
        here, sent = attribution(), failure is not NOT_SENT
        if not (here.lists or self.on_event or _log.isEnabledFor(logging.DEBUG)):
            return
        call = Call(
            stage=here.stage,
            model=self.name,
            usage=usage if sent else Usage(),
            latency=latency,
            failure=failure,
            request_id=request_id,
        )
        for calls in here.lists if sent else ():
            calls.append(call)
        _log_call(call, sent=sent)
        if self.on_event is not None:
            self.on_event(CallEnded(at=time(), call=call, sent=sent))


def _log_call(call: Call, *, sent: bool) -> None:
    """Log one line for each call, without its prompt or answer."""
    if not sent or not _log.isEnabledFor(logging.DEBUG):
        return
    how = "answered" if call.failure is None else call.failure.kind
    tokens = "tokens unknown" if call.usage.unreported else counted(call.usage.tokens, "token")
    _log.debug(
        "%s %s: %s in %.2f s, %s", call.stage or "call", call.model, how, call.latency, tokens
    )
