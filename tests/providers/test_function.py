"""FunctionProvider keeps the contract, and does as scripted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from catsdk.core.types import Completion, Request
from catsdk.testing import FunctionProvider
from tests.providers.contract import ProviderContract, ask


def obedient(request: Request) -> Completion | list[Completion]:
    """A scripted model that keeps the settings which the contract looks at."""
    text, finish = "one two\nthree", "stop"
    if (request.max_tokens or 1000) < 3:
        text, finish = "one", "length"
    for stop in request.stop:
        text = text.partition(stop)[0]
    prompt = sum(len(message.text.split()) for message in request.messages)
    first = {"input_tokens": prompt, "output_tokens": 3, "requests": 1, "cost": 0.0}
    rest = {**first, "input_tokens": 0, "requests": 0}
    return [
        Completion.model_validate(
            {
                "text": text,
                "finish_reason": finish,
                "usage": rest if at else first,
                "model": "scripted",
                "logprobs": [{"token": "one", "logprob": -0.1}] if request.logprobs else None,
            }
        )
        for at in range(request.n)
    ]


class TestFunctionProvider(ProviderContract):
    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[FunctionProvider]:
        yield FunctionProvider(obedient)


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
