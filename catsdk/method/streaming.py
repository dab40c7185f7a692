"""Iterators over a run's events and over the results of many runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from catsdk.core.concurrency.closing import StopsEarly
from catsdk.core.concurrency.pipeline import Flow
from catsdk.core.events import Event
from catsdk.core.types import Result

__all__ = ["EventStream", "Results"]


class EventStream(StopsEarly):
    """The events of one run, in order, the last of which is `ResultReady`.

    An error of the run is raised where it falls. Leave `async with stream` to stop the run early.
    """

    def __init__(self, receive: MemoryObjectReceiveStream[Event | Exception]) -> None:
        """Read from `receive`; `scope` is the run's, to be cancelled by `aclose`."""
        self.scope = anyio.CancelScope()
        self._receive = receive

    def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over the events that have not been read yet."""
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        try:
            event = await self._receive.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._receive.close()
            raise StopAsyncIteration from None
        if isinstance(event, Exception):
            self._receive.close()
            raise event
        return event

    async def aclose(self) -> None:
        """Stop the run, with the requests that are in flight."""
        self.scope.cancel()
        self.drop()

    def drop(self) -> None:
        """Keep no more events: nobody reads on."""
        self._receive.close()

    def __del__(self) -> None:
        """Close the stream quietly: leaving a loop over the events early is allowed."""
        self.drop()


class Results(StopsEarly):
    """The results of many prompts, as they come or in the prompts' order; a failure is a result.

    Leave `async with results` to stop the work early.
    """

    def __init__(self, flow: Flow[Any, Result]) -> None:
        """Read from `flow`."""
        self._flow = flow

    def __aiter__(self) -> AsyncIterator[Result]:
        """Iterate over the results that have not been read yet."""
        return self

    async def __anext__(self) -> Result:
        """Wait for the next result."""
        mapped = await self._flow.__anext__()
        assert mapped.result is not None
        return mapped.result

    async def aclose(self) -> None:
        """Stop the work, with the calls that are in flight."""
        await self._flow.aclose()
