"""A call that takes too long ends, is cancelled below, and says what to do."""

import anyio
import pytest

from catsdk.core.errors import TimedOutError
from catsdk.core.types import Message, Request
from catsdk.runtime.wrappers.timeout import Timeout
from catsdk.testing import FunctionProvider
from tests.hanging import Hanging

ASK = Request(messages=(Message(role="user", content="q"),))


async def test_a_call_over_its_time_is_cancelled_and_is_a_transient_error() -> None:
    call = Hanging()
    with anyio.fail_after(5), pytest.raises(TimedOutError, match="CATSDK_TIMEOUT") as caught:
        await Timeout(FunctionProvider(call, name="slow"), 0.01).complete(ASK)
    assert call.cancelled.is_set()
    assert (caught.value.transient, caught.value.model) == (True, "slow")


async def test_a_call_within_its_time_passes_through() -> None:
    model = Timeout(FunctionProvider(lambda _: "x"), 60.0)
    assert (await model.complete(ASK))[0].text == "x"


async def test_a_cancellation_from_outside_is_no_timeout() -> None:
    async def script(_: Request) -> str:
        await anyio.sleep_forever()
        return "never"

    with anyio.move_on_after(0.01) as scope:
        await Timeout(FunctionProvider(script), 60.0).complete(ASK)
    assert scope.cancelled_caught
