"""A look at the processes of this machine, for tests that leave none behind."""

import os
import select
import sys
from pathlib import Path

import pytest

__all__ = ["children_of", "needs_proc", "processes_below", "wait_until_gone"]

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def processes_below(pid: int) -> set[int]:
    """Return the living processes that `pid` started, and those that these started."""
    parents = _parents(zombies=False)
    below: set[int] = set()
    while more := {each for each, parent in parents.items() if parent in below | {pid}} - below:
        below |= more
    return below


def children_of(pid: int, word: str, *, zombies: bool = False) -> set[int]:
    """Return the children of `pid` with `word` in their command line."""
    children = {each for each, parent in _parents(zombies=zombies).items() if parent == pid}
    return {each for each in children if word in _command(each)}


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


def _parents(*, zombies: bool) -> dict[int, int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # ended meanwhile
        if zombies or state != "Z":
            parents[int(entry.name)] = int(parent)
    return parents


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
