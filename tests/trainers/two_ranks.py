"""Two processes that a launcher would have started, on this machine's CPU."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["on_two_ranks"]

ROOT = Path(__file__).parents[2]


def on_two_ranks(code: str, *arguments: str, seconds: float = 240) -> tuple[Any, Any]:
    """Run `code` as two ranks; the JSON in the last line that each prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "providers", "trainers"))
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | shared
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": paths},
        )
        for rank in range(2)
    ]
    try:
        told = [process.communicate(timeout=seconds)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    first, second = (json.loads(lines.splitlines()[-1]) for lines in told)
    return first, second
