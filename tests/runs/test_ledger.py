"""The ledger asks for an answer once, tells equal requests apart, and keeps no failure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from catsdk.core.errors import RequestRefusedError, ServerError, UnsupportedError
from catsdk.core.fanout import fan_out
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk.middleware.gates import endpoint_of
from catsdk.middleware.prices import rates_of
from catsdk.runs.ledger import Ledger, paid, place
from catsdk.runs.store import RunStore
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


def counting() -> FunctionProvider:
    numbers = iter(range(100))
    return FunctionProvider(lambda _: str(next(numbers)))


async def texts(ledger: Ledger, name: str, count: int) -> list[str]:
    with place(name):
        answers = await fan_out(lambda _: ledger.complete(ASK), range(count))
    return [answer[0].text for answer in answers]


async def test_a_second_run_is_answered_from_the_store(tmp_path: Path) -> None:
    model = counting()
    async with RunStore(tmp_path / "run.sqlite") as store:
        first = await texts(Ledger(model, store), "item", 3)
    async with RunStore(tmp_path / "run.sqlite") as store:
        again = await texts(Ledger(model, store), "item", 4)
        other = await texts(Ledger(model, store), "another item", 1)
        usage = await paid(store)
    assert sorted(first) == ["0", "1", "2"]
    assert sorted(again) == ["0", "1", "2", "3"]
    assert other == ["4"]
    assert (usage.requests, usage.tokens) == (5, 10)


async def test_equal_requests_of_two_blocks_at_once_are_sent_once(tmp_path: Path) -> None:
    gate = anyio.Event()

    async def script(_: Request) -> str:
        await gate.wait()
        return "a"

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(model, store)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(texts, ledger, "item", 1)
                await anyio.wait_all_tasks_blocked()
                gate.set()
    assert len(model.requests) == 1


async def test_a_retry_is_the_same_call_and_a_failure_is_not_kept(tmp_path: Path) -> None:
    outcomes = iter(["fail", "x", "y"])

    def script(_: Request) -> str:
        outcome = next(outcomes)
        if outcome == "fail":
            raise ServerError("down")
        return outcome

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(model, store)
        with place("item"):
            with pytest.raises(ServerError):
                await ledger.complete(ASK)
            assert (await ledger.complete(ASK))[0].text == "x"
        with place("item"):
            assert (await ledger.complete(ASK))[0].text == "x"
            assert (await ledger.complete(ASK))[0].text == "y"


async def test_a_cancelled_wait_neither_keeps_nor_blocks(tmp_path: Path) -> None:
    calls: list[int] = []

    async def script(_: Request) -> str:
        calls.append(1)
        if len(calls) == 1:
            await anyio.sleep_forever()
        return "late"

    model = FunctionProvider(script)
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(model, store)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(texts, ledger, "item", 1)
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            assert await texts(ledger, "item", 1) == ["late"]


async def test_it_declares_what_its_model_declares_and_scores_where_that_scores(
    tmp_path: Path,
) -> None:
    model = counting()
    told: list[str] = []
    async with RunStore(tmp_path / "run.sqlite") as store:
        ledger = Ledger(model, store)
        assert (ledger.name, ledger.capabilities) == (model.name, model.capabilities)
        assert ledger.count_tokens("abcdef") == 3
        await ledger.complete(ASK, told.append)
        assert told == ["0"]
        with pytest.raises(UnsupportedError, match="score"):
            await ledger.score(ASK.messages, "text")
        scored = Ledger(Scoring(), store)
        first = await scored.score(ASK.messages, "text")
        with place("item"):
            kept = [await scored.score(ASK.messages, "text") for _ in range(2)]
    assert first.usage.input_tokens == 1
    assert [each.usage.input_tokens for each in kept] == [2, 3]


async def test_one_name_at_two_addresses_is_two_models(tmp_path: Path) -> None:
    class Served(FunctionProvider):
        base_url = "http://one.example/v1"

    class Elsewhere(FunctionProvider):
        base_url = "http://two.example/v1"

    here = Served(lambda _: "here", name="m")
    there = Elsewhere(lambda _: "there", name="m")
    async with RunStore(tmp_path / "run.sqlite") as store:
        assert await texts(Ledger(here, store), "item", 1) == ["here"]
        assert await texts(Ledger(there, store), "item", 1) == ["there"]
        assert await texts(Ledger(here, store), "item", 1) == ["here"]
        # So it passes the same gate as its model does elsewhere in the process.
        assert endpoint_of(Ledger(here, store)) == endpoint_of(here) != endpoint_of(there)
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
        rates = [rates_of(each, {}) for each in (model, Ledger(model, store))]
        return [None if each is None else each.cost(usage) for each in rates]

    model.base_url = "http://127.0.0.1:1/v1"
    assert costs() == [None, None]
    model.base_url = None
    listed, behind = costs()
    assert listed == behind != 0 and listed is not None
    model.free = True
    assert costs() == [0.0, 0.0]
