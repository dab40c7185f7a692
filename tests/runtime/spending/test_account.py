"""A budget is never passed, whatever runs at once, and nothing is reserved when all is over."""

from __future__ import annotations

from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.errors import BudgetExceededError, InvalidInputError
from catsdk.core.sending import Budget
from catsdk.runtime.spending.account import Account, Amount, Pending
from tests.runtime.cutting import cut_off


@pytest.mark.behaviour("four-caps")
def test_requests_tokens_and_dollars_are_reserved_and_settled() -> None:
    account = Account(Budget(requests=2, tokens=100, usd=1.0))
    account.reserve(Amount(60, 0.5))
    assert (account.requests, account.tokens, account.usd) == (1, 60, 0.5)
    account.settle(Amount(60, 0.5), Amount(10, 0.1))
    assert (account.requests, account.tokens) == (1, 10)
    assert account.usd == pytest.approx(0.1)
    assert account.reserved == Amount()


def test_more_than_is_left_is_refused_with_what_to_do() -> None:
    account = Account(Budget(usd=1.0))
    with pytest.raises(BudgetExceededError, match=r"1.0 usd .* Budget\(usd=...\)"):
        account.reserve(Amount(usd=1.5))
    assert account.requests == 0


def test_sums_of_cents_reach_a_cap_exactly() -> None:
    account = Account(Budget(usd=0.3))
    for _ in range(3):
        account.reserve(Amount(usd=0.1))
        account.settle(Amount(usd=0.1), Amount(usd=0.1))
    with pytest.raises(BudgetExceededError):
        account.reserve(Amount(usd=0.000001))


def test_what_calls_in_flight_may_give_back_makes_a_call_pending_not_refused() -> None:
    account = Account(Budget(tokens=100))
    account.reserve(Amount(80))
    with pytest.raises(Pending):
        account.reserve(Amount(40))
    account.settle(Amount(80), Amount(80))
    with pytest.raises(BudgetExceededError):
        account.reserve(Amount(40))


def test_a_call_that_was_not_sent_gives_its_request_back() -> None:
    account = Account(Budget(requests=1))
    account.reserve()
    account.cancel(Amount())
    account.reserve()


def test_a_request_more_for_a_call_that_has_its_amount_is_held_to_the_cap_too() -> None:
    account = Account(Budget(requests=2, tokens=100))
    account.reserve(Amount(100))
    account.reserve_request()
    with pytest.raises(BudgetExceededError, match="budget of 2 requests is reached"):
        account.reserve_request()
    assert account.requests == 2 and account.refused
    account.cancel_request()
    account.reserve_request()
    assert (account.requests, account.tokens) == (2, 100)


def test_what_an_earlier_start_spent_counts_against_the_budget() -> None:
    account = Account(Budget(requests=10, tokens=100, usd=1.0))
    account.charge(3, Amount(90, 0.25))
    account.charge(1, Amount(5, 0.25))
    assert (account.requests, account.tokens, account.usd) == (4, 95, 0.5)
    assert account.reserved == Amount()
    with pytest.raises(BudgetExceededError, match="100 tokens"):
        account.reserve(Amount(6))
    account.reserve(Amount(5))


def test_a_call_that_an_earlier_start_sent_is_held_whatever_is_left_until_it_is_settled() -> None:
    account = Account(Budget(requests=1, tokens=100))
    account.charge(1, Amount(90))
    account.hold(Amount(50))
    assert (account.requests, account.tokens, account.reserved) == (2, 140, Amount(50))
    account.settle(Amount(50), Amount(7))
    assert (account.requests, account.tokens, account.reserved) == (2, 97, Amount())


def test_an_account_shows_its_budget_and_what_is_spent_or_reserved() -> None:
    account = Account(Budget(usd=1.0))
    account.reserve(Amount(7, 0.25))
    shown = repr(account)
    assert repr(account.budget) in shown
    assert "requests=1, tokens=7, usd=0.250000" in shown


def test_the_time_of_a_budget_begins_with_its_first_use() -> None:
    now = 10.0
    account = Account(Budget(seconds=5.0), clock=lambda: now)
    now = 100.0
    account.reserve()
    now = 105.0
    with pytest.raises(BudgetExceededError, match="5 seconds"):
        account.reserve()


def test_a_call_after_the_time_is_over_is_refused_and_remembered() -> None:
    now = [0.0]
    account = Account(Budget(seconds=5), clock=lambda: now[0])
    account.reserve()
    assert not account.refused
    now[0] = 5.0
    with pytest.raises(BudgetExceededError, match="budget of 5 seconds is used up"):
        account.reserve()
    assert account.refused and account.requests == 1


def test_caps_that_make_no_sense_are_refused_by_name() -> None:
    for wrong in ({"requests": -1}, {"usd": -0.1}, {"seconds": 0.0}, {"dollars": 1}):
        with pytest.raises(InvalidInputError, match=next(iter(wrong))):
            Budget(**dict[str, Any](wrong))


async def test_nobody_waits_for_what_fits_already_or_never_will() -> None:
    account = Account(Budget(tokens=100))
    with anyio.fail_after(5):
        await account.wait(Amount(100))
        await account.wait(Amount(101))


async def test_those_who_wait_go_on_as_soon_as_enough_is_given_back() -> None:
    account = Account(Budget(tokens=100))
    account.reserve(Amount(100))
    order: list[str] = []

    async def call(name: str, tokens: int) -> None:
        await account.wait(Amount(tokens))
        account.reserve(Amount(tokens))
        order.append(name)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call, "large", 60)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(call, "small", 30)
            await anyio.wait_all_tasks_blocked()
            account.settle(Amount(100), Amount(10))
    assert sorted(order) == ["large", "small"]


async def test_one_who_waits_is_told_when_there_is_no_hope_left() -> None:
    account = Account(Budget(tokens=100))
    account.reserve(Amount(100))

    async def call() -> None:
        await account.wait(Amount(50))
        with pytest.raises(BudgetExceededError):
            account.reserve(Amount(50))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
            account.settle(Amount(100), Amount(100))


async def play(account: Account, seed: int, calls: int) -> Amount:
    """Calls that reserve, use at most that and end at random; returns what was really used."""
    random, used = Random(seed), Amount()

    async def call(doomed: bool) -> None:
        nonlocal used
        bound = Amount(random.randrange(1, 40), random.randrange(1, 40) / 100)
        with anyio.CancelScope() as scope:
            if doomed:
                tasks.start_soon(cut_off, scope, random)
            try:
                await reserved(account, bound)
            except BudgetExceededError:
                return
            finally:
                account.pass_on()
            spent = Amount(random.randint(0, bound.tokens), bound.usd * random.random())
            try:
                for _ in range(random.randrange(4)):
                    await anyio.lowlevel.checkpoint()
                used = Amount(used.tokens + spent.tokens, used.usd + spent.usd)
                account.settle(bound, spent)
            except BaseException:
                used = Amount(used.tokens + bound.tokens, used.usd + bound.usd)
                account.settle(bound, bound)
                raise
            finally:
                check()

    def check() -> None:
        budget = account.budget
        assert budget.tokens is None or account.tokens <= budget.tokens
        assert budget.usd is None or account.usd <= budget.usd + 1e-6
        assert budget.requests is None or account.requests <= budget.requests

    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(call, random.random() < 0.2)
    return used


async def reserved(account: Account, amount: Amount) -> None:
    while True:
        try:
            return account.reserve(amount)
        except Pending:
            await account.wait(amount)


caps = st.builds(
    Budget,
    requests=st.none() | st.integers(0, 30),
    tokens=st.none() | st.integers(0, 300),
    usd=st.none() | st.floats(0, 3),
)


@pytest.mark.behaviour("budget-is-never-exceeded")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(caps, st.integers(0, 2**16), st.integers(1, 40))
@settings(max_examples=60)
def test_no_run_passes_its_budget_and_the_books_agree_at_the_end(
    backend: str, budget: Budget, seed: int, calls: int
) -> None:
    account = Account(budget)

    async def main() -> Amount:
        with anyio.fail_after(20):
            return await play(account, seed, calls)

    used = anyio.run(main, backend=backend)
    assert account.reserved == Amount()
    assert account.tokens == used.tokens
    assert account.usd == pytest.approx(used.usd, abs=1e-6)
