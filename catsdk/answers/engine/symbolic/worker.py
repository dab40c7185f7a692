"""A worker process as seen by its parent: greeted once, then asked, and ended at any time."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import BinaryIO

from catsdk.answers.engine.symbolic.frames import Json, read_frame

__all__ = ["StartError", "Worker", "command"]

# Importing sympy takes about a second; on a cold network disk it may take many.
_START_LIMIT_S = 60.0
# The worker's own timer ends it first; this is for a machine on which that fails.
_GRACE_S = 0.5

# Sets the search path to the parent's and runs one function: the user's `__main__` is not
# imported again, nor is anything that only the parent had loaded.
_BOOT = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from importlib import import_module; "
    "module, *arguments = sys.argv[1].split(); "
    "import_module(module).main(*arguments)"
)


class StartError(Exception):
    """No worker could be started; the message says why."""


def command(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs `main(*arguments)` of `module` in a bare interpreter.

    Raises:
        StartError: there is no interpreter to run; in a frozen application the executable is the
            application itself, which must not start again.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise StartError("no interpreter to start workers with")
    call = " ".join([module, *map(str, arguments)])
    return [sys.executable, "-P", "-c", _BOOT, call, *map(str, sys.path)]


class Worker(ABC):
    """A process that answers requests, one at a time."""

    def __init__(self, reader: BinaryIO) -> None:
        self.reader = reader
        self.asked = 0

    def greet(self) -> None:
        """Wait until the worker is ready; raises `StartError`."""
        try:
            with self.guard(_START_LIMIT_S):
                hello = read_frame(self.reader)
        except (EOFError, OSError) as error:
            raise StartError("a worker ended before it was ready") from error
        if isinstance(hello, dict) and "failed" in hello:
            raise StartError(f"a worker cannot load its task: {hello['failed']}")

    def ask(self, frame: bytes, limit_s: float) -> Json:
        """Return the reply; raises `EOFError` or `OSError` when the worker dies, `FrameError`."""
        self.asked += 1
        with self.guard(limit_s + _GRACE_S):
            self.send(frame)
            return read_frame(self.reader)

    @abstractmethod
    def guard(self, seconds: float) -> AbstractContextManager[None]:
        """Let a wait for the worker raise `EOFError` or `OSError` after so many seconds."""

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Send a frame; raises `OSError`."""

    @abstractmethod
    def end(self) -> None:
        """Kill the process, and wake the thread that waits for it; from any thread, any time."""

    @abstractmethod
    def release(self) -> None:
        """Free what this process holds of an ended worker that nobody waits for."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of the worker in a forked child, without touching the parent's."""
