r"""Compare the gateway with the proxies of litellm and optillm, all in front of the same server.

    python -m benchmarks.gateway --litellm .venv-litellm-proxy/bin/litellm \
        --optillm .venv-peers/optillm/bin/optillm

The server is the loopback server of `catsdk.testing`, in this process; each proxy has its own
process. Rounds are interleaved. CPU is that of the proxy's process per request.

The first table is about requests that are passed on: times are medians, minus those of the same
requests sent to the server directly. The second table is about streamed answers made from several
rollouts, with a server that takes 200 ms per call: the time to the first piece of the answer. This
cannot be less than two calls, the slowest rollout's and the anchor's; the last lines say how much
longer the gateway takes. Peers that are not named are left out. On a busy machine the times mostly
show how long a process waits for a core; put `chrt -r 5` before the command to avoid that.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

import aiohttp
import anyio

from catsdk.testing import FunctionProvider, LoopbackServer, Weather
from catsdk.types import Request

QUESTION = [{"role": "user", "content": "What is 2+2?"}]
LATENCY = 0.2
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
    """A server to send requests to: its address, and the process whose CPU is counted.

    `made` maps the name of each way to combine several answers to the request fields that select
    it.
    """

    name: str
    url: str
    model: str
    key: str
    pid: int | None = None
    made: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    cpu: list[float] = field(default_factory=list[float])
    whole: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])


def reply(request: Request) -> str:
    """Reply with twenty lines, or with the anchor's sections."""
    if "UNIFIED RESPONSE" in request.messages[-1].text:
        return "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\nIt is\n4.\n"
    return "a line of the answer\n" * 20


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Way:
    """A way in which a proxy makes one answer from several."""

    target: Target
    name: str
    fields: Mapping[str, Any]
    first: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    calls: int = 0


@contextmanager
def process(command: Sequence[str], port: int, **environment: str) -> Generator[int]:
    """Run a server until the block ends; yield its process id once it answers."""
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
    """CPU seconds of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def ask(
    session: aiohttp.ClientSession, target: Target, *, stream: bool, **fields: Any
) -> float:
    """Send one request; return the seconds until the whole answer or its first piece arrived."""
    body: dict[str, Any] = {"model": target.model, "messages": QUESTION, "stream": stream}
    body |= fields
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
    """Send requests, half of them streamed, and record times and CPU."""
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
    """Interleave the rounds of all targets; the first round is only a warm-up."""
    for number in range(rounds + 1):
        for target in targets:
            await round_of(target, requests if number else 20, 4)
        if not number:
            for target in targets:
                target.cpu, target.whole, target.first = [], [], []


async def first_pieces(server: LoopbackServer, ways: Sequence[Way], rounds: int) -> None:
    """Ask each way in turn for a streamed answer made from several, and record the times."""
    async with aiohttp.ClientSession() as session:
        for way in ways:
            await ask(session, way.target, stream=True, **way.fields)
        server.change(Weather(latency=LATENCY))
        for _ in range(rounds):
            for way in ways:
                assert way.target.pid is not None
                cpu, calls = cpu_of(way.target.pid), server.counters.requests
                way.first.append(await ask(session, way.target, stream=True, **way.fields))
                way.cpu.append(cpu_of(way.target.pid) - cpu)
                way.calls = server.counters.requests - calls


def ours(exits: ExitStack, server: LoopbackServer) -> Target:
    """The gateway of catsdk."""
    port = free_port()
    command = [sys.executable, "-c", "from catsdk.cli import main; main()", "serve"]
    command += ["--model", "openai:loopback", "--port", str(port)]
    upstream = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    pid = exits.enter_context(process(command, port, **upstream))
    made = {
        f"synthesis of {n}": {"model": "cat/synthesis:openai:loopback", "cat": {"n": n}}
        for n in (3, 8)
    }
    url = f"http://127.0.0.1:{port}/v1"
    return Target("catsdk", url, "openai:loopback", "none", pid, made)


def litellm(exits: ExitStack, server: LoopbackServer, command: str) -> Target:
    """The proxy of litellm, which cannot combine several answers."""
    config = Path(exits.enter_context(tempfile.TemporaryDirectory())) / "config.yaml"
    config.write_text(CONFIG.format(url=server.url, key=server.key))
    port = free_port()
    line = [command, "--config", str(config), "--port", str(port)]
    pid = exits.enter_context(process(line, port, LITELLM_LOCAL_MODEL_COST_MAP="True"))
    return Target("litellm's proxy", f"http://127.0.0.1:{port}/v1", "loopback", "sk-master", pid)


def optillm(exits: ExitStack, server: LoopbackServer, command: str) -> Target:
    """The proxy of optillm, whose approaches make three rollouts by default."""
    port = free_port()
    line = [command, "--base-url", server.url, "--port", str(port), "--log", "error"]
    pid = exits.enter_context(process(line, port, OPENAI_API_KEY=server.key, HF_HUB_OFFLINE="1"))
    ways = {"moa": "moa of 3", "bon": "best of 3"}
    made = {shown: {"model": f"{name}-loopback"} for name, shown in ways.items()}
    url = f"http://127.0.0.1:{port}/v1"
    return Target("optillm's proxy", url, "none-loopback", server.key, pid, made)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--litellm", help="the litellm command, with its proxy installed")
    parser.add_argument("--optillm", help="the optillm command")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--answers", type=int, default=20)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with ExitStack() as exits:
        server = exits.enter_context(LoopbackServer(FunctionProvider(reply)))
        direct = Target("the server itself", server.url, "loopback", server.key)
        targets = [direct, ours(exits, server)]
        if options.litellm:
            targets.append(litellm(exits, server, options.litellm))
        if options.optillm:
            targets.append(optillm(exits, server, options.optillm))
        anyio.run(measure, targets, options.rounds, options.requests)
        ways = [
            Way(target, name, fields) for target in targets for name, fields in target.made.items()
        ]
        anyio.run(first_pieces, server, ways, options.answers)
    print_passed_on(targets)
    print_made(ways)
    print(f"\nload of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after")


def print_passed_on(targets: list[Target]) -> None:
    """Print CPU and times of each proxy, and their ratios to the gateway's."""
    direct, first, *peers = targets
    print(
        "| proxy | CPU ms a request | whole answer, ms over the server's | first piece, ms over |"
    )
    print("| --- | --- | --- | --- |")
    for target in targets[1:]:
        cpu = 1000 * median(target.cpu)
        whole = 1000 * (median(target.whole) - median(direct.whole))
        piece = 1000 * (median(target.first) - median(direct.first))
        print(f"| {target.name} | {cpu:.1f} | {whole:.1f} | {piece:.1f} |")
    for target in peers:
        print(f"\ncatsdk's CPU is {median(first.cpu) / median(target.cpu):.2f} of {target.name}")


def print_made(ways: list[Way]) -> None:
    """Print calls, CPU and times of each way to combine answers."""
    print("\n| proxy | way | calls | CPU ms an answer | first piece, ms (range) |")
    print("| --- | --- | --- | --- | --- |")
    for way in ways:
        times = sorted(1000 * seconds for seconds in way.first)
        print(
            f"| {way.target.name} | {way.name} | {way.calls} | {1000 * mean(way.cpu):.0f}"
            f" | {median(times):.0f} ({times[0]:.0f} to {times[-1]:.0f}) |"
        )
    for way in ways:
        if way.target.name == "catsdk":
            over = sorted(1000 * (seconds - 2 * LATENCY) for seconds in way.first)
            print(
                f"\nfirst piece of the {way.name} over two latencies: median {median(over):.0f} ms,"
                f" {over[0]:.0f} to {over[-1]:.0f} ms"
            )


if __name__ == "__main__":
    main()
