"""FunctionProvider keeps the contract, and does as scripted."""

from contextlib import nullcontext

import anyio
import pytest

from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from tests.providers.contract import Opened, ProviderContract, ask, obedient


class TestFunctionProvider(ProviderContract):
    @pytest.fixture
    def opened(self) -> Opened:
        return lambda: nullcontext(FunctionProvider(obedient))


async def test_a_text_is_scripted_for_all_n_and_counted_in_words() -> None:
    provider = FunctionProvider(lambda request: "four little words here")
    first, second = await provider.complete(ask("two words", n=2))
    assert first.text == second.text
    assert (first.usage.input_tokens, first.usage.output_tokens, first.usage.requests) == (2, 4, 1)
    assert (second.usage.input_tokens, second.usage.requests) == (0, 0)
    assert [request.n for request in provider.requests] == [2]


async def test_a_script_may_wait() -> None:
    release = anyio.Event()

    async def script(request: Request) -> str:
        await release.wait()
        return "done"

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(FunctionProvider(script).complete, ask())
            await anyio.wait_all_tasks_blocked()
            release.set()


async def test_an_error_of_the_script_is_raised() -> None:
    def script(request: Request) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await FunctionProvider(script).complete(ask())
