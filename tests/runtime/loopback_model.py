"""A loopback server that model strings reach, and proof that nothing of it was left open."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from catsdk.core.types import Message, Request
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer

__all__ = ["ASK", "MODEL", "nothing_left_open", "serving"]

MODEL = "openai:loopback"
ASK = Request(messages=(Message(role="user", content="2+2"),))


@contextmanager
def serving(
    monkeypatch: pytest.MonkeyPatch, text: str = "so \\boxed{4}"
) -> Iterator[LoopbackServer]:
    """Serve `MODEL`, which answers `text`, to providers that are made from its name."""
    with LoopbackServer(FunctionProvider(lambda _: text)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        yield server


@contextmanager
def nothing_left_open(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where a session or a connection is found open once nobody holds it.

    Warnings are errors in these tests, so an open socket fails them too when it is collected.
    """
    with caplog.at_level(logging.DEBUG, logger="asyncio"):
        yield
        gc.collect()
    assert "Unclosed" not in caplog.text
    assert "was never retrieved" not in caplog.text
