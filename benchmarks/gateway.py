"""The gateway beside litellm's proxy: CPU and time of requests that both pass to one server.

    python -m benchmarks.gateway --litellm .venv-litellm-proxy/bin/litellm

The server is the loopback server of `catsdk.testing`, in this process; each proxy is a process of
its own. Rounds are interleaved. CPU is that of the proxy's process, for a request; times are
medians, less those of the same requests sent to the server itself. Without `--litellm` the gateway
stands alone.
The last lines are about an answer made of several: its first piece less twice the server's latency,
which is what the slowest rollout and the anchor take at least.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import anyio

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from catsdk.types import Request

QUESTION = [{"role": "user", "content": "What is 2+2?"}]
TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = """
model_list:
  - model_name: loopback
    litellm_params: {{model: openai/loopback, api_base: "{url}", api_key: {key}}}
general_settings: {{master_key: sk-master}}
litellm_settings: {{num_retries: 0}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"""


@dataclass
class Target:
    """Something that is asked: an address, and the process whose CPU is counted."""

    name: str
    url: str
    model: str
    key: str
    pid: int | None = None
    cpu: list[float] = field(default_factory=list[float])
    whole: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])


def reply(request: Request) -> str:
    """Twenty lines, or the anchor's sections."""
    if "UNIFIED RESPONSE" in request.messages[-1].text:
        return "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\nIt is\n4.\n"
    return "a line of the answer\n" * 20


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: Sequence[str], port: int, **environment: str) -> Generator[int]:
    """Run a server until the block ends; yields its process id once it answers."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment}
        ) as running,
    ):
        try:
            for _ in range(600):
                if running.poll() is not None:
                    log.seek(0)
                    sys.exit(f"{command[0]} ended:\n{log.read().decode()[-2000:]}")
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.5)
            yield running.pid
        finally:
            running.terminate()


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def ask(session: aiohttp.ClientSession, target: Target, *, stream: bool) -> float:
    """Send one request; returns the seconds until all of it, or its first piece, was there."""
    body: dict[str, Any] = {"model": target.model, "messages": QUESTION, "stream": stream}
    headers = {"Authorization": f"Bearer {target.key}"}
    start = time.perf_counter()
    url = f"{target.url}/chat/completions"
    async with session.post(url, json=body, headers=headers) as response:
        if response.status != 200:
            sys.exit(f"{target.name}: {response.status} {await response.text()}")
        if not stream:
            await response.read()
            return time.perf_counter() - start
        seconds = 0.0
        async for line in response.content:
            if not seconds and b'"content":"' in line.replace(b'": "', b'":"'):
                seconds = 0.0 if b'"content":""' in line else time.perf_counter() - start
        return seconds


async def round_of(target: Target, requests: int, at_once: int) -> None:
    """Send requests, half of them streamed, and note times and CPU."""
    before = cpu_of(target.pid) if target.pid else 0.0
    turns = iter(range(requests))
    async with aiohttp.ClientSession() as session, anyio.create_task_group() as tasks:

        async def client() -> None:
            for turn in turns:
                stream = turn % 2 == 1
                seconds = await ask(session, target, stream=stream)
                (target.first if stream else target.whole).append(seconds)

        for _ in range(at_once):
            tasks.start_soon(client)
    if target.pid:
        target.cpu.append((cpu_of(target.pid) - before) / requests)


async def measure(targets: list[Target], rounds: int, requests: int) -> None:
    """Interleave the rounds of all targets, the first of which only warms them up."""
    for number in range(rounds + 1):
        for target in targets:
            await round_of(target, requests if number else 20, 4)
        if not number:
            for target in targets:
                target.cpu, target.whole, target.first = [], [], []


async def first_pieces(target: Target, count: int) -> list[float]:
    """The seconds until the first piece of answers that are made of several."""
    made = Target(target.name, target.url, f"cat/synthesis:{target.model}", target.key)
    async with aiohttp.ClientSession() as session:
        return [await ask(session, made, stream=True) for _ in range(count)]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm", help="the command litellm of an environment with its proxy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    with ExitStack() as exits:
        server = exits.enter_context(LoopbackServer(FunctionProvider(reply)))
        direct = Target("the server itself", server.url, "loopback", server.key)
        port = free_port()
        command = [sys.executable, "-c", "from catsdk.cli import main; main()", "serve"]
        command += ["--model", "openai:loopback", "--port", str(port)]
        upstream = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
        pid = exits.enter_context(process(command, port, **upstream))
        ours = Target("catsdk", f"http://127.0.0.1:{port}/v1", "openai:loopback", "none", pid)
        targets = [direct, ours]
        if options.litellm:
            config = Path(exits.enter_context(tempfile.TemporaryDirectory())) / "config.yaml"
            config.write_text(CONFIG.format(url=server.url, key=server.key))
            port = free_port()
            command = [options.litellm, "--config", str(config), "--port", str(port)]
            pid = exits.enter_context(process(command, port, LITELLM_LOCAL_MODEL_COST_MAP="True"))
            url = f"http://127.0.0.1:{port}/v1"
            targets.append(Target("litellm's proxy", url, "loopback", "sk-master", pid))
        anyio.run(measure, targets, options.rounds, options.requests)
        latency = 0.2
        server.change(Weather(latency=latency))
        pieces = anyio.run(first_pieces, ours, 20)
    print_table(targets)
    over = sorted(1000 * (seconds - 2 * latency) for seconds in pieces)
    print(
        f"\nfirst piece of a synthesis over two latencies: median {median(over):.0f} ms,", end=" "
    )
    print(f"{over[0]:.0f} to {over[-1]:.0f} ms")


def print_table(targets: list[Target]) -> None:
    """Print CPU and times of each proxy, and their ratios to the gateway's."""
    direct, ours, *_ = targets
    print(
        "| proxy | CPU ms a request | whole answer, ms over the server's | first piece, ms over |"
    )
    print("| --- | --- | --- | --- |")
    for target in targets[1:]:
        cpu = 1000 * median(target.cpu)
        whole = 1000 * (median(target.whole) - median(direct.whole))
        first = 1000 * (median(target.first) - median(direct.first))
        print(f"| {target.name} | {cpu:.1f} | {whole:.1f} | {first:.1f} |")
    for target in targets[2:]:
        print(f"\ncatsdk's CPU is {median(ours.cpu) / median(target.cpu):.2f} of {target.name}")


if __name__ == "__main__":
    main()
