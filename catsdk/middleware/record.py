"""A list of every call, retries and failures too, for the result that it was made for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

from catsdk.core.errors import CatError
from catsdk.core.ports import OnText
from catsdk.core.types import Call, Completion, Failure, Request, Usage
from catsdk.middleware.wrapper import Wrapper

__all__ = ["Record", "recorded"]

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


class Record(Wrapper):
    """A provider whose every call is listed by the `recorded` blocks around it."""

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Pass the request on and note how it ended, also when it is cancelled."""
        start = perf_counter()
        usage = Usage(requests=1, unreported=1, cost=None)
        failure: Failure | None = Failure(kind="Cancelled", message="the call was cancelled")
        request_id: str | None = None
        try:
            completions = await self.wrapped.complete(request, on_text)
            usage = Usage.total(completion.usage for completion in completions)
            failure, request_id = None, next((c.request_id for c in completions), None)
            return completions
        except CatError as error:
            failure = Failure.of(error)
            request_id = failure.request_id
            raise
        finally:
            self._note(usage, perf_counter() - start, failure, request_id)

    def _note(
        self, usage: Usage, latency: float, failure: Failure | None, request_id: str | None
    ) -> None:
        lists = _open.get()
        if not lists:
            return
        call = Call(
            stage=lists[-1][0],
            model=self.name,
            usage=usage,
            latency=latency,
            failure=failure,
            request_id=request_id,
        )
        for _, calls in lists:
            calls.append(call)
