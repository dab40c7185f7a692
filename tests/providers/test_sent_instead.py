"""What is asked once more after a refusal is one request more of the budget, and is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import (
    MalformedResponseError,
    ProviderError,
    RateLimitedError,
    RequestRefusedError,
)
from catsdk.core.sending import Price
from catsdk.core.types import Request, Usage
from catsdk.runtime.context import context_of
from catsdk.runtime.spending.account import Account, Amount
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from catsdk.testing.wire import RawReply
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.provider import OpenAIProvider
from tests.providers.contract import ask, obedient

Reply = Callable[[dict[str, Any]], RawReply | None]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"met": {"type": "boolean"}}}
USAGE = {"prompt_tokens": 5, "completion_tokens": 3}
CHAT = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": '{"met": true}'}}],
    "usage": USAGE,
}
MESSAGE = {
    "type": "message",
    "content": [{"type": "tool_use", "name": "reply", "input": {"met": True}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 5, "output_tokens": 3},
}
BAD = RawReply({"error": {"message": "Bad Request"}}, 400)


PRICES = {name: Price(input=1.0, output=1.0) for name in ("openai:m", "anthropic:m")}


def served(answer: Reply) -> LoopbackServer:
    server = LoopbackServer(FunctionProvider(obedient), model="m")
    server.answer = answer
    return server


def opened(make: Any, server: LoopbackServer) -> Any:
    return make(server.model, base_url=server.url, api_key=server.key)


def refuses(field: str, otherwise: RawReply) -> Reply:
    def answer(payload: dict[str, Any]) -> RawReply:
        carried = payload.get("n", 1) > 1 if field == "n" else field in payload
        return BAD if carried else otherwise

    return answer


CASES: dict[str, tuple[Any, Request, Reply]] = {
    "n": (OpenAIProvider, ask(n=3), refuses("n", RawReply(CHAT))),
    "schema": (
        OpenAIProvider,
        ask(json_schema=SCHEMA),
        refuses("response_format", RawReply(CHAT)),
    ),
    "form": (
        AnthropicProvider,
        ask(json_schema=SCHEMA),
        refuses("output_config", RawReply(MESSAGE)),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("own", [1, 2])
@pytest.mark.parametrize("whole", [1, 2])
async def test_no_request_is_asked_once_more_past_a_budget(case: str, own: int, whole: int) -> None:
    make, request, answer = CASES[case]
    account = Account(cat.Budget(requests=own, usd=1.0))
    client = cat.Client(budget=cat.Budget(requests=whole), prices=PRICES)
    assert client.account is not None
    async with served(answer) as server, opened(make, server) as model:
        async with context_of(client, accounts=(account,)) as ctx:
            chained = await ctx.model(model)
            with anyio.fail_after(20):
                if min(own, whole) == 2:
                    (completion,) = await chained.complete(request)
                    assert completion.usage.requests == 2
                else:
                    with pytest.raises(RequestRefusedError, match="Bad Request"):
                        await chained.complete(request)
        assert server.counters.requests == min(own, whole)
    assert account.requests == client.account.requests == min(own, whole)
    assert account.reserved == client.account.reserved == Amount()


@pytest.mark.parametrize("cap", [8, 9, 12])
async def test_a_group_keeps_to_the_budget_where_its_n_is_refused(cap: int) -> None:
    answer = refuses("n", RawReply(CHAT))
    async with served(answer) as server, opened(OpenAIProvider, server) as model:
        async with cat.CaT(model, estimator=cat.Majority()) as c:
            with anyio.fail_after(20):
                result = await c.run("6*7?", 12, budget=cat.Budget(requests=cap))
        assert result.group is not None
        assert server.counters.requests == result.usage.requests == cap
        # One was refused, and each other one brought a rollout.
        assert len(result.group.rollouts) == cap - 1
        assert result.partial


@pytest.mark.parametrize(
    ("second", "kind", "usage", "billed"),
    [
        (
            RawReply({"error": {"message": "no"}}, 400),
            RequestRefusedError,
            Usage(requests=2),
            False,
        ),
        (RawReply({"error": {"message": "slow"}}, 429), RateLimitedError, Usage(requests=2), False),
        (
            RawReply({"choices": []}),
            MalformedResponseError,
            Usage(requests=2, unreported=1, cost=None),
            True,
        ),
    ],
)
async def test_the_failure_of_the_second_request_is_told_and_paid(
    second: RawReply, kind: type[ProviderError], usage: Usage, billed: bool
) -> None:
    account = Account(cat.Budget(requests=9, tokens=10_000))
    client = cat.Client(retry=cat.Retry(times=0))
    answer = refuses("n", second)
    async with (
        served(answer) as server,
        opened(OpenAIProvider, server) as model,
        context_of(client, accounts=(account,)) as ctx,
    ):
        chained = await ctx.model(model)
        with anyio.fail_after(20), pytest.raises(kind) as caught:
            await chained.complete(ask(n=3))
    assert caught.value.usage == usage
    assert account.requests == 2
    assert bool(account.tokens) == billed


@pytest.mark.parametrize("cap", [5, 6])
async def test_a_synthesis_without_a_response_is_asked_once_more_within_the_budget(
    cap: int,
) -> None:
    def script(request: Request) -> str:
        return "4" if len(request.messages[-1].text) < 20 else "# SUMMARY\nall say 4"

    model = FunctionProvider(script, capabilities=cat.Capabilities())
    async with cat.CaT(model) as c:
        with anyio.fail_after(20):
            result = await c.run("2+2?", 4, budget=cat.Budget(requests=cap))
    assert len(model.requests) == cap == result.usage.requests
    assert result.group is not None
    assert len(result.group.rollouts) == 4
