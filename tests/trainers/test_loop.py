"""The loop of a caller that is not async ends at once when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import Event

import anyio
import pytest

from catsdk_trainers.trl.loop import LoopThread

INTERRUPTED = """
import os, signal
from contextlib import asynccontextmanager
import anyio
from catsdk_trainers.trl.loop import LoopThread

def say(word):
    # In one piece: two threads say something at the same time.
    os.write(1, f"{word}\\n".encode())

@asynccontextmanager
async def opened():
    yield None
    say("closed")

async def hangs(_):
    say("started")
    try:
        await anyio.sleep(900)
    finally:
        say("cancelled")

# A shell that runs the tests in the background lets their processes ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
loop = LoopThread(opened)
try:
    loop.run(hangs)
except KeyboardInterrupt:
    say("interrupted")
finally:
    loop.close()
"""


def test_an_interrupt_cancels_what_runs_and_closing_does_not_wait_for_it() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        try:
            told, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert set(told.split()) == {"interrupted", "cancelled", "closed"}
    assert process.returncode == 0


def test_closing_cancels_what_nobody_waits_for() -> None:
    """An interrupt may come after the loop took the work and before the caller holds its future."""
    started, ended = Event(), Event()

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        yield None

    async def hangs(_: None) -> None:
        started.set()
        try:
            await anyio.sleep(900)
        finally:
            ended.set()

    loop = LoopThread(opened)
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(loop.run, hangs)
        assert started.wait(20)
        loop.close()
        assert ended.is_set()
        with pytest.raises(CancelledError):
            running.result(20)
