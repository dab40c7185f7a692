"""The loopback server's weather is repeatable in any order of requests, and chaos has it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from random import Random

import anyio
import pytest

from catsdk.core import errors
from catsdk.core.errors import ProviderError
from catsdk.testing import FunctionProvider, LoopbackServer, Weather, chaos
from catsdk.testing.chat_wire import Fault
from catsdk.testing.weather import CHAOS, Chance
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask

PAYLOADS = [{"model": "m", "messages": [{"role": "user", "content": str(at)}]} for at in range(50)]


@pytest.fixture
def server() -> Generator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(lambda _: "one two")) as serving:
        yield serving


def test_the_order_of_different_requests_does_not_change_what_each_meets() -> None:
    in_order, shuffled = Chance(chaos(7)), Chance(chaos(7))
    forecasts = [in_order.draw(payload) for payload in PAYLOADS]
    order = list(range(len(PAYLOADS)))
    Random(1).shuffle(order)
    again = {at: shuffled.draw(PAYLOADS[at]) for at in order}
    assert forecasts == [again[at] for at in range(len(PAYLOADS))]
    assert forecasts != [Chance(chaos(8)).draw(payload) for payload in PAYLOADS]


def test_the_same_request_meets_something_else_each_time() -> None:
    chance = Chance(Weather(latency=1.0, jitter=0.5))
    assert len({chance.draw(PAYLOADS[0]).latency for _ in range(20)}) == 20


def test_each_fault_of_the_chaos_has_its_share() -> None:
    chance = Chance(chaos(3))
    drawn = Counter(chance.draw(PAYLOADS[0]).fault for _ in range(20_000))
    for fault, share in CHAOS.items():
        assert drawn[fault] == pytest.approx(20_000 * share, rel=0.4), fault


def test_shares_over_one_and_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="together at most 1"):
        chaos(times=10)
    with pytest.raises(ValueError, match="trickle"):
        Weather(faults={"rain": 0.1})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("bad_gateway", errors.ServerError),
        ("trickle", errors.TimedOutError),
        ("hang", errors.TimedOutError),
        ("endless", errors.MalformedResponseError),
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_never_ends_well_is_a_typed_transient_failure(
    server: LoopbackServer, fault: Fault, kind: type[ProviderError]
) -> None:
    server.fail_next(fault)
    # Only what never comes is waited for in vain.
    seconds = 0.3 if fault in {"hang", "trickle"} else 30.0
    provider = OpenAIProvider(
        server.model, base_url=server.url, api_key=server.key, timeout=seconds
    )
    async with provider:
        with anyio.fail_after(40), pytest.raises(ProviderError) as caught:
            await provider.complete(ask())
    assert type(caught.value) is kind
    assert caught.value.transient


async def test_an_answer_under_a_wrong_content_type_is_read_all_the_same(
    server: LoopbackServer,
) -> None:
    server.fail_next("mistyped")
    async with OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10):
            (completion,) = await provider.complete(ask())
    assert completion.text == "one two"


async def test_the_server_tells_what_it_served(server: LoopbackServer) -> None:
    server.fail_next("500")
    async with OpenAIProvider(server.model, base_url=server.url, api_key=server.key) as provider:
        with anyio.fail_after(10):
            with pytest.raises(ProviderError):
                await provider.complete(ask())
            (completion,) = await provider.complete(ask())
    failed, whole = server.served
    assert (failed.status, failed.fault, failed.usage) == (500, "500", None)
    assert (whole.status, whole.usage) == (200, completion.usage.model_copy(update={"cost": 0.0}))
    assert whole.ended is not None
    assert whole.began >= (failed.ended or 0)
