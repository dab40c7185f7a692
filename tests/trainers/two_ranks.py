"""Two processes that a launcher would have started, on this machine's CPU."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

from tests import forked

__all__ = ["on_two_ranks"]

_QUIET = "import warnings; warnings.simplefilter('ignore')\n"


def on_two_ranks(code: str, *arguments: str, seconds: float = 240) -> tuple[Any, Any]:
    """Run `code` as two ranks; the JSON in the last line that each prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        forked.start(
            *("-c", _QUIET + code, *arguments),
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    try:
        told = [process.communicate(seconds) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert all(lines for lines, _ in told), "\n".join(errors for _, errors in told)
    first, second = (json.loads(lines.splitlines()[-1]) for lines, _ in told)
    return first, second
