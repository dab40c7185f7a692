"""An event loop in its own thread, started on first use, for synchronous callers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    suppress,
)
from threading import Lock, Thread, main_thread
from typing import Generic, TypeVar

from anyio.from_thread import BlockingPortal

from catsdk.core.concurrency.loops import loop_in_thread

__all__ = ["LoopThread"]

S = TypeVar("S")
R = TypeVar("R")


class LoopThread(Generic[S]):
    """Keeps what `make()` opens in an event loop, and runs work on it there, call after call.

    Nothing is started before the first call, and calls may come from several threads. It can be
    pickled; the copy opens its own resources. So does a child process after a fork, where the
    parent's thread does not exist.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[S]]) -> None:
        self._make = make
        self._exits = ExitStack()
        self._opened: tuple[int, BlockingPortal, S] | None = None
        self._opening = Lock()

    def run(self, work: Callable[[S], Awaitable[R]]) -> R:
        """Run `work` on the open resource, and return its result; an interrupt cancels it."""
        portal, opened = self._open()
        running = portal.start_task_soon(work, opened)
        try:
            return running.result()
        except BaseException:
            # Otherwise closing would wait for interrupted work until its deadline.
            running.cancel()
            raise

    def close(self) -> None:
        """Close the resource, cancel work in progress, and end the thread.

        The next call opens it again.
        """
        exits, self._exits, self._opened = self._exits, ExitStack(), None
        exits.close()

    def _open(self) -> tuple[BlockingPortal, S]:
        with self._opening:
            if self._opened is None or self._opened[0] != os.getpid():
                with ExitStack() as exits:
                    portal = exits.enter_context(_Portal())
                    opened = exits.enter_context(portal.wrap_async_context_manager(self._make()))
                    self._exits, self._opened = exits.pop_all(), (os.getpid(), portal, opened)
            return self._opened[1:]

    def __getstate__(self) -> Callable[[], AbstractAsyncContextManager[S]]:
        return self._make

    def __setstate__(self, make: Callable[[], AbstractAsyncContextManager[S]]) -> None:
        LoopThread.__init__(self, make)


class _Portal(AbstractContextManager[BlockingPortal]):
    """An event loop in a thread, which ends with the process even if nobody closes it.

    This is not a generator, because at exit the interpreter would resume it, to wait for a thread
    that no longer runs.
    """

    def __enter__(self) -> BlockingPortal:
        self._portal, self._thread = loop_in_thread("catsdk-reward")
        _ENDING.watch(self._portal)
        return self._portal

    def __exit__(self, *_: object) -> None:
        _ENDING.forget(self._portal)
        # Work interrupted during hand-over has nobody to cancel it, and would be waited for.
        with suppress(CancelledError):
            self._portal.call(self._portal.stop, True)
        self._thread.join()


class _Ending:
    """Stops what is still open when the main thread ends.

    A loop's worker threads are not daemons, and live as long as the loop: without this the
    interpreter would wait for them for ever, before running any exit handler.
    """

    def __init__(self) -> None:
        self._open: set[BlockingPortal] = set()
        self._watching: int | None = None

    def watch(self, portal: BlockingPortal) -> None:
        self._open.add(portal)
        if self._watching != os.getpid():
            self._watching = os.getpid()
            Thread(target=self._stop_all, name="catsdk-ending", daemon=True).start()

    def forget(self, portal: BlockingPortal) -> None:
        self._open.discard(portal)

    def _stop_all(self) -> None:
        main_thread().join()
        for portal in list(self._open):
            # Stopping cancels the call that requests it.
            with suppress(RuntimeError, CancelledError):
                portal.call(portal.stop, True)


_ENDING = _Ending()
