"""A look at the processes of this machine, for tests that leave none behind."""

import os
import select
import sys
from pathlib import Path

import pytest

__all__ = ["needs_proc", "processes_below", "wait_until_gone", "zygotes_below"]

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def processes_below(pid: int) -> set[int]:
    """Return the living processes that `pid` started, and those that these started."""
    parents = _parents()
    below: set[int] = set()
    while more := {each for each, parent in parents.items() if parent in below | {pid}} - below:
        below |= more
    return below


def zygotes_below(pid: int) -> set[int]:
    """Return the processes below `pid` that fork workers."""
    return {each for each in processes_below(pid) if _parents().get(each) == pid}


def wait_until_gone(pid: int, seconds: float = 10) -> None:
    """Return once the process `pid` has ended; fail if it does not."""
    if sys.platform != "linux":
        raise NotImplementedError
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(seconds * 1_000), f"process {pid} lives"
    finally:
        os.close(fd)


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # ended meanwhile
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    return parents
