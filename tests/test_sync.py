"""The synchronous forms do what the asynchronous ones do, in scripts and inside a running loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.errors import ConfigurationError, InvalidInputError, NoEvidenceError
from catsdk.events import ResultReady, RolloutArrived
from catsdk.sync import map_sync, run_sync, stream_sync
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Request
from tests.hanging import Hanging
from tests.method.scripted import anchor, policy


def method(**settings: Any) -> cat.CaT:
    return cat.CaT(policy(), estimator=anchor(), reward=cat.AnswerReward(), **settings)


def one_of_each() -> None:
    """Every synchronous form, once."""
    assert cat.synthesize_sync("2+2", 4, policy(), anchor=anchor()).answer == "4"
    c = method()
    assert run_sync(c, "2+2", 4).rewards == (1.0, 1.0, 0.0, 1.0)
    results = list(map_sync(c, ["a", ("b", {"answer": "4"}), " "], 2, ordered=True))
    assert [result.answer for result in results] == ["4", "4", None]
    assert results[2].failure is not None and results[2].failure.kind == "InvalidInputError"
    events = list(stream_sync(c, "2+2", 4))
    assert sum(isinstance(event, RolloutArrived) for event in events) == 4
    assert isinstance(events[-1], ResultReady) and events[-1].result.answer == "4"


def test_each_form_works_in_a_script() -> None:
    one_of_each()


@pytest.mark.allow_blocking  # that is what a synchronous form does
async def test_each_form_works_inside_a_running_loop() -> None:
    one_of_each()


@pytest.mark.allow_blocking  # that is what a synchronous form does
async def test_a_cat_and_a_client_that_are_open_in_the_running_loop_are_left_alone() -> None:
    client = cat.Client(budget=cat.Budget(requests=100))
    async with client, method(client=client) as c:
        await c.run("2+2", 4)
        assert run_sync(c, "2+2", 4).answer == "4"
        assert [result.answer for result in map_sync(c, ["a", "b"], 2)] == ["4", "4"]
        assert (await c.run("2+2", 4)).answer == "4"
    assert client.account is not None and client.account.requests == 2 * 5


@pytest.mark.allow_blocking  # that is what a synchronous form does
async def test_models_that_another_loop_opened_are_opened_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LoopbackServer(policy()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        async with cat.Client() as client:
            c = cat.CaT("openai:loopback", estimator=cat.Majority("first"), client=client)
            assert (await c.run("2+2", 2)).answer == "4"
            assert run_sync(c, "2+2", 2).answer == "4"
            assert (await c.run("2+2", 2)).answer == "4"


def test_the_same_cat_serves_again_and_again() -> None:
    c = method()
    assert [run_sync(c, "2+2", 4).answer for _ in range(3)] == ["4"] * 3
    assert [len(list(map_sync(c, ["a", "b"], 2))) for _ in range(2)] == [2, 2]


def test_errors_come_through_as_they_are() -> None:
    def refuse(_: Request) -> str:
        raise InvalidInputError("no")

    c = cat.CaT(FunctionProvider(refuse))
    with pytest.raises(InvalidInputError):
        cat.synthesize_sync("", 4, policy())
    with pytest.raises(NoEvidenceError, match="no"):
        run_sync(c, "2+2", 2)
    with pytest.raises(NoEvidenceError, match="no"):
        list(stream_sync(c, "2+2", 2))
    with pytest.raises(InvalidInputError, match="give a list of prompts"):
        list(map_sync(c, "2+2"))


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail where a thread that began inside is still there at the end."""
    before = set(threading.enumerate())
    yield
    left = [each for each in set(threading.enumerate()) - before if "worker" not in each.name]
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


class Waiting(Hanging):
    """Answers prompts that begin with `now` at once; holds the others, and sees them cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.model = FunctionProvider(self._answer)

    async def _answer(self, request: Request) -> str:
        now = request.messages[-1].text.startswith("now")
        return "\\boxed{4}" if now else await self(request)


def leave_by_break(items: Any) -> None:
    for _ in items:
        break
    items.close()


def leave_by_error(items: Any) -> None:
    with pytest.raises(ZeroDivisionError), closing(items):
        for _ in items:
            raise ZeroDivisionError


def leave_unread(items: Any) -> None:
    items.close()


LEAVE = pytest.mark.parametrize("leave", [leave_by_break, leave_by_error, leave_unread])


@LEAVE
def test_leaving_a_map_early_stops_requests_and_threads(leave: Callable[[Any], None]) -> None:
    waiting = Waiting()
    c = cat.CaT(waiting.model, estimator=cat.Majority())
    with nothing_left():
        leave(map_sync(c, ["now", *["later"] * 50], 1))
    assert waiting.running == 0


@LEAVE
def test_leaving_a_stream_early_stops_requests_and_threads(leave: Callable[[Any], None]) -> None:
    waiting = Waiting()
    sampler = cat.Sampler([waiting.model, FunctionProvider(lambda _: "\\boxed{1}")])
    with nothing_left():
        leave(stream_sync(cat.CaT(sampler, estimator=cat.Majority()), "later", 2))
    assert waiting.running == 0


def test_an_endless_list_of_prompts_is_read_as_far_as_it_is_used() -> None:
    taken = []

    def prompts() -> Iterator[str]:
        for at in range(10**9):
            taken.append(at)
            yield f"prompt {at}"

    with closing(map_sync(method(), prompts(), 2, at_once=3)) as results:
        assert [next(results).answer for _ in range(5)] == ["4"] * 5
    assert len(taken) < 20


def test_a_closed_client_is_an_error_here_too() -> None:
    async def closed() -> cat.Client:
        async with cat.Client() as client:
            return client

    with pytest.raises(ConfigurationError, match="closed"):
        run_sync(method(client=anyio.run(closed)), "2+2", 2)
