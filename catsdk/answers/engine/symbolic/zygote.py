"""A process that loads the task once and forks workers on demand.

It has one thread and never runs the task itself, so that forking is safe and it always answers.
The other side sends messages of five bytes over a Unix socket: `F`, a number and a socket asks
for a worker that serves on that socket; `K` and its number ends that worker.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import struct
import sys
from typing import BinaryIO, NoReturn, cast

from catsdk.answers.engine.symbolic.frames import encode
from catsdk.answers.engine.symbolic.serve import Task, limit_memory, load_task, serve

__all__ = ["FORK", "KILL", "MESSAGE", "main"]

MESSAGE = struct.Struct("!cI")
FORK, KILL = b"F", b"K"

_TICK_MS = 1_000
_PR_SET_PDEATHSIG = 1


def main(control_fd: str, parent_pid: str, task_name: str, megabytes: str) -> NoReturn:
    """Serve the process `parent_pid` until it closes the control socket or ends."""
    parent, memory_mb = int(parent_pid), int(megabytes)
    _settle_signals()
    control = socket.socket(fileno=int(control_fd))
    workers: dict[int, int] = {}
    task: Task | str
    try:
        task = load_task(task_name)
    except Exception as error:  # noqa: BLE001, told to whoever asks for a worker
        task = repr(error)[:500]
    gc.collect()
    gc.freeze()  # so that a collection in a worker does not copy every shared page
    try:
        while _one_message(control, parent, workers, task, memory_mb):
            _reap(workers)
    finally:
        for pid in workers.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    sys.exit(0)


def _settle_signals() -> None:
    # What the parent ignored or blocked when it started this process does not hold here. Ctrl-C
    # is for the user's process; this one ends with it.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _one_message(
    control: socket.socket, parent: int, workers: dict[int, int], task: Task | str, memory_mb: int
) -> bool:
    """Wait for a message, or a moment, and follow it; `False` when nobody is there any more."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    if not poll.poll(_TICK_MS):
        # A process that the parent forked may hold the other end open after the parent's death.
        return os.getppid() == parent
    data, fds, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
    if len(data) < MESSAGE.size:
        return False
    kind, number = MESSAGE.unpack(data)
    if kind == FORK:
        workers[number] = _fork(control, fds[0], task, memory_mb)
    elif kind == KILL and number in workers:
        os.kill(workers[number], signal.SIGKILL)
    return True


def _fork(control: socket.socket, fd: int, task: Task | str, memory_mb: int) -> int:
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        os.close(fd)
        return pid
    try:
        control.close()
        _end_with(zygote)
        _work(fd, task, memory_mb)
    finally:
        os._exit(0)


def _work(fd: int, task: Task | str, memory_mb: int) -> None:
    stream = cast("BinaryIO", socket.socket(fileno=fd).makefile("rwb"))
    if isinstance(task, str):
        stream.write(encode({"failed": task}))
        stream.flush()
        return
    limit_memory(memory_mb)
    serve(stream, stream, task, memory_mb)


def _end_with(zygote: int) -> None:
    """Have the kernel end this process when its parent ends; elsewhere its timer does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != zygote:
            os._exit(0)


def _reap(workers: dict[int, int]) -> None:
    """Forget the workers that have ended; until then their process numbers stay theirs."""
    for number, pid in list(workers.items()):
        if os.waitpid(pid, os.WNOHANG)[0]:
            del workers[number]
