"""The loop of a caller that is not async ends at once when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys

INTERRUPTED = """
import sys, time
from contextlib import asynccontextmanager
import anyio
from catsdk_trainers.trl.loop import LoopThread

@asynccontextmanager
async def opened():
    yield None
    print("closed", flush=True)

async def hangs(_):
    print("started", flush=True)
    try:
        await anyio.sleep(900)
    finally:
        print("cancelled", flush=True)

loop = LoopThread(opened)
try:
    loop.run(hangs)
except KeyboardInterrupt:
    print("interrupted", flush=True)
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
