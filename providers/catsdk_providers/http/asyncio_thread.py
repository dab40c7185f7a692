"""An asyncio loop in a thread of its own, for libraries that need one and keep it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio
from anyio import to_thread

from catsdk.core.concurrency.bell import Bell

__all__ = ["AsyncioThread"]

T = TypeVar("T")
Tell = Callable[[str], None]
Work = Callable[[Tell], Awaitable[T]]


class AsyncioThread:
    """Runs work for the tasks of any loops, asyncio's or trio's, in one asyncio loop.

    The thread starts with the first work and is a daemon: it ends with the process. Nothing here
    blocks the loop of those who wait.
    """

    def __init__(self, name: str) -> None:
        """`name` is the thread's; nothing is started yet."""
        self._name = name
        self._starting = threading.Lock()
        self._running = threading.Event()
        self._inbox: deque[Callable[[], object]] = deque()

    async def run(self, work: Work[T], tell: Tell | None = None) -> T:
        """Do `work` over there; what it tells meanwhile reaches `tell` here.

        Cancelling cancels the work, and does not wait for its end.
        """
        if not self._running.is_set():
            await to_thread.run_sync(self._start)
        job = _Job(work)
        self._post(lambda: self._tasks.start_soon(job.carry_out))
        try:
            while not job.done:
                await job.bell.wait()
                job.pass_on(tell)
            # What came between the last look and the end.
            job.pass_on(tell)
        finally:
            if not job.done:
                self._post(job.cancel)
        return job.result()

    def _start(self) -> None:
        with self._starting:
            if not self._running.is_set():
                threading.Thread(
                    target=anyio.run, args=(self._serve,), name=self._name, daemon=True
                ).start()
                self._running.wait()

    async def _serve(self) -> None:
        async with anyio.create_task_group() as self._tasks:
            self._bell = Bell()
            self._running.set()
            while True:
                await self._bell.wait()
                while self._inbox:
                    self._inbox.popleft()()

    def _post(self, order: Callable[[], object]) -> None:
        self._inbox.append(order)
        self._bell.ring()


class _Job(Generic[T]):
    """One piece of work: made by the task that waits for it, run in the other loop."""

    def __init__(self, work: Work[T]) -> None:
        self.bell = Bell()
        self.told: deque[str] = deque()
        self.done = False
        self._work = work
        # Made over there: a scope belongs to the loop in which it is made.
        self._scope: anyio.CancelScope | None = None
        self._cancelled = False
        self._results: list[T] = []
        self._error: BaseException | None = None

    def cancel(self) -> None:
        self._cancelled = True
        if self._scope is not None:
            self._scope.cancel()

    async def carry_out(self) -> None:
        try:
            with anyio.CancelScope() as self._scope:
                if self._cancelled:
                    self._scope.cancel()
                self._results.append(await self._work(self._tell))
        except Exception as error:  # noqa: BLE001 - it belongs to the one who waits
            self._error = error
        finally:
            self.done = True
            self.bell.ring()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results[0]

    def pass_on(self, tell: Tell | None) -> None:
        while tell is not None and self.told:
            tell(self.told.popleft())

    def _tell(self, text: str) -> None:
        self.told.append(text)
        self.bell.ring()
