"""Every test of a provider may ask for a loopback server."""

from collections.abc import Generator

import pytest

from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from tests.providers.contract import obedient


@pytest.fixture
def server() -> Generator[LoopbackServer]:
    """A server with a scripted model behind it."""
    with LoopbackServer(FunctionProvider(obedient)) as serving:
        yield serving
