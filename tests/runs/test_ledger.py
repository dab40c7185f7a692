"""The ledger asks for an answer once, tells equal requests apart, and keeps what was paid for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import RequestRefusedError, ServerError, UnsupportedError
from catsdk.core.ports import OnText, Provider
from catsdk.core.sending import Budget, Retry
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk.runs.ledger import Ledger, paid
from catsdk.runs.store import Rows, RunStore, Step
from catsdk.runs.tables import Find
from catsdk.runtime.attribution import recorded
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of
from catsdk.runtime.limits.endpoints import endpoint_of
from catsdk.runtime.spending.prices import rates_of
from catsdk.runtime.wrappers.wrapper import Wrapper
from catsdk.testing import FunctionProvider
from tests.runs.entries import entries

ASK = Request(messages=(Message(role="user", content="q"),))


def counting() -> FunctionProvider:
    numbers = iter(range(100))
    return FunctionProvider(lambda _: str(next(numbers)))


@pytest.fixture(params=[False, True], ids=["goes on", "begins"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Ledger]:
    async with RunStore(tmp_path / "run.sqlite") as store:
        yield Ledger(store, begins=request.param)


class CountingStore(RunStore):
    """A store that counts how often an answer was looked for."""

    looked = 0

    async def carry(self, steps: list[Step]) -> list[Rows]:
        self.looked += sum(isinstance(step, Find) for step in steps)
        return await super().carry(steps)


async def texts(model: Provider, ledger: Ledger, name: str, count: int) -> list[str]:
    kept = ledger.at(name)(model)
    answers = await fan_out(lambda _: kept.complete(ASK), range(count))
    return [answer[0].text for answer in answers]


async def test_a_second_run_is_answered_from_the_store(tmp_path: Path) -> None:
    model = counting()
    async with RunStore(tmp_path / "run.sqlite") as store:
        first = await texts(model, Ledger(store), "item", 3)
    async with RunStore(tmp_path / "run.sqlite") as store:
        again = await texts(model, Ledger(store), "item", 4)
        other = await texts(model, Ledger(store), "another item", 1)
        usage = await paid(store)
    assert sorted(first) == ["0", "1", "2"]
    assert sorted(again) == ["0", "1", "2", "3"]
    assert other == ["4"]
    assert (usage.requests, usage.tokens) == (5, 10)


@pytest.mark.parametrize(("begins", "looked"), [(False, 3), (True, 0)])
async def test_a_run_that_begins_looks_for_no_answer(
    begins: bool, looked: int, tmp_path: Path
) -> None:
    async with CountingStore(tmp_path / "run.sqlite") as store:
        assert await store.is_empty("answer")
        asked = await texts(counting(), Ledger(store, begins=begins), "item", 3)
        assert not await store.is_empty("answer")
    assert (sorted(asked), store.looked) == (["0", "1", "2"], looked)


async def test_equal_requests_of_two_pieces_of_work_at_once_are_sent_once(
    ledger: Ledger,
) -> None:
    gate = anyio.Event()

    async def script(_: Request) -> str:
        await gate.wait()
        return "a"

    model = FunctionProvider(script)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(texts, model, ledger, "item", 1)
            await anyio.wait_all_tasks_blocked()
            gate.set()
    assert len(model.requests) == 1


async def test_asking_again_after_a_failure_is_the_same_call_and_the_failure_is_not_kept(
    tmp_path: Path,
) -> None:
    outcomes = iter(["fail", "x", "y"])

    def script(_: Request) -> str:
        outcome = next(outcomes)
        if outcome == "fail":
            raise ServerError("down")
        return outcome

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store)
        kept = ledger.at("item")(model)
        with pytest.raises(ServerError):
            await kept.complete(ASK)
        assert (await kept.complete(ASK))[0].text == "x"
        again = ledger.at("item")(model)
        assert (await again.complete(ASK))[0].text == "x"
        assert (await again.complete(ASK))[0].text == "y"


async def test_a_cancelled_wait_neither_keeps_nor_blocks(tmp_path: Path) -> None:
    calls: list[int] = []

    async def script(_: Request) -> str:
        calls.append(1)
        if len(calls) == 1:
            await anyio.sleep_forever()
        return "late"

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(texts, model, ledger, "item", 1)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            assert await texts(model, ledger, "item", 1) == ["late"]


async def test_a_kept_answer_takes_nothing_from_a_budget_and_no_place_in_flight(
    tmp_path: Path,
) -> None:
    model = counting()
    for start in range(3):
        async with RunStore(tmp_path / "run.sqlite") as store:
            client = Client(budget=Budget(requests=2))
            around = (Ledger(store).at("item"),)
            async with context_of(client, around=around) as ctx:
                provider = await ctx.model(model)
                for at in range(2 * (start + 1)):
                    assert (await provider.complete(ASK))[0].text == str(at)
            assert client.account is not None and client.account.requests == 2
    assert len(model.requests) == 6


async def test_a_kept_answer_lists_the_calls_that_were_made_for_it_retries_too(
    tmp_path: Path,
) -> None:
    outcomes = iter(["fail", "x"])

    def script(_: Request) -> str:
        if next(outcomes) == "fail":
            raise ServerError("down", status=500)
        return "x"

    model = FunctionProvider(script)
    listed: list[Any] = []
    usage = Usage()
    for _ in range(2):
        async with RunStore(tmp_path / "run.sqlite") as store:
            around = (Ledger(store).at("item"),)
            async with context_of(Client(retry=Retry(times=1)), around=around) as ctx:
                with recorded("estimate") as calls:
                    await (await ctx.model(model)).complete(ASK)
            listed.append(calls)
            usage = await paid(store)
    assert listed[0] == listed[1]
    assert [call.failure is None for call in listed[0]] == [False, True]
    assert {call.stage for call in listed[0]} == {"estimate"}
    assert usage == Usage.total(call.usage for call in listed[0])


async def test_the_calls_of_a_failure_are_in_what_was_paid_though_there_is_no_answer(
    tmp_path: Path,
) -> None:
    def script(_: Request) -> str:
        raise ServerError("down", status=500)

    async with RunStore(tmp_path / "run.sqlite") as store:
        around = (Ledger(store).at("item"),)
        async with context_of(Client(retry=Retry(times=0)), around=around) as ctx:
            model = await ctx.model(FunctionProvider(script))
            for _ in range(2):
                with pytest.raises(ServerError):
                    await model.complete(ASK)
        assert (await paid(store)).requests == 2


async def test_a_model_that_a_context_has_opened_is_not_wrapped_once_more(tmp_path: Path) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        async with context_of(Client(), around=(Ledger(store).at("item"),)) as ctx:
            opened = await ctx.model(counting())
            assert await ctx.model(opened) is opened
            with recorded("sample") as calls:
                await (await ctx.model(Wrapper(opened))).complete(ASK)
        assert len(calls) == 1
        assert len(await entries(store, "answer")) == 1


async def test_no_more_calls_than_allowed_have_no_kept_answer(tmp_path: Path) -> None:
    under_way: list[int] = []
    second, gate = anyio.Event(), anyio.Event()

    async def script(_: Request) -> str:
        under_way.append(1)
        if len(under_way) == 2:
            second.set()
        await gate.wait()
        return "a"

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store, unkept=2)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for name in "abcde":
                    tasks.start_soon(texts, model, ledger, name, 1)
                await second.wait()
                # The store does one thing after another: by then it has looked for all five.
                await store.get("answer", "none")
                await anyio.wait_all_tasks_blocked()
                assert len(under_way) == 2
                gate.set()
    assert len(under_way) == 5


async def test_behind_calls_that_wait_for_room_have_what_is_answered_written_at_once(
    tmp_path: Path,
) -> None:
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store, unkept=2)
        with anyio.fail_after(30):
            async with store.behind(within=3600), anyio.create_task_group() as tasks:
                for name in "abcdefg":
                    tasks.start_soon(texts, counting(), ledger, name, 1)
        assert len(await entries(store, "answer")) == 7


async def test_it_declares_what_its_model_declares_and_scores_where_that_scores(
    tmp_path: Path,
) -> None:
    model = counting()
    told: list[str] = []
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store)
        kept = ledger.at("")(model)
        assert (kept.name, kept.capabilities) == (model.name, model.capabilities)
        assert kept.count_tokens("abcdef") == 3
        await kept.complete(ASK, told.append)
        assert told == ["0"]
        with pytest.raises(UnsupportedError, match="score"):
            await kept.score(ASK.messages, "text")
        scorer = Scoring()
        first = await ledger.at("")(scorer).score(ASK.messages, "text")
        scored = ledger.at("item")(scorer)
        more = [await scored.score(ASK.messages, "text") for _ in range(2)]
        again = await ledger.at("item")(scorer).score(ASK.messages, "text")
    assert first.usage.input_tokens == 1
    assert [each.usage.input_tokens for each in more] == [2, 3]
    assert again == more[0]


async def test_one_name_at_two_addresses_is_two_models(tmp_path: Path) -> None:
    class Served(FunctionProvider):
        base_url = "http://one.example/v1"

    class Elsewhere(FunctionProvider):
        base_url = "http://two.example/v1"

    here = Served(lambda _: "here", name="m")
    there = Elsewhere(lambda _: "there", name="m")
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(store)
        assert await texts(here, ledger, "item", 1) == ["here"]
        assert await texts(there, ledger, "item", 1) == ["there"]
        assert await texts(here, ledger, "item", 1) == ["here"]
        # So it passes the same gate as its model does elsewhere in the process.
        assert endpoint_of(ledger.at("item")(here)) == endpoint_of(here) != endpoint_of(there)
    assert (len(here.requests), len(there.requests)) == (1, 1)


class Scoring:
    """A scorer whose usage counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        raise RequestRefusedError("scores only")

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        self.calls += 1
        return Completion(text=text, usage=Usage(input_tokens=self.calls, requests=1))


def test_a_model_behind_a_ledger_has_the_price_that_it_has_without(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "run.sqlite")
    model: Any = counting()
    model.name, model.free = "openai:gpt-4o", False
    usage = Usage(input_tokens=1000)

    def costs() -> list[float | None]:
        rates = [rates_of(each, {}) for each in (model, Ledger(store).at("item")(model))]
        return [None if each is None else each.cost(usage) for each in rates]

    model.base_url = "http://127.0.0.1:1/v1"
    assert costs() == [None, None]
    model.base_url = None
    listed, behind = costs()
    assert listed == behind != 0 and listed is not None
    model.free = True
    assert costs() == [0.0, 0.0]
