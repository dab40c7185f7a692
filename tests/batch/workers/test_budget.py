"""A budget that workers are lent in blocks holds for all of them, and is used to its end."""

from __future__ import annotations

import anyio
import pytest

from catsdk.batch.workers.account import LentAccount
from catsdk.batch.workers.messages import AccountReport, Funds
from catsdk.batch.workers.pool import Pool
from catsdk.core.errors import BudgetExceededError
from catsdk.core.sending import Budget
from catsdk.runtime.spending.account import Amount, Pending
from tests.batch.workers.offices import Clock, office

CALL = Amount(tokens=100, usd=0.01)


class Payer:
    """Calls that reserve the most and use a part, as many as the budget allows."""

    def __init__(self, used: Amount) -> None:
        self.used = used
        self.made = 0
        self.refused = 0
        self.at_once = 0

    async def pay(self, account: LentAccount) -> None:
        while True:
            try:
                account.reserve(CALL)
            except Pending as pending:
                await pending.account.wait(pending.amount)
                continue
            except BudgetExceededError:
                self.refused += 1
                return
            self.made += 1
            await anyio.lowlevel.checkpoint()
            account.settle(CALL, self.used)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize(
    ("budget", "calls"),
    [
        (Budget(requests=101), 101),
        (Budget(requests=3), 3),
        (Budget(requests=0), 0),
        # 40 tokens a call, and the last one needs the room of 100.
        (Budget(tokens=4_060), 100),
        (Budget(usd=0.3), 73),
        (Budget(requests=50, usd=100), 50),
    ],
)
async def test_workers_use_the_whole_budget_and_never_more(
    workers: int, budget: Budget, calls: int
) -> None:
    payer = Payer(Amount(tokens=40, usd=0.004))
    async with office(workers, [budget]) as job:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for line in job.lines:
                    for _ in range(4):
                        tasks.start_soon(payer.pay, line.accounts[0])
    # Calls in flight at the end hold the room of a whole one each.
    assert payer.made <= calls
    assert payer.made == calls or budget.tokens or budget.usd
    if budget.requests is None:
        assert payer.made >= calls - 3
    assert payer.refused == 4 * workers


async def test_a_worker_asks_for_blocks_and_not_for_each_call() -> None:
    async with office(2, [Budget(requests=100_000)]) as job:
        account, made = job.lines[0].accounts[0], 0
        with anyio.fail_after(30):
            while made < 2_000:
                try:
                    account.reserve()
                except Pending as pending:
                    await pending.account.wait(pending.amount)
                    continue
                account.settle(Amount(), Amount())
                made += 1
    assert job.exchanges < 400


def test_what_a_dead_worker_was_lent_counts_as_used() -> None:
    pool = Pool(Budget(requests=10))
    need = AccountReport(need=Funds(1), missing=Funds(1))
    pool.heard("dead", need)
    pool.settle()
    lent = pool.order("dead").granted.requests
    assert 1 <= lent <= 5
    pool.gone("dead")
    assert pool.left.requests == 10 - lent
    # One that was only silent has its part again.
    pool.heard("dead", AccountReport(spent=Funds(1), returned=Funds(lent - 1)))
    assert pool.left.requests == pool.free.requests == 9


def test_whoever_is_short_waits_for_what_others_give_back_and_is_refused_by_what_is_spent() -> None:
    pool = Pool(Budget(tokens=1000))
    need = AccountReport(need=Funds(1, 400), missing=Funds(1, 400))
    pool.heard("a", need)
    pool.settle()
    assert pool.order("a").granted.tokens == 500
    pool.heard("b", AccountReport(need=Funds(1, 600), missing=Funds(1, 600)))
    pool.settle()
    order = pool.order("b")
    assert (order.granted.tokens, order.left.tokens) == (0, 1000)
    assert pool.order("a").recall
    pool.heard("a", AccountReport(returned=Funds(0, 100)))
    pool.settle()
    assert pool.order("b").granted.tokens == 600
    assert not pool.order("a").recall
    pool.heard("a", AccountReport(spent=Funds(1, 400)))
    pool.heard("b", AccountReport(spent=Funds(1, 600)))
    pool.heard("a", need)
    pool.settle()
    assert "a" in pool.news
    assert pool.order("a").left.tokens == 0


def test_the_time_of_a_budget_runs_for_all_workers_from_the_first_word() -> None:
    clock = Clock()
    pool = Pool(Budget(seconds=60), clock=clock)
    pool.heard("a", AccountReport())
    clock.now += 20
    pool.heard("b", AccountReport())
    assert pool.order("b").seconds == 40


async def test_what_earlier_starts_spent_is_gone() -> None:
    payer = Payer(Amount())
    async with office(2, [Budget(requests=10)], Funds(requests=7)) as job:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for line in job.lines:
                    tasks.start_soon(payer.pay, line.accounts[0])
    assert payer.made == 3
