"""A failure is tried again as often and after as long as its cause suggests, and no longer."""

from __future__ import annotations

import anyio
import pytest

from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    MalformedResponseError,
    ProviderError,
    RateLimitedError,
    ServerError,
)
from catsdk.core.types import Message, Request
from catsdk.runtime.wrappers.retry import Retrying
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))
# A tiny Retry-After keeps the waits of these tests short.
SOON = 0.001


def failing(*errors: ProviderError) -> FunctionProvider:
    """Fails with each error once, then answers."""
    left = list(errors)

    def script(_: Request) -> str:
        if left:
            raise left.pop(0)
        return "ok"

    return FunctionProvider(script)


async def tries(model: FunctionProvider, **options: float) -> int:
    settings: dict[str, float] = {"max_retries": 2, **options}
    with anyio.fail_after(10):
        await Retrying(model, **settings).complete(ASK)  # type: ignore[arg-type]
    return len(model.requests)


async def tries_until_raised(error: type[ProviderError], times: int, **options: float) -> int:
    model = failing(*(error("no", retry_after=SOON) for _ in range(times)))
    with pytest.raises(error):
        await tries(model, **options)
    return len(model.requests)


async def test_a_transient_failure_is_tried_again_until_it_works() -> None:
    error = ServerError("boom", retry_after=SOON)
    assert await tries(failing(error, error)) == 3


async def test_a_failure_that_waiting_cannot_mend_is_raised_at_once() -> None:
    assert await tries_until_raised(AuthenticationError, 1) == 1


async def test_each_class_of_failure_has_its_own_number_of_tries() -> None:
    assert await tries_until_raised(ServerError, 9) == 3
    assert await tries_until_raised(RateLimitedError, 9) == 7
    assert await tries_until_raised(MalformedResponseError, 9) == 2


async def test_failures_of_different_classes_do_not_use_up_each_other_s_tries() -> None:
    server = ServerError("boom", retry_after=SOON)
    lost = ConnectionFailedError("lost", retry_after=SOON)
    assert await tries(failing(server, lost, server, lost)) == 5


async def test_no_retries_means_none_of_any_class() -> None:
    assert await tries_until_raised(RateLimitedError, 1, max_retries=0) == 1


async def test_a_wait_over_the_bound_is_not_waited_for() -> None:
    model = failing(RateLimitedError("later", retry_after=3600.0))
    with pytest.raises(RateLimitedError):
        await tries(model)
    assert len(model.requests) == 1


async def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    model = failing(RateLimitedError("later", retry_after=5.0))
    with pytest.raises(RateLimitedError):
        await tries(model, within=4.0)
    assert len(model.requests) == 1


async def test_an_answer_whose_text_was_begun_is_not_told_twice() -> None:
    class Breaks:
        calls = 0

        async def complete(self, request: Request, on_text: object = None) -> object:
            self.calls += 1
            assert callable(on_text)
            on_text("half of")
            raise ConnectionFailedError("lost")

    model, pieces = Breaks(), list[str]()
    with pytest.raises(ConnectionFailedError):
        await Retrying(model, 3).complete(ASK, pieces.append)  # type: ignore[arg-type]
    assert (model.calls, pieces) == (1, ["half of"])


async def test_a_retry_that_is_cancelled_while_it_waits_sends_nothing_more() -> None:
    model = failing(RateLimitedError("later", retry_after=60.0))
    with anyio.move_on_after(0.01) as scope:
        await Retrying(model, 2).complete(ASK)
    assert scope.cancelled_caught
    assert len(model.requests) == 1
