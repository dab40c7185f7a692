"""A server of another environment as a child process: started, awaited by its own words, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def served(
    command: Sequence[str], *, ready: str, within: float, environment: Mapping[str, str]
) -> Generator[deque[str]]:
    """Run `command` until the end of the block, which begins when it has written `ready`.

    Gives its last lines, as they come.

    Raises:
        RuntimeError: it ended, or said nothing of the kind within that many seconds.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    lines: deque[str] = deque(maxlen=400)
    heard = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if ready in line:
                heard.set()
        heard.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        if not heard.wait(within) or process.poll() is not None:
            raise RuntimeError(f"{command[0]} did not start:\n{''.join(lines)}")
        yield lines
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(10)
        if process.stdout is not None:
            process.stdout.close()
