"""A few worker processes for any thread and event loop, each request under a limit of time."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from dataclasses import dataclass
from typing import Literal

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from catsdk.answers.engine.symbolic.forks import Forks
from catsdk.answers.engine.symbolic.frames import FrameError, Json, encode
from catsdk.answers.engine.symbolic.spawns import Spawns
from catsdk.answers.engine.symbolic.worker import StartError, Worker

__all__ = ["Cause", "Reply", "WorkerPool"]

Cause = Literal["", "timeout", "memory", "size", "error", "crash", "closed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answered, or why there is no answer; `seconds` is the work, not the queue."""

    value: Json = None
    cause: Cause = ""
    detail: str = ""
    seconds: float = 0.0


@dataclass(eq=False, slots=True)
class _Request:
    """One request on its way; `cancel` may come from any thread and does not block."""

    frame: bytes
    limit_s: float
    worker: Worker | None = None
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
        if (worker := self.worker) is not None:
            worker.end()


class WorkerPool:
    """Runs `task` in at most `workers` processes.

    `task` is named as `module:function`, takes a JSON value and returns one. A request that takes
    more than its limit of time (counted from when a worker has it) or more than `memory_mb` of
    address space costs the worker its life and nobody else anything: the next request gets a
    fresh one. Processes start at the first request and end with `close`, with the interpreter, or
    with this process, however it ends. A forked child of this process has workers of its own.
    """

    def __init__(
        self,
        task: str,
        *,
        workers: int = 2,
        limit_s: float = 2.0,
        memory_mb: int = 512,
        fork: bool = hasattr(os, "fork"),
    ) -> None:
        self._size = workers
        self._slots = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._limit_s = limit_s
        self._starter = (Forks if fork else Spawns)(task, memory_mb)
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar(f"workers for {task}")
        self._closed = False
        _POOLS.add(self)

    @property
    def busy(self) -> int:
        """How many workers have a request."""
        return len(self._busy)

    def run(self, payload: Json, limit_s: float | None = None) -> Reply:
        """Return the reply to `payload`, on any thread, which blocks meanwhile."""
        request = self._request(payload, limit_s)
        return request if isinstance(request, Reply) else self._run(request)

    async def run_async(self, payload: Json, limit_s: float | None = None) -> Reply:
        """Return the reply to `payload`; cancelling the wait ends the work."""
        request = self._request(payload, limit_s)
        if isinstance(request, Reply):
            return request
        try:
            return await anyio.to_thread.run_sync(
                self._run, request, abandon_on_cancel=True, limiter=self._loop_limiter()
            )
        finally:
            request.cancel()  # without effect once the work is done

    def close(self) -> None:
        """End all processes; a request that still runs or comes later has the cause `closed`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for worker in [*idle, *busy]:
            worker.end()
        for worker in idle:
            worker.release()
        self._starter.close()

    def forget(self) -> None:
        """Begin anew in a forked child, without touching the parent's processes."""
        for worker in [*self._idle, *self._busy]:
            worker.forget()
        self._starter.forget()
        # A thread that does not exist here may hold the locks.
        self._slots = threading.Semaphore(self._size)
        self._lock = threading.Lock()
        self._idle, self._busy = [], set()

    def _loop_limiter(self) -> anyio.CapacityLimiter:
        # Of the running loop: what waits for a slot holds no thread.
        try:
            return self._limiter.get()
        except LookupError:
            limiter = anyio.CapacityLimiter(self._size)
            self._limiter.set(limiter)
            return limiter

    def _request(self, payload: Json, limit_s: float | None) -> _Request | Reply:
        seconds = self._limit_s if limit_s is None else limit_s
        try:
            return _Request(encode({"limit_s": seconds, "payload": payload}), seconds)
        except FrameError as error:
            return Reply(cause="size", detail=str(error))

    def _run(self, request: _Request) -> Reply:
        with self._slots:
            reply, fresh = self._attempt(request)
            if reply.cause == "crash" and not fresh:
                # The worker may have died before, or of what it did before.
                reply, _ = self._attempt(request)
            return reply

    def _attempt(self, request: _Request) -> tuple[Reply, bool]:
        try:
            worker = self._take()
        except StartError as error:
            return Reply(cause=self._why(request) or "crash", detail=str(error)), True
        fresh = worker.asked == 0
        request.worker = worker
        keep = False
        try:
            reply, keep = self._ask(worker, request)
            return reply, fresh
        finally:
            request.worker = None
            self._give_back(worker, keep)

    def _ask(self, worker: Worker, request: _Request) -> tuple[Reply, bool]:
        begun = time.monotonic()
        if why := self._why(request):
            return Reply(cause=why), True
        try:
            answer = worker.ask(request.frame, request.limit_s)
        except (EOFError, OSError, FrameError) as error:
            seconds = time.monotonic() - begun
            late = seconds > 0.98 * request.limit_s
            cause: Cause = self._why(request) or ("timeout" if late else "crash")
            detail = f"over {request.limit_s} s" if cause == "timeout" else repr(error)
            return Reply(cause=cause, detail=detail, seconds=seconds), False
        return _reply(answer, time.monotonic() - begun)

    def _why(self, request: _Request) -> Cause:
        return "cancelled" if request.cancelled else "closed" if self._closed else ""

    def _take(self) -> Worker:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or self._starter.start()
        with self._lock:
            self._busy.add(worker)
        return worker

    def _give_back(self, worker: Worker, keep: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            keep = keep and not self._closed
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.end()
            worker.release()


def _reply(answer: Json, seconds: float) -> tuple[Reply, bool]:
    """Read what a worker sent: the reply, and whether the worker can go on."""
    match answer:
        case {"value": value, "more": bool(more)}:
            return Reply(value, seconds=seconds), more
        case {"cause": "memory"}:
            return Reply(cause="memory", seconds=seconds), False
        case {"cause": "error", "detail": str(detail), "more": bool(more)}:
            return Reply(cause="error", detail=detail, seconds=seconds), more
        case _:
            return Reply(cause="crash", detail="no reply of a worker", seconds=seconds), False


_POOLS: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool.forget()


def _close_all() -> None:
    for pool in list(_POOLS):
        pool.close()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
