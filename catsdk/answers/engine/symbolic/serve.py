"""Inside a worker: answer one request after another, each under its limits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO

from catsdk.answers.engine.symbolic.frames import FrameError, Json, encode, read_frame

__all__ = ["Task", "limit_memory", "load_task", "serve"]

Task = Callable[[Json], Json]

# A worker gives way to a fresh one after so many requests, or when it has used this share of
# its memory: what sympy caches is never given back.
_MAX_REQUESTS = 1_000
_MAX_SHARE = 0.5

READY = encode({"ready": True})
_MEMORY = encode({"cause": "memory", "more": False})


def load_task(name: str) -> Task:
    """Import `module:function`. If the module has a function `warm_up`, call it."""
    module_name, _, function = name.partition(":")
    module = import_module(module_name)
    getattr(module, "warm_up", lambda: None)()
    task: Task = getattr(module, function)
    return task


def limit_memory(megabytes: int) -> None:
    """Bound the address space of this process, and let it write neither files nor core dumps."""
    if sys.platform == "win32":
        return
    import resource

    bounds = {
        resource.RLIMIT_AS: megabytes << 20,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for what, bound in bounds.items():
        _, hard = resource.getrlimit(what)
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (bound, bound))


def serve(reader: BinaryIO, writer: BinaryIO, task: Task, memory_mb: int) -> None:
    """Answer requests `{"limit_s": seconds, "payload": ...}` until the other side is gone."""
    _send(writer, READY)
    for number in range(_MAX_REQUESTS):
        try:
            request = read_frame(reader)
        except (EOFError, OSError, FrameError):
            return
        more = number + 1 < _MAX_REQUESTS
        reply = _answer(request, task, more and _used_mb() < _MAX_SHARE * memory_mb)
        _send(writer, reply)
        if reply is _MEMORY:
            return


def _answer(request: Json, task: Task, more: bool) -> bytes:
    assert isinstance(request, dict)
    limit_s = request["limit_s"]
    assert isinstance(limit_s, int | float)
    _arm(limit_s)
    try:
        return encode({"value": task(request["payload"]), "more": more})
    except MemoryError:
        return _MEMORY
    except Exception as error:  # noqa: BLE001, whatever sympy raises is the reply
        return encode({"cause": "error", "detail": repr(error)[:500], "more": more})
    finally:
        _arm(0)


def _arm(seconds: float) -> None:
    # The kernel ends this process when the time is over, even inside one long operation of the
    # interpreter, and even if nobody watches any more.
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _used_mb() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1 << 20) if sys.platform == "darwin" else used / (1 << 10)


def _send(writer: BinaryIO, frame: bytes) -> None:
    try:
        writer.write(frame)
        writer.flush()
    except OSError:
        return  # nobody waits for it: the next read ends the loop
