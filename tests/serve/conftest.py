"""Services are tested on asyncio, on which uvicorn runs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catsdk.testing import FunctionProvider, LoopbackServer
from tests.serve.gateways import reached_by_openai, texts


@pytest.fixture
def anyio_backend() -> str:
    """The one event loop of this folder; the others' tests run on two."""
    return "asyncio"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A server with OpenAI's wire, which `openai:loopback` reaches; tests set what it answers."""
    with LoopbackServer(FunctionProvider(texts)) as server:
        reached_by_openai(monkeypatch, server)
        yield server
