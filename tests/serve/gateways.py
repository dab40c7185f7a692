"""Gateways in front of models that are scripted, wait, or are reached over a loopback server."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from openai import AsyncOpenAI

from catsdk.core.ports import Capabilities, OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.serve import GatewayConfig, serving_gateway
from catsdk.testing import LoopbackServer, RawReply

QUESTION: Any = [{"role": "user", "content": "What is 2+2?"}]
ANSWER = "It is\n\\boxed{4}."
SUMMARY = "# SUMMARY\nThey agree.\n# UNIFIED RESPONSE\n"


def is_anchor(request: Request) -> bool:
    return "UNIFIED RESPONSE" in request.messages[-1].text


def texts(request: Request) -> list[str] | str:
    if is_anchor(request):
        return SUMMARY + ANSWER
    return ["\\boxed{5}", *["\\boxed{4}"] * (request.n - 1)] if request.n > 1 else "plain"


class Stepping:
    """A model whose anchor writes a piece, and the next one when it is told to."""

    name = "stepping"
    free = True
    capabilities = Capabilities(n=True, streaming=True)

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.steps = [anyio.Event() for _ in pieces]
        self.began, self.cancelled = anyio.Event(), anyio.Event()
        self.ended = False

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        usage = Usage(input_tokens=3, output_tokens=2, requests=1)
        if not is_anchor(request):
            return [Completion(text="\\boxed{4}", usage=usage) for _ in range(request.n)]
        self.began.set()
        try:
            for piece, step in zip(self.pieces, self.steps, strict=True):
                await step.wait()
                if on_text is not None:
                    on_text(piece)
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise
        self.ended = True
        return [Completion(text="".join(self.pieces), usage=usage)]


def half_written() -> Stepping:
    """A model whose anchor has begun its answer, and ends it when its last step is set."""
    model = Stepping(SUMMARY, "It is", "\n\\boxed{4}.")
    for step in model.steps[:-1]:
        step.set()
    return model


def tool_call(name: str, arguments: str, *, said: str | None = None, **more: Any) -> RawReply:
    """A chat completion that calls a tool."""
    call = {"id": "call-7", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": said, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return RawReply({"choices": [choice], "model": "m", **more})


class Failing:
    """A model that raises an error, the anchor after some of its text if that is given."""

    name = "failing"
    free = True
    capabilities = Capabilities(n=True, streaming=True)

    def __init__(self, error: Exception, *, after: str | None = None) -> None:
        self.error, self.after = error, after

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        if self.after is None:
            raise self.error
        if not is_anchor(request):
            return [Completion(text="\\boxed{4}")] * request.n
        if on_text is not None:
            on_text(self.after)
        raise self.error


@asynccontextmanager
async def served(*providers: Any, **settings: Any) -> AsyncGenerator[str]:
    """A gateway in front of providers, each under its name."""
    with anyio.fail_after(60):
        async with serving_gateway(
            GatewayConfig(**settings), providers={each.name: each for each in providers}
        ) as address:
            yield address


def reached_by_openai(monkeypatch: pytest.MonkeyPatch, server: LoopbackServer) -> None:
    """Let `openai:loopback` reach a server."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", server.key)


@asynccontextmanager
async def upstream_of(
    monkeypatch: pytest.MonkeyPatch, provider: Any, **settings: Any
) -> AsyncGenerator[LoopbackServer]:
    """As the fixture `upstream`, in front of a provider of the test's own."""
    async with LoopbackServer(provider, **settings) as upstream:
        reached_by_openai(monkeypatch, upstream)
        yield upstream


@asynccontextmanager
async def client_of(address: str, key: str = "none") -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0) as client:
        yield client


async def post(
    address: str, body: Any, path: str = "/v1/chat/completions", **headers: str
) -> tuple[int, Any, Any]:
    """Send a body by hand; returns status, JSON and headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(headers=named) as session,
        session.post(address + path, json=body) as response,
    ):
        return response.status, await response.json(), response.headers


def body(model: str = "cat/synthesis:function", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": QUESTION, **more}


def code_of(section: str, address: str) -> str:
    """The code of a section of docs/integrations.md, asking the scripted model at an address."""
    page = (Path(__file__).parents[2] / "docs" / "integrations.md").read_text(encoding="utf-8")
    text = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    block: str
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    there = block.replace("http://127.0.0.1:8000", address)
    return there.replace("cat/synthesis:openai:gpt-5", "cat/synthesis:function")
