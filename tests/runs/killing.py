"""Kills a command at work against a server that numbers its calls, to see what is repeated."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import threading
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from random import Random

from catsdk.core.types import Request
from catsdk.testing import LoopbackServer
from tests import forked
from tests.forked import CATSDK, Forked, clean_environment

IN_FLIGHT = 4
NUMBER = re.compile(r"call (\d{5,})")
# The key of a prompt's fences is a digest of the texts, which hold the numbers.
KEY = re.compile(r"\b[0-9a-f]{24}\b")


class Paid:
    """The model behind the server: numbers its calls, and answers by what is asked alone."""

    def __init__(self) -> None:
        self.calls: dict[bytes, list[int]] = defaultdict(list)
        self.served = 0
        self.target = 0
        self.reached = threading.Event()

    def script(self, request: Request) -> str:
        text = KEY.sub("key", NUMBER.sub("call", request.model_dump_json()))
        # A digest: there may be hundreds of thousands.
        asked = sha256(text.encode()).digest()
        self.served += 1
        self.calls[asked].append(self.served)
        if self.served >= self.target:
            self.reached.set()
        letter = "abcd"[asked[0] % 4]
        return f"call {self.served:05}: \\boxed{{{letter}}}"

    def expect(self, more: int) -> None:
        """Set `reached` when that many more calls were served."""
        self.target = self.served + more
        self.reached.clear()

    def repeated(self, kept: set[int]) -> list[list[int]]:
        """The numbers of equal calls, where one was made after the answer of another was kept."""
        return [
            numbers
            for numbers in self.calls.values()
            if max(numbers) > max(kept & set(numbers), default=0)
        ]


def command(
    server: LoopbackServer, *arguments: str, in_flight: int
) -> tuple[list[str], dict[str, str]]:
    """`catsdk` with these arguments, the server's model as the policy, few calls at once."""
    own = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    few = ("--max-in-flight", str(in_flight), "--model", f"openai:{server.model}")
    return [*CATSDK, *arguments, *few], clean_environment("openai") | own


def start(server: LoopbackServer, *arguments: str) -> Forked:
    """Start that command."""
    line, environment = command(server, *arguments, in_flight=IN_FLIGHT)
    return forked.start(*line, env=environment)


def finish(process: Forked) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors


def kept_numbers(out: Path) -> set[int]:
    """The numbers of the calls whose answers are in the store."""
    store = sqlite3.connect(out / "run.sqlite")
    numbers = {
        int(number)
        for (value,) in store.execute("SELECT value FROM answer")
        for completion in json.loads(value)["completions"]
        for number in NUMBER.findall(completion["text"])
    }
    store.close()
    return numbers


def kill_at_random(process: Forked | subprocess.Popen[str], paid: Paid, random: Random) -> None:
    """Kill it within 50 ms after the call that was waited for: amid calls, writes and waits."""
    # It may end before: many calls can be served between one kill and the next start.
    while not paid.reached.wait(timeout=0.1) and process.poll() is None:
        pass
    try:
        process.wait(timeout=random.uniform(0.0, 0.05))
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
