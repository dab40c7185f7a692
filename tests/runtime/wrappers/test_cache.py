"""Each sample of equal requests is fetched once: kept, shared while in flight, and told apart."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catsdk.core.concurrency.fanout import fan_out, fan_out_tolerant
from catsdk.core.errors import ServerError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Failure, Message, Request
from catsdk.runtime.stores.memory import MemoryStore
from catsdk.runtime.wrappers.cache import Caching, keys_of
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider
from tests.followers import followers_of_one_cancelled
from tests.runtime.cutting import cut_off

ASK = Request(messages=(Message(role="user", content="q"),))
ONE_BY_ONE = Capabilities(seed=True)


def numbered(able: Capabilities = Capabilities(n=True, seed=True)) -> FunctionProvider:
    """Answers each sample that it is asked for with the next number."""
    given_out = iter(range(10**6))

    def script(request: Request) -> list[str]:
        return [str(next(given_out)) for _ in range(request.n)]

    return FunctionProvider(script, capabilities=able)


def cached(model: FunctionProvider) -> Caching:
    return Caching(model, "here", MemoryStore(10**6))


def texts(answers: Sequence[Completion | Failure]) -> list[str]:
    return [answer.text if isinstance(answer, Completion) else answer.kind for answer in answers]


async def test_a_choice_that_failed_inside_a_reply_is_not_kept() -> None:
    failed = Completion(text="ha", failure=Failure(kind="ServerError", message="broke off"))
    replies: list[list[str | Completion]] = [["whole", failed], ["again"]]
    model = FunctionProvider(lambda _: replies.pop(0), capabilities=Capabilities(n=True))
    cache = cached(model)
    two = ASK.model_copy(update={"n": 2})
    first = await cache.complete(two)
    assert [answer.failure for answer in first] == [None, failed.failure]
    second = await cache.complete(two)
    assert [(answer.text, answer.cached) for answer in second] == [
        ("whole", True),
        ("again", False),
    ]
    assert [request.n for request in model.requests] == [2, 1]


async def test_an_answer_is_kept_and_has_used_nothing_the_second_time() -> None:
    model = numbered()
    cache = cached(model)
    (first,), (again,) = await cache.complete(ASK), await cache.complete(ASK)
    assert first.text == again.text
    assert (first.cached, first.usage.requests) == (False, 1)
    assert (again.cached, again.usage.requests, again.usage.tokens) == (True, 0, 0)
    assert len(model.requests) == 1


@pytest.mark.behaviour("cache-key-has-the-sample")
async def test_samples_of_one_request_are_different_ones() -> None:
    model = numbered(ONE_BY_ONE)
    cache = cached(model)
    four = ASK.model_copy(update={"n": 4})
    first, again = await draw(cache, four), await draw(cache, four)
    assert len(set(texts(first))) == 4
    assert texts(again) == texts(first)
    assert len(model.requests) == 4


async def test_more_samples_than_are_kept_fetch_only_the_rest() -> None:
    model = numbered()
    cache = cached(model)
    first = await cache.complete(ASK.model_copy(update={"n": 3, "seed": 5}))
    more = await cache.complete(ASK.model_copy(update={"n": 8, "seed": 5}))
    assert texts(more)[:3] == texts(first)
    rest = model.requests[1]
    assert (rest.n, rest.sample_index, rest.seed) == (5, 3, 8)


async def test_a_sample_is_the_same_however_it_is_asked_for() -> None:
    three = ASK.model_copy(update={"n": 3, "seed": 7})
    single = ASK.model_copy(update={"seed": 9, "sample_index": 2})
    assert keys_of("here", three)[2:] == keys_of("here", single)


@pytest.mark.behaviour("cache-key-is-the-whole-request")
@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message(role="user", content="other"),)},
        {"temperature": 0.5},
        {"seed": 1},
        {"max_tokens": 5},
        {"json_schema": {"type": "object"}},
        {"extra": {"x": 1}},
        {"logprobs": True},
        {"sample_index": 1},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(change: dict[str, object]) -> None:
    assert keys_of("here", ASK) != keys_of("here", ASK.model_copy(update=change))


@pytest.mark.behaviour("cache-key-is-the-whole-request")
def test_another_endpoint_is_another_key() -> None:
    assert keys_of("here", ASK) != keys_of("there", ASK)


@pytest.mark.behaviour("equal-requests-are-sent-once")
@pytest.mark.parametrize("able", [Capabilities(n=True), ONE_BY_ONE])
async def test_a_thousand_equal_requests_are_sent_once_for_each_sample(able: Capabilities) -> None:
    asked, free = anyio.Event(), anyio.Event()
    seen: list[Request] = []

    async def script(request: Request) -> list[str]:
        seen.append(request)
        asked.set()
        await free.wait()
        return [str(request.sample_index + at) for at in range(request.n)]

    cache = cached(FunctionProvider(script, capabilities=able))
    four = ASK.model_copy(update={"n": 4})
    groups: list[list[str]] = []

    async def one() -> None:
        groups.append(texts(await draw(cache, four)))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(250):
                tasks.start_soon(one)
            await asked.wait()
            await anyio.wait_all_tasks_blocked()
            free.set()
    assert groups == [["0", "1", "2", "3"]] * 250
    assert sum(request.n for request in seen) == 4


async def test_the_failure_of_an_equal_call_in_flight_is_shared_and_not_kept() -> None:
    free, calls = anyio.Event(), list[int]()

    async def script(_: Request) -> str:
        calls.append(1)
        await free.wait()
        if len(calls) == 1:
            raise ServerError("boom")
        return "ok"

    cache = cached(FunctionProvider(script))
    results: list[Sequence[Completion] | Failure] = []

    async def all_of_them() -> None:
        results.extend(await fan_out_tolerant(cache.complete, [ASK] * 20))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_of_them)
            await anyio.wait_all_tasks_blocked()
            free.set()
        assert texts(await cache.complete(ASK)) == ["ok"]
    assert [result.kind for result in results if isinstance(result, Failure)] == [
        "ServerError"
    ] * 20
    assert len(calls) == 2


async def test_when_the_one_who_asked_first_is_cancelled_another_asks_in_its_place() -> None:
    free, calls = anyio.Event(), list[int]()

    async def script(_: Request) -> str:
        calls.append(1)
        await free.wait()
        return "ok"

    cache = cached(FunctionProvider(script))
    followers = await followers_of_one_cancelled(lambda: cache.complete(ASK), free)
    assert [texts(each) for each in followers] == [["ok"], ["ok"]]
    assert len(calls) == 2


async def test_a_model_that_takes_no_n_is_asked_one_by_one_through_the_cache() -> None:
    def script(request: Request) -> str:
        if request.n > 1:
            raise UnsupportedError("no n", capability="n", status=400)
        return str(request.sample_index)

    model = FunctionProvider(script)
    cache = cached(model)
    three = ASK.model_copy(update={"n": 3})
    assert texts(await draw(cache, three)) == texts(await draw(cache, three)) == ["0", "1", "2"]
    assert [request.n for request in model.requests] == [3, 1, 1, 1]


async def test_a_kept_text_is_passed_on_whole_and_a_new_one_as_it_comes() -> None:
    cache = cached(FunctionProvider(lambda _: "one\ntwo"))
    new, kept = list[str](), list[str]()
    await cache.complete(ASK, new.append)
    await cache.complete(ASK, kept.append)
    assert (new, kept) == (["one\n", "two"], ["one\ntwo"])


async def test_an_entry_that_cannot_be_read_is_dropped_and_fetched() -> None:
    model = numbered()
    cache = cached(model)
    (key,) = keys_of("here", ASK)
    for broken in (b"", b"{", b'{"text": 1}', b'{"text": "x", "unknown": 1}', b"\xff"):
        await cache.store.put({key: broken})
        assert not (await cache.complete(ASK))[0].cached
        assert (await cache.complete(ASK))[0].cached
    assert len(model.requests) == 5


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(st.integers(0, 2**16), st.integers(1, 30), st.booleans())
@settings(max_examples=40)
def test_equal_samples_are_equal_whatever_fails_or_is_cancelled(
    backend: str, seed: int, calls: int, takes_n: bool
) -> None:
    anyio.run(play, seed, calls, takes_n, backend=backend)


async def play(seed: int, calls: int, takes_n: bool) -> None:
    """A model with a new answer each time shows every sample that is fetched twice."""
    random, sent = Random(seed), list[str]()

    async def script(request: Request) -> list[str]:
        for _ in range(random.randrange(3)):
            await anyio.lowlevel.checkpoint()
        if random.random() < 0.2:
            raise ServerError("boom")
        fresh = [f"{len(sent) + at}" for at in range(request.n)]
        sent.extend(fresh)
        return fresh

    cache = cached(FunctionProvider(script, capabilities=Capabilities(n=takes_n)))
    seen: dict[int, set[str]] = {}

    async def one(scope: anyio.CancelScope) -> None:
        with scope:
            request = ASK.model_copy(update={"n": random.randint(1, 4)})
            for at, answer in enumerate(texts(await draw(cache, request))):
                seen.setdefault(at, set()).add(answer)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(calls):
                scope = anyio.CancelScope()
                tasks.start_soon(one, scope)
                if random.random() < 0.2:
                    tasks.start_soon(cut_off, scope, random)
    assert all(len(texts - {"ServerError"}) <= 1 for texts in seen.values())
    led, followed = cache.store.flights.claim(["any", *keys_of("here", ASK)])
    assert (len(led), followed) == (2, {})


async def test_many_calls_of_other_requests_do_not_wait_for_each_other() -> None:
    cache = cached(FunctionProvider(lambda request: request.messages[0].text))
    asks = [Request(messages=(Message(role="user", content=str(at)),)) for at in range(50)]
    with anyio.fail_after(5):
        answers = await fan_out(cache.complete, asks)
    assert [answer[0].text for answer in answers] == [str(at) for at in range(50)]
