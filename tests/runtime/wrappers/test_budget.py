"""Calls are paid before they are sent, and settled by what they really used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from catsdk.core.errors import (
    BudgetExceededError,
    CatError,
    ConfigurationError,
    ConnectionFailedError,
    InvalidInputError,
    MalformedResponseError,
    ServerError,
    UnsupportedError,
)
from catsdk.core.ports import Capabilities, Provider, tokens_of
from catsdk.core.sending import Budget, Price
from catsdk.core.types import Completion, ImagePart, Message, Request, TextPart
from catsdk.runtime.spending.account import Account, Amount
from catsdk.runtime.spending.prices import Fixed
from catsdk.runtime.wrappers.budget import Room, Spend, most
from catsdk.testing import FunctionProvider
from tests.runtime.costing import costing, costing_in_turn
from tests.runtime.wrappers.whole_chain import whole_chain

ASK = Request(messages=(Message(role="user", content="a question"),), max_tokens=100)
RATES = Fixed(Price(input=1.0, output=10.0))


async def spent(script: Callable[[Request], Completion], **caps: Any) -> Account:
    account = Account(Budget(**caps))
    await Spend(FunctionProvider(script), account, RATES).complete(ASK)
    return account


async def test_a_call_is_settled_by_its_tokens() -> None:
    assert (await spent(lambda _: costing(7), tokens=1000)).tokens == 7


async def test_usage_that_the_service_does_not_tell_counts_as_the_most_possible() -> None:
    account = await spent(lambda _: costing(0, unreported=1), tokens=1000, usd=1.0)
    assert Amount(account.tokens, account.usd) == most(ASK, account.budget, RATES)


async def after(error: BaseException) -> Amount:
    account = Account(Budget(tokens=1000, usd=1.0))

    def script(_: Request) -> str:
        raise error

    with pytest.raises(type(error)):
        await Spend(FunctionProvider(script), account, RATES).complete(ASK)
    assert account.reserved == Amount()
    return Amount(account.tokens, account.usd)


async def test_an_answer_with_an_error_status_is_not_billed() -> None:
    assert await after(ServerError("boom", status=500)) == Amount()


@pytest.mark.parametrize(
    "error", [ConnectionFailedError("reset"), MalformedResponseError("cut", status=200), OSError()]
)
async def test_a_call_that_broke_off_counts_as_the_most_possible(error: Exception) -> None:
    assert await after(error) == most(ASK, Budget(tokens=1, usd=1), RATES)


async def test_a_call_that_was_never_sent_costs_nothing() -> None:
    assert await after(UnsupportedError("no n", capability="n")) == Amount()


async def test_a_call_cut_by_cancellation_counts_as_the_most_possible() -> None:
    account = Account(Budget(tokens=1000))

    async def script(_: Request) -> str:
        await anyio.sleep_forever()
        return "never"

    with anyio.move_on_after(0.01):
        await Spend(FunctionProvider(script), account).complete(ASK)
    assert account.tokens == most(ASK, account.budget, None).tokens
    assert account.reserved == Amount()


def test_the_bound_covers_bytes_pictures_schemas_and_every_answer() -> None:
    budget = Budget(tokens=1)
    plain = most(ASK, budget, None).tokens
    assert plain >= len("a question") + 100
    assert most(ASK.model_copy(update={"n": 3}), budget, None).tokens == plain + 200
    image = Message(role="user", content=(TextPart(text="a question"), ImagePart(url="data:,")))
    assert most(ASK.model_copy(update={"messages": (image,)}), budget, None).tokens > plain + 10_000
    schema = {"type": "object", "description": "y" * 500}
    assert most(ASK.model_copy(update={"json_schema": schema}), budget, None).tokens > plain + 500
    wide = Message(role="user", content="漢" * 100)
    assert most(ASK.model_copy(update={"messages": (wide,)}), budget, None).tokens >= 400


def test_a_bound_without_max_tokens_is_refused() -> None:
    for budget in (Budget(tokens=1), Budget(usd=1)):
        with pytest.raises(InvalidInputError, match="max_tokens"):
            most(ASK.model_copy(update={"max_tokens": None}), budget, RATES)


async def outcomes(work: Callable[[], Awaitable[object]], times: int) -> list[object]:
    results: list[object] = []

    async def one() -> None:
        try:
            results.append(await work())
        except CatError as error:
            results.append(error)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(times):
                tasks.start_soon(one)
    return results


@pytest.mark.behaviour("budget-is-never-exceeded")
async def test_calls_at_once_use_a_token_budget_up_and_do_not_pass_it() -> None:
    model = FunctionProvider(costing_in_turn(10))
    account = Account(Budget(tokens=1000))
    provider: Provider = whole_chain(model, account, limits={"in_flight": 20})
    results = await outcomes(lambda: provider.complete(ASK), 500)
    refused = [result for result in results if isinstance(result, BudgetExceededError)]
    bound = most(ASK, account.budget, None).tokens
    # Each settles to 10 tokens, so calls go on until the bound of one does not fit any more.
    assert len(model.requests) == (1000 - bound) // 10 + 1
    assert len(model.requests) + len(refused) == 500
    assert account.tokens <= 1000


async def test_a_request_budget_of_100_sends_100_of_500() -> None:
    model = FunctionProvider(lambda _: "ok")
    provider = whole_chain(model, Account(Budget(requests=100)))
    results = await outcomes(lambda: provider.complete(ASK), 500)
    assert len(model.requests) == 100
    assert sum(isinstance(result, BudgetExceededError) for result in results) == 400


@pytest.mark.behaviour("retries-are-paid")
async def test_every_retry_is_paid() -> None:
    def script(_: Request) -> str:
        raise ServerError("boom", status=500, retry_after=0.001)

    model, account = FunctionProvider(script), Account(Budget(requests=2))
    with anyio.fail_after(5), pytest.raises(BudgetExceededError):
        await whole_chain(model, account).complete(ASK)
    assert len(model.requests) == 2


def test_a_money_budget_needs_a_known_price() -> None:
    model = FunctionProvider(lambda _: "ok", name="openai:unheard-of")
    model.free = False  # type: ignore[misc]
    with pytest.raises(ConfigurationError, match=r"openai:unheard-of.*Client\(prices="):
        whole_chain(model, Account(Budget(usd=1.0)))


async def test_an_explicit_price_is_charged_and_shown() -> None:
    model = FunctionProvider(lambda _: costing(100), name="mine:m")
    prices = {"m": Price(input=1.0, output=10_000.0)}
    account = Account(Budget(usd=2.0))
    provider = whole_chain(model, account, prices=prices)
    (first,) = await provider.complete(ASK)
    assert first.usage.cost == pytest.approx(1.0)
    assert account.usd == pytest.approx(1.0)
    with pytest.raises(BudgetExceededError):
        await provider.complete(ASK)
    assert len(model.requests) == 1


@pytest.mark.behaviour("four-caps")
async def test_the_time_of_a_budget_cuts_what_is_in_flight() -> None:
    async def script(_: Request) -> str:
        await anyio.sleep_forever()
        return "never"

    account = Account(Budget(seconds=0.05))
    provider = whole_chain(FunctionProvider(script), account)
    with anyio.fail_after(5), pytest.raises(BudgetExceededError, match="0.05 seconds"):
        await provider.complete(ASK)


async def test_where_a_budget_bounds_an_answer_it_leaves_the_prompt_its_room() -> None:
    question = Message(role="user", content="word " * 500)
    request = Request(messages=(question,))
    narrow = FunctionProvider(lambda _: "yes", capabilities=Capabilities(context_length=1000))
    wide = FunctionProvider(lambda _: "yes")
    for provider in (narrow, wide):
        await Room(provider, 4096).complete(request)
    left = 1000 - tokens_of(narrow, question.text)
    assert 0 < (narrow.requests[0].max_tokens or 0) < left
    assert wide.requests[0].max_tokens == 4096
