"""Every test: both event loops, nothing learnt of a server, no call that blocks a running loop."""

import inspect
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

import catsdk
from catsdk.runtime.limits import endpoints
from catsdk_providers.http import quirks

# How long an example takes says something of the machine: a busy one fails no test.
settings.register_profile("catsdk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("catsdk")

# The public names load lazily: here, or the first test to use one would import inside its loop.
for name in catsdk.__all__:
    getattr(catsdk, name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `soak`, unless the expression given with -m names them."""
    if "soak" in config.option.markexpr:
        return
    soaking = [item for item in items if item.get_closest_marker("soak") is not None]
    config.hook.pytest_deselected(items=soaking)
    items[:] = [item for item in items if item not in set(soaking)]


OUR_PACKAGES = ["catsdk", "catsdk_providers", "catsdk_trainers"]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run each async test on asyncio and on trio.

    A test of something that exists on one of them only (aiohttp, say) is marked
    `@pytest.mark.parametrize("anyio_backend", ["asyncio"])`; a module may set that as its
    `pytestmark`.
    """
    return str(request.param)


@pytest.fixture(autouse=True)
def nothing_learnt() -> None:
    """A server of another test may have had the port of this one's."""
    endpoints.forget()
    quirks.forget()


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail an async test whose event loop runs into a blocking call made by our code.

    The check sees asyncio loops. A blocking call raises `BlockingError` where it is made.
    """
    function = getattr(request.node, "function", None)
    marked = request.node.get_closest_marker("allow_blocking") is not None
    if marked or not inspect.iscoroutinefunction(function):
        yield
        return
    with blockbuster_ctx(OUR_PACKAGES) as blocking:
        # Vendors' code that runs in a loop of its own may hold that loop up: nobody else's waits.
        for function in blocking.functions.values():
            function.can_block_in("catsdk_providers/http/asyncio_thread.py", {"carry_out"})
        yield
