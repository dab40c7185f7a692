"""The real llama.cpp server that the tests of this folder call."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.providers.served import free_port, served
from tests.servers.llama_server import READY

SCRIPT = Path(__file__).parent / "llama_server.py"


@pytest.fixture(scope="module", name="url")
def served_url() -> Generator[str]:
    port = free_port()
    command = [sys.executable, str(SCRIPT), str(port)]
    with served(command, ready=READY, within=120, environment={}):
        yield f"http://127.0.0.1:{port}"
