"""A score of a given text passes every wrapper as an answer does: limited, paid, listed, kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import BudgetExceededError, ServerError, TimedOutError, UnsupportedError
from catsdk.core.ports import OnText, Provider, Scorer
from catsdk.core.sending import Budget
from catsdk.core.types import Completion, Message, Request, TokenLogprob, Usage
from catsdk.runtime.attribution import recorded
from catsdk.runtime.chain import Opened
from catsdk.runtime.spending.account import Account
from catsdk.runtime.wrappers.record import Record
from catsdk.runtime.wrappers.wrapper import Wrapper
from catsdk.testing import FunctionProvider
from tests.runtime.wrappers.whole_chain import whole_chain

QUESTION = (Message(role="user", content="2+2?"),)
PRICES = {"scorer": {"input": 2.0, "output": 8.0}}


class Scoring:
    """Scores every token with -0.5 and answers `spoken`; fails as often as it is told."""

    name = "scorer"
    capabilities = cat.Capabilities()

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[tuple[Sequence[Message], str]] = []

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        return [Completion(text="spoken", usage=Usage(input_tokens=1, requests=1))]

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        self.asked.append((messages, text))
        if len(self.asked) <= self.failures:
            raise ServerError("down", status=500)
        tokens = (TokenLogprob(token="t", logprob=-0.5),)
        usage = Usage(input_tokens=10, requests=1, cost=None)
        return Completion(text=text, logprobs=tokens, usage=usage, model="scorer")


def priced(model: Provider, *accounts: Account, **settings: Any) -> Opened:
    return whole_chain(model, *accounts, prices=PRICES, **settings)


async def test_a_score_goes_through_the_whole_stack_and_is_listed_and_priced() -> None:
    model = Scoring()
    provider = priced(model)
    with recorded("score") as calls:
        scored = await provider.score(QUESTION, "4")
    assert model.asked == [(QUESTION, "4")]
    assert (scored.text, scored.logprobs) == ("4", (TokenLogprob(token="t", logprob=-0.5),))
    assert scored.usage.cost == pytest.approx(10 * 2.0 / 1e6)
    (call,) = calls
    assert (call.stage, call.usage.tokens, call.usage.requests) == ("score", 10, 1)


async def test_a_failed_score_is_tried_again_and_both_tries_are_listed() -> None:
    model = Scoring(failures=1)
    with recorded("score") as calls, anyio.fail_after(30):
        await priced(model, retry={"times": 2}).score(QUESTION, "4")
    assert len(model.asked) == 2
    assert [call.failure.kind if call.failure else None for call in calls] == ["ServerError", None]


async def test_a_score_is_paid_from_the_budget_by_what_it_used() -> None:
    account = Account(Budget(requests=2, tokens=5000, usd=1.0))
    provider = priced(Scoring(), account)
    await provider.score(QUESTION, "4")
    assert (account.requests, account.tokens) == (1, 10)
    assert account.usd == pytest.approx(10 * 2.0 / 1e6)
    await provider.score(QUESTION, "5")
    with pytest.raises(BudgetExceededError, match="requests"):
        await provider.score(QUESTION, "6")
    assert account.requests == 2


async def test_a_score_reserves_its_prompt_and_no_answer() -> None:
    # One answer of the default length would pass this budget.
    account = Account(Budget(tokens=1000))
    await priced(Scoring(), account).score(QUESTION, "4")
    with pytest.raises(BudgetExceededError, match="tokens"):
        await priced(Scoring(), account).score(QUESTION, "4" * 1000)
    assert account.tokens == 10


async def test_a_score_that_hangs_ends_at_its_time_limit() -> None:
    class Hanging(Scoring):
        async def score(self, messages: Sequence[Message], text: str) -> Completion:
            await anyio.sleep_forever()
            raise AssertionError

    with anyio.fail_after(10), pytest.raises(TimedOutError):
        await priced(Hanging(), timeouts={"attempt": 0.01}, retry={"times": 0}).score(QUESTION, "4")


async def test_a_kept_score_is_not_taken_for_an_answer_nor_asked_for_again() -> None:
    model = Scoring()
    provider = priced(model, cache="memory")
    first = await provider.score(QUESTION, "4")
    again = await provider.score(QUESTION, "4")
    assert len(model.asked) == 1
    assert (again.logprobs, again.cached, again.usage.tokens) == (first.logprobs, True, 0)
    begun = Request(messages=(*QUESTION, Message(role="assistant", content="4")))
    assert (await provider.complete(begun))[0].text == "spoken"


async def test_nothing_is_kept_of_a_model_that_moves() -> None:
    class Learning(Scoring):
        moves = True

    model = Learning()
    provider = priced(model, cache="memory")
    for _ in range(2):
        await provider.score(QUESTION, "4")
    assert len(model.asked) == 2


@pytest.mark.parametrize("wrap", [whole_chain, Record])
async def test_what_wraps_a_model_without_scores_says_so_and_sends_nothing(
    wrap: type[Record],
) -> None:
    model = FunctionProvider(lambda _: "4", name="talker")
    wrapped = wrap(model)
    assert isinstance(wrapped, Scorer)
    with recorded("score") as calls, pytest.raises(UnsupportedError, match="talker cannot score"):
        await wrapped.score(QUESTION, "4")
    assert (model.requests, calls) == ([], [])


async def test_an_unsupported_score_costs_nothing() -> None:
    account = Account(Budget(requests=1, tokens=5000))
    provider = priced(FunctionProvider(lambda _: "4"), account)
    with pytest.raises(UnsupportedError):
        await provider.score(QUESTION, "4")
    assert (account.requests, account.tokens) == (0, 0)


async def test_a_wrapper_of_ones_own_that_answers_instead_of_scoring_is_found_out() -> None:
    class Own(Wrapper):
        async def complete(
            self, request: Request, on_text: OnText | None = None
        ) -> Sequence[Completion]:
            return await self.wrapped.complete(request, on_text)

    with pytest.raises(UnsupportedError):
        await Own(Scoring()).score(QUESTION, "4")
