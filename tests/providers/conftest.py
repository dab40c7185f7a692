"""Every test of a provider begins with nothing learnt, and may ask for a loopback server."""

from collections.abc import Generator

import pytest

from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk_providers.http.quirks import forget
from tests.providers.contract import obedient


@pytest.fixture(autouse=True)
def nothing_learnt() -> None:
    """Servers of other tests had the same ports."""
    forget()


@pytest.fixture
def server() -> Generator[LoopbackServer]:
    """A server with a scripted model behind it."""
    with LoopbackServer(FunctionProvider(obedient)) as serving:
        yield serving
