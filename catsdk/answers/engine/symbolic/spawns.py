"""Start workers where processes cannot fork: each is a fresh interpreter, killed by a timer.

Meant for Windows, where it has not been run: there is no limit of memory there, and a new worker
takes about a second.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Generator
from typing import BinaryIO, NoReturn, cast

from catsdk.answers.engine.symbolic.serve import limit_memory, load_task, serve
from catsdk.answers.engine.symbolic.worker import StartError, Worker, command

__all__ = ["Spawns", "main"]


class Spawns:
    """Starts workers as fresh interpreters."""

    def __init__(self, task: str, memory_mb: int) -> None:
        self._task = task
        self._memory_mb = memory_mb

    def start(self) -> Worker:
        """Return a worker that is ready; raises `StartError`."""
        worker = _SpawnedWorker(self._spawn())
        try:
            worker.greet()
        except BaseException:
            worker.end()
            worker.release()
            raise
        return worker

    def close(self) -> None:
        """Do nothing: the pool ends its workers."""

    def forget(self) -> None:
        """Do nothing: the pool forgets its workers."""

    def _spawn(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command(__name__, self._task, self._memory_mb),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise StartError("no interpreter could be started for a worker") from error


class _SpawnedWorker(Worker):
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(cast("BinaryIO", process.stdout))
        self._writer = cast("BinaryIO", process.stdin)
        self._process = process

    @contextlib.contextmanager
    def guard(self, seconds: float) -> Generator[None]:
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def send(self, frame: bytes) -> None:
        self._writer.write(frame)
        self._writer.flush()

    def end(self) -> None:
        self._process.kill()

    def release(self) -> None:
        self._process.wait()
        for stream in (self.reader, self._writer):
            with contextlib.suppress(OSError):
                stream.close()

    def forget(self) -> None:
        self._process.returncode = 0  # not a child of this process: nothing to wait for


def main(task_name: str, megabytes: str) -> NoReturn:
    """Serve on the standard streams; what the task prints goes nowhere."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    task = load_task(task_name)
    limit_memory(int(megabytes))
    serve(reader, writer, task, int(megabytes))
    sys.exit(0)
