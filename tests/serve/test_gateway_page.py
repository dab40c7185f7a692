"""What the page on the gateway says to type, typed: its curl lines, and its first program."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import anyio
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.serve import GatewayConfig, serving_gateway

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
BLOCK = re.search(r"```\n(curl .*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def commands() -> list[list[str]]:
    assert BLOCK is not None
    lines = re.split(r"^(?=curl )", BLOCK[1].replace("\\\n", " "), flags=re.MULTILINE)
    return [shlex.split(line) for line in lines if line]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_curl_lines_of_the_page_are_answered() -> None:
    assert len(commands()) == 4
    with anyio.fail_after(300):
        async with serving_gateway(GatewayConfig(models=("local",))) as address:
            for command in commands():
                asked = [part.replace("http://127.0.0.1:8000", address) for part in command]
                done = await anyio.run_process([*asked, "--fail-with-body", "--silent"])
                said = done.stdout.decode()
                if '"stream": true' in " ".join(asked):
                    assert said.count("data: ") > 2
                    assert said.endswith("data: [DONE]\n\n")
                else:
                    assert json.loads(said)


async def test_the_two_terminals_of_the_page_stream_an_answer() -> None:
    text = PAGE.read_text("utf-8")
    start, program = text.index("catsdk serve --model local"), text.index("```python\n")
    assert start < program
    code = text[program:].removeprefix("```python\n").partition("```")[0]
    assert "http://127.0.0.1:8000/v1" in code and len(code.splitlines()) <= 9
    serve = [sys.executable, "-c", "from catsdk.cli import main; main()", "serve"]
    with anyio.fail_after(300):
        async with await anyio.open_process([*serve, "--model", "local", "--port", "0"]) as first:
            assert first.stdout is not None
            said = b""
            while b"/v1\n" not in said:
                said += await first.stdout.receive()
            address = said.decode().partition("gateway at ")[2].split()[0]
            asked = code.replace("http://127.0.0.1:8000/v1", address)
            second = await anyio.run_process([sys.executable, "-c", asked])
            first.terminate()
    assert second.stdout.strip()
    assert second.stderr == b""
