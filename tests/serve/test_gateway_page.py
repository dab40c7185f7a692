"""The curl lines of the documentation, run against the model in the box by the real curl."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import anyio
import pytest

pytest.importorskip("torch")
pytestmark = [pytest.mark.needs_torch, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

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
