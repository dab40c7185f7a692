"""Retries hold no slot, and a budget is never passed."""

import anyio
import pytest

from catsdk.core.errors import BudgetExceededError, ServerError
from catsdk.core.sending import Budget, Limits
from catsdk.core.types import Message, Request
from catsdk.runtime.limits.gate import Gate
from catsdk.runtime.spending.account import Account
from catsdk.runtime.wrappers.budget import Spend
from catsdk.runtime.wrappers.limit import Limit
from catsdk.runtime.wrappers.retry import Retrying
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


@pytest.mark.behaviour("waiting-retry-holds-no-slot")
async def test_a_retry_that_waits_holds_no_slot() -> None:
    refused = anyio.Event()

    def script(_: Request) -> str:
        if refused.is_set():
            return "ok"
        refused.set()
        raise ServerError("boom")

    model = Retrying(Limit(FunctionProvider(script), Gate("m", Limits(in_flight=1))), 1)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(model.complete, ASK)
            await refused.wait()
            assert (await model.complete(ASK))[0].text == "ok"
            tasks.cancel_scope.cancel()


async def test_calls_at_once_do_not_pass_the_budget() -> None:
    model = FunctionProvider(lambda _: "ok")
    spend = Spend(model, Account(Budget(requests=3)))
    refused: list[BudgetExceededError] = []

    async def call() -> None:
        try:
            await spend.complete(ASK)
        except BudgetExceededError as error:
            refused.append(error)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(call)
    assert (len(model.requests), len(refused)) == (3, 5)


async def test_a_token_reservation_is_settled_by_what_was_used() -> None:
    account = Account(Budget(tokens=1_000))
    limited = ASK.model_copy(update={"max_tokens": 500})
    await Spend(FunctionProvider(lambda _: "two words"), account).complete(limited)
    assert account.tokens == 3
    with pytest.raises(BudgetExceededError, match="1,000 tokens"):
        await Spend(FunctionProvider(lambda _: "x"), account).complete(
            ASK.model_copy(update={"max_tokens": 1_000})
        )
