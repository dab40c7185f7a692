"""Maps a function over many items concurrently, with results as they come and bounded memory."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from catsdk.core.concurrency.closing import StopsEarly
from catsdk.core.concurrency.fanout import first_of
from catsdk.core.errors import CatError, SynthesisFailedError
from catsdk.core.types import Failure, Group

__all__ = ["Flow", "Mapped", "background_tasks"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Mapped(Generic[T, R]):
    """What became of one item: a result, or the failure that is in its place.

    `index` is the item's place among the items; `group` the rollouts that were paid for before a
    synthesis failed.
    """

    index: int
    item: T
    result: R | None = None
    failure: Failure | None = None
    group: Group | None = None


class Flow(StopsEarly, Generic[T, R]):
    """The results of `work` on each of `items`, to be iterated over once.

    At most `at_once` items are between being taken from `items` and being given to the reader: a
    slow reader slows the taking down, so neither a million items nor their results pile up. Results
    come as they are there, or in the order of the items (`ordered`). A `CatError` of an item is its
    failure; any other error of the work ends the flow and is raised. An error of `items` itself is
    raised, too, after the results of the items that were taken before it.

    The work runs in `tasks`. Leave `async with flow` to stop it early; without that it waits for
    its reader until `tasks` ends.
    """

    def __init__(
        self,
        work: Callable[[int, T], Awaitable[R]],
        items: Iterable[T] | AsyncIterable[T],
        tasks: TaskGroup,
        *,
        at_once: int,
        ordered: bool = False,
    ) -> None:
        """Prepare the work, which starts at the first read."""
        self._work, self._items, self._tasks, self._ordered = work, items, tasks, ordered
        self._slots = anyio.Semaphore(at_once)
        self._scope = anyio.CancelScope()
        self._results: MemoryObjectReceiveStream[Mapped[T, R] | Exception] | None = None

    def __aiter__(self) -> AsyncIterator[Mapped[T, R]]:
        """Iterate over the results that were not read yet."""
        return self

    async def __anext__(self) -> Mapped[T, R]:
        """Wait for the next result."""
        if self._results is None:
            # No buffer between the two: workers wait for the reader.
            send, self._results = anyio.create_memory_object_stream[Mapped[T, R] | Exception](0)
            self._tasks.start_soon(self._run, send, self._results)
        try:
            result = await self._results.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            raise StopAsyncIteration from None
        if isinstance(result, Exception):
            raise result
        return result

    async def aclose(self) -> None:
        """Stop the work, with the calls that are in flight."""
        self._scope.cancel()

    async def _run(
        self,
        send: MemoryObjectSendStream[Mapped[T, R] | Exception],
        results: MemoryObjectReceiveStream[Mapped[T, R] | Exception],
    ) -> None:
        with results, send, self._scope:
            try:
                await self._work_on_all(send)
            except ExceptionGroup as group:
                error = first_of(group)
                await send.send(error if isinstance(error, Exception) else group)
            except Exception as error:  # noqa: BLE001  # raised again where the results are read
                await send.send(error)

    async def _work_on_all(self, send: MemoryObjectSendStream[Mapped[T, R] | Exception]) -> None:
        last = anyio.Event()
        last.set()
        broken: Exception | None = None
        async with anyio.create_task_group() as tasks, aclosing(_each(self._items)) as items:
            index = 0
            await self._slots.acquire()
            try:
                async for item in items:
                    turn, mine = last, anyio.Event()
                    asked: Mapped[T, R] = Mapped(index, item)
                    tasks.start_soon(self._one, asked, turn, mine, send)
                    index, last = index + 1, mine
                    await self._slots.acquire()
            except Exception as error:  # noqa: BLE001  # raised once the work is done
                broken = error
        if broken is not None:
            raise broken

    async def _one(
        self,
        asked: Mapped[T, R],
        turn: anyio.Event,
        mine: anyio.Event,
        send: MemoryObjectSendStream[Mapped[T, R] | Exception],
    ) -> None:
        try:
            mapped = replace(asked, result=await self._work(asked.index, asked.item))
        except CatError as error:
            group = error.group if isinstance(error, SynthesisFailedError) else None
            mapped = replace(asked, failure=Failure.of(error), group=group)
        if self._ordered:
            await turn.wait()
        await send.send(mapped)
        mine.set()
        self._slots.release()


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T]:
    if isinstance(items, AsyncIterable):
        try:
            async for item in items:
                yield item
        finally:
            if isinstance(items, AsyncGenerator):
                with anyio.CancelScope(shield=True):
                    await items.aclose()
        return
    for item in items:
        yield item


@asynccontextmanager
async def background_tasks() -> AsyncGenerator[TaskGroup]:
    """Give a task group that ends what still runs at its end."""
    tasks = anyio.create_task_group()
    await tasks.__aenter__()
    try:
        yield tasks
    finally:
        tasks.cancel_scope.cancel()
        await tasks.__aexit__(None, None, None)
