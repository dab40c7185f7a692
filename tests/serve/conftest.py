"""Services are tested on asyncio, on which uvicorn runs them."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The one event loop of this folder; the others' tests run on two."""
    return "asyncio"
