"""The tools through the official SDK of the Model Context Protocol."""

# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the SDK has an environment of its own: make test-gateway")
from mcp import Client, StdioServerParameters

import catsdk as cat
from catsdk.core.types import Request
from catsdk.serve import mcp_server
from catsdk.testing import FunctionProvider
from tests.serve.gateways import ANSWER, texts


def script(request: Request) -> Any:
    if "criterion" in request.messages[-1].text.lower():
        return '{"verdict": "yes", "reason": "it says so"}'
    return texts(request)


async def test_an_assistant_finds_the_tools_and_hears_of_their_progress() -> None:
    told: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total))

    async with (
        mcp_server(cat.CaT(FunctionProvider(script))) as server,
        Client(server) as client,
    ):
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"synthesize", "compare_answers", "judge"}
        arguments = {"question": "What is 2+2?", "n": 4}
        made: Any = await client.call_tool("synthesize", arguments, progress_callback=progress)
        same: Any = await client.call_tool("compare_answers", {"first": "50 %", "second": "1/2"})
        judged: Any = await client.call_tool(
            "judge", {"question": "q", "response": "r", "criteria": ["It says r."]}
        )
    answer = made.structured_content
    assert (answer["text"], answer["agreement"], answer["attempts"]) == (ANSWER, 0.75, 4)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert same.structured_content["same"] is True
    assert judged.structured_content["verdicts"][0]["met"] is True


async def test_the_budget_holds_over_all_calls_and_what_is_wrong_is_told() -> None:
    policy = FunctionProvider(script)
    budget = cat.Budget(requests=2)
    async with mcp_server(cat.CaT(policy), budget=budget) as server, Client(server) as client:
        arguments = {"question": "What is 2+2?", "n": 2}
        assert not (await client.call_tool("synthesize", arguments)).is_error
        refused: Any = await client.call_tool("synthesize", arguments)
        many: Any = await client.call_tool("synthesize", {"question": "q", "n": 99})
    assert refused.is_error and "budget of 2 requests" in refused.content[0].text
    assert many.is_error and "give from 1 to 32" in many.content[0].text
    assert len(policy.requests) == 2


async def test_the_command_serves_over_the_standard_streams() -> None:
    command = ["-c", "from catsdk.cli import main; main()", "mcp", "--model", "vllm:none"]
    server = StdioServerParameters(command=sys.executable, args=command)
    async with Client(server) as client:
        same: Any = await client.call_tool("compare_answers", {"first": "4", "second": "4.0"})
    assert same.structured_content["same"] is True
