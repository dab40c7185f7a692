"""A run's own budget stands beside the client's: neither is passed, what is not used comes back."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import BudgetExceededError, NoEvidenceError, ServerError
from catsdk.core.types import Completion, Message, Request
from catsdk.runtime.context import context_of
from catsdk.runtime.spending.account import Account, Amount
from catsdk.runtime.wrappers.budget import most
from catsdk.testing import FunctionProvider
from tests.runtime.costing import costing, costing_in_turn

ASK = Request(messages=(Message(role="user", content="q"),), max_tokens=100)
ONE_BY_ONE = cat.Capabilities()
Answer = Callable[[Request], object]


def model_of(script: Callable[[Request], object] = lambda _: "\\boxed{4}") -> FunctionProvider:
    return FunctionProvider(script, capabilities=ONE_BY_ONE)  # type: ignore[arg-type]


@pytest.mark.parametrize(("own", "whole"), [(3, 10), (10, 3), (3, 3)])
async def test_a_run_passes_neither_its_own_budget_nor_the_client_s(own: int, whole: int) -> None:
    model = model_of()
    client = cat.Client(budget=cat.Budget(requests=whole))
    async with cat.CaT(model, client=client) as c:
        result = await c.run("2+2", 8, budget=cat.Budget(requests=own))
    assert len(model.requests) == min(own, whole)
    assert result.partial and result.answer == "4"
    assert client.account is not None and client.account.requests == min(own, whole)


async def test_each_run_has_its_whole_budget_and_all_share_the_client_s() -> None:
    model = model_of()
    client = cat.Client(budget=cat.Budget(requests=8))
    sent = []
    async with cat.CaT(model, estimator=cat.Majority(), client=client) as c:
        for at in range(3):
            before = len(model.requests)
            await c.run(f"prompt {at}", 5, budget=cat.Budget(requests=4))
            sent.append(len(model.requests) - before)
            if at == 1:
                break
        assert sent == [4, 4]
        with pytest.raises(NoEvidenceError) as caught:
            await c.run("prompt 2", 5, budget=cat.Budget(requests=4))
    assert isinstance(caught.value.__cause__, BudgetExceededError)
    assert len(model.requests) == 8


async def test_the_budget_of_a_map_is_one_for_all_its_prompts() -> None:
    model = model_of()
    async with cat.CaT(model, estimator=cat.Majority()) as c:
        with anyio.fail_after(10):
            budget = cat.Budget(requests=7)
            results = [r async for r in c.map(map(str, range(10)), 2, budget=budget)]
    assert len(results) == 10
    assert len(model.requests) == 7


async def test_a_call_refused_by_one_account_takes_nothing_from_the_other() -> None:
    first, second = Account(cat.Budget(requests=5)), Account(cat.Budget(requests=1))
    model = model_of()
    for accounts in ((first, second), (second, first)):
        async with context_of(cat.Client(), accounts=accounts) as ctx:
            provider = await ctx.model(model)
            for _ in range(3):
                with pytest.raises(BudgetExceededError) if model.requests else _nothing():
                    await provider.complete(ASK)
    assert (first.requests, second.requests, len(model.requests)) == (1, 1, 1)
    assert first.reserved == second.reserved == Amount()


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def test_reservations_of_both_accounts_come_back_however_a_call_ends() -> None:
    async def script(request: Request) -> Completion:
        word = request.messages[0].text
        if word == "fail":
            raise ServerError("boom", status=500)
        if word == "hang":
            await anyio.sleep_forever()
        return costing(3)

    client = cat.Client(budget=cat.Budget(tokens=100_000), retry=cat.Retry(times=0))
    own = Account(cat.Budget(tokens=50_000, usd=1.0))
    assert client.account is not None
    bound = most(saying("hang"), own.budget, None).tokens
    with anyio.fail_after(10):
        async with context_of(client, accounts=(own,)) as ctx:
            provider = await ctx.model(model_of(script))
            await provider.complete(ASK)
            with pytest.raises(ServerError):
                await provider.complete(saying("fail"))
            assert (own.tokens, client.account.tokens) == (3, 3)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(provider.complete, saying("hang"))
                await anyio.wait_all_tasks_blocked()
                assert own.reserved.tokens == client.account.reserved.tokens == bound
                tasks.cancel_scope.cancel()
    # What broke off may have been billed, and counts as the most that it could have used.
    assert (own.tokens, client.account.tokens) == (3 + bound, 3 + bound)
    assert own.reserved == client.account.reserved == Amount()


def saying(word: str) -> Request:
    return Request(messages=(Message(role="user", content=word),), max_tokens=100)


@pytest.mark.parametrize("short", ["client", "run"])
async def test_a_call_waits_with_no_place_in_flight_until_either_account_has_room(
    short: str,
) -> None:
    bound = most(ASK, cat.Budget(tokens=1), None).tokens
    tight, wide = cat.Budget(tokens=bound + 10), cat.Budget(tokens=10 * bound)
    go_on = anyio.Event()

    async def script(request: Request) -> Completion:
        await go_on.wait()
        return costing(2)

    model = model_of(script)
    client = cat.Client(budget=tight if short == "client" else wide)
    own = Account(wide if short == "client" else tight)
    answers: list[object] = []

    async def call(provider: cat.Provider) -> None:
        answers.extend(await provider.complete(ASK))

    assert client.account is not None
    with anyio.fail_after(10):
        async with context_of(client, accounts=(own,)) as ctx:
            provider = await ctx.model(model)
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(call, provider)
                await anyio.wait_all_tasks_blocked()
                assert len(model.requests) == 1
                assert client.gate(model).in_flight == 1
                assert own.reserved.tokens == client.account.reserved.tokens == bound
                go_on.set()
    assert len(answers) == 4
    assert own.tokens == client.account.tokens == 8
    assert own.reserved == client.account.reserved == Amount()


@pytest.mark.behaviour("budget-is-never-exceeded")
async def test_many_runs_at_once_use_both_budgets_up_and_pass_neither() -> None:
    model = model_of(costing_in_turn(10))
    client = cat.Client(budget=cat.Budget(tokens=3_000, answer_tokens=100))
    sampler = cat.Sampler(model, cat.Sampling(max_tokens=100))
    assert client.account is not None
    with anyio.fail_after(20):
        async with cat.CaT(sampler, estimator=cat.Majority(), client=client) as c:
            groups = []

            async def run(at: int) -> None:
                try:
                    own = cat.Budget(requests=30)
                    groups.append((await c.run(f"p{at}", 40, budget=own)).group)
                except NoEvidenceError as error:
                    groups.append(error.group)

            async with anyio.create_task_group() as tasks:
                for at in range(12):
                    tasks.start_soon(run, at)
    assert all(group is not None and len(group.rollouts) <= 30 for group in groups)
    assert client.account.tokens == 10 * len(model.requests) <= 3_000
    assert client.account.reserved == Amount()


async def test_a_budget_of_money_without_a_known_price_is_refused_for_a_run_too() -> None:
    model = model_of()
    model.free = False  # type: ignore[misc]
    model.name = "openai:unheard-of"
    async with cat.CaT(model) as c:
        with pytest.raises(cat.CatError, match="price of openai:unheard-of is not known"):
            await c.run("2+2", 2, budget=cat.Budget(usd=1))
    assert model.requests == []
