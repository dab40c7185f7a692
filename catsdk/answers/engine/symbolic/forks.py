"""Start workers on POSIX: a zygote process that has loaded the task forks them in milliseconds."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Generator
from itertools import count

from catsdk.answers.engine.symbolic import zygote as there
from catsdk.answers.engine.symbolic.worker import StartError, Worker, command

__all__ = ["Forks"]

_END_LIMIT_S = 0.5


class Forks:
    """Starts workers through one zygote; a zygote that has died is replaced."""

    def __init__(self, task: str, memory_mb: int) -> None:
        self._task = task
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._zygote: _Zygote | None = None
        self._closed = False

    def start(self) -> Worker:
        """Return a worker that is ready; raises `StartError`."""
        zygote = self._living_zygote()
        try:
            return zygote.start_worker()
        except StartError as error:
            if isinstance(error.__cause__, TimeoutError):
                zygote.close()  # it hangs: the next start takes another
            if not zygote.ended():
                raise
        return self._living_zygote().start_worker()

    def close(self) -> None:
        """End the zygote and all its workers."""
        with self._lock:
            self._closed = True
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def forget(self) -> None:
        """Let go of the zygote in a forked child: it is the parent's."""
        self._lock = threading.Lock()
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.forget()

    def _living_zygote(self) -> _Zygote:
        with self._lock:
            if self._closed:
                raise StartError("the pool is closed")
            if self._zygote is None or self._zygote.process.poll() is not None:
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = _Zygote(self._task, self._memory_mb)
            return self._zygote


class _Zygote:
    def __init__(self, task: str, memory_mb: int) -> None:
        self._control, theirs = socket.socketpair()
        self._numbers = count()
        with theirs:
            try:
                self.process = subprocess.Popen(
                    command(there.__name__, theirs.fileno(), os.getpid(), task, memory_mb),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            except BaseException as error:
                self._control.close()
                if not isinstance(error, OSError):
                    raise
                raise StartError("no interpreter could be started for the workers") from error

    def start_worker(self) -> Worker:
        number = next(self._numbers) % (1 << 32)
        ours, theirs = socket.socketpair()
        worker = _ForkedWorker(ours, self, number)
        try:
            with theirs:
                self.tell(there.FORK, number, [theirs.fileno()])
            worker.greet()
        except BaseException as error:
            worker.end()
            worker.release()
            if isinstance(error, OSError):
                raise StartError("the process that starts workers is gone") from error
            raise
        return worker

    def tell(self, kind: bytes, number: int, fds: list[int], *, wait: bool = True) -> None:
        flags = 0 if wait else socket.MSG_DONTWAIT
        socket.send_fds(self._control, [there.MESSAGE.pack(kind, number)], fds, flags)

    def ended(self) -> bool:
        try:
            self.process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        self._control.close()  # it kills its workers and ends
        if not self.ended():
            self.process.kill()
            self.process.wait()

    def forget(self) -> None:
        self._control.close()
        self.process.returncode = 0  # not a child of this process: nothing to wait for


class _ForkedWorker(Worker):
    def __init__(self, ours: socket.socket, zygote: _Zygote, number: int) -> None:
        super().__init__(ours.makefile("rb"))
        self._socket = ours
        self._zygote = zygote
        self._number = number

    @contextlib.contextmanager
    def guard(self, seconds: float) -> Generator[None]:
        self._socket.settimeout(seconds)
        yield

    def send(self, frame: bytes) -> None:
        self._socket.sendall(frame)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._zygote.tell(there.KILL, self._number, [], wait=False)

    def release(self) -> None:
        self.reader.close()
        self._socket.close()

    def forget(self) -> None:
        # The reader's lock may be held by a thread that does not exist here.
        os.close(self._socket.detach())
