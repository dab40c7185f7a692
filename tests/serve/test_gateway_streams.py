"""Streams of the gateway: live, kept alive, failing in a way that SDKs raise, and cancelled."""

from __future__ import annotations

from typing import Any

import aiohttp
import anyio
import pytest
from openai import APIError, APIStatusError, RateLimitError

from catsdk.core.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContextTooLongError,
    ProviderError,
    RateLimitedError,
    ServerError,
)
from catsdk.core.ports import OnText
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from tests.serve.gateways import (
    ANSWER,
    QUESTION,
    SUMMARY,
    Failing,
    Stepping,
    body,
    client_of,
    half_written,
    served,
    texts,
    upstream_of,
)


def asked(model: str, **more: Any) -> Any:
    return {"model": model, "messages": QUESTION, "stream": True, **more}


def contents(chunks: list[Any]) -> list[str]:
    return [
        chunk.choices[0].delta.content
        for chunk in chunks
        if chunk.choices and chunk.choices[0].delta.content
    ]


@pytest.mark.behaviour("gateway-streams-while-it-writes")
async def test_the_first_piece_arrives_while_the_anchor_is_still_writing() -> None:
    model = half_written()
    async with served(model) as address, client_of(address) as client:
        stream: Any = await client.chat.completions.create(**asked("cat/synthesis:stepping"))
        chunks: list[Any] = []
        async for chunk in stream:
            chunks.append(chunk)
            if contents(chunks) and not model.steps[2].is_set():
                # Had the whole answer to be there first, this would never be reached.
                assert not model.ended
                model.steps[2].set()
    assert contents(chunks) == ["It is", "\n\\boxed{4}."]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].cat["method"] == "synthesis"


@pytest.mark.behaviour("gateway-counts-every-call")
async def test_a_stream_ends_with_the_usage_where_it_is_wanted() -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        settings = asked("cat/synthesis:function", stream_options={"include_usage": True})
        chunks = [chunk async for chunk in await client.chat.completions.create(**settings)]
        bare = [chunk async for chunk in await client.chat.completions.create(**asked("function"))]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens == 8
    assert "".join(contents(chunks)) == ANSWER
    assert [chunk.usage for chunk in bare] == [None] * len(bare)


async def test_steps_are_told_as_reasoning_where_they_are_wanted() -> None:
    async with served(FunctionProvider(texts)) as address, client_of(address) as client:
        cat = {"n": 3, "return": ["progress", "summary"]}
        settings = asked("cat/synthesis:function", extra_body={"cat": cat})
        chunks: list[Any] = [c async for c in await client.chat.completions.create(**settings)]
    told = [getattr(chunk.choices[0].delta, "reasoning_content", None) for chunk in chunks]
    assert "".join(filter(None, told)) == "1/3\n2/3\n3/3\nThey agree."
    assert "".join(contents(chunks)) == ANSWER


@pytest.mark.behaviour("gateway-failures-are-raised")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RateLimitedError("slow", retry_after=7.0), 429),
        (ServerError("down"), 502),
        (AuthenticationError("wrong key sk-secret"), 502),
        (ConnectionFailedError("no route to 10.1.2.3"), 502),
        (ContextTooLongError("over 10 tokens"), 400),
        (ZeroDivisionError("a secret of ours"), 500),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["failing", "cat/synthesis:failing"])
async def test_an_error_before_anything_was_sent_has_its_own_status(
    error: Exception, status: int, stream: bool, name: str
) -> None:
    settings: Any = {"client": {"retry": {"times": 0}}}
    async with served(Failing(error), **settings) as address, client_of(address) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.chat.completions.create(**asked(name) | {"stream": stream})
    assert raised.value.status_code == status
    told = str(raised.value.response.json())
    for secret in ("sk-secret", "10.1.2.3", "a secret of ours"):
        assert secret not in told
    if isinstance(error, RateLimitedError) and name == "failing":
        assert raised.value.response.headers["retry-after"] == "7"


@pytest.mark.behaviour("gateway-failures-are-raised")
async def test_an_error_in_the_middle_of_a_stream_is_raised_by_the_sdk() -> None:
    failing = Failing(ServerError("down"), after=SUMMARY + "It is half")
    async with served(failing) as address, client_of(address) as client:
        stream: Any = await client.chat.completions.create(**asked("cat/synthesis:failing"))
        chunks: list[Any] = []
        with pytest.raises(APIError, match="the model's service failed"):
            async for chunk in stream:
                chunks.append(chunk)  # noqa: PERF401 - those before the error are wanted
    assert "".join(contents(chunks)) == "It is half"
    assert all(chunk.choices[0].finish_reason is None for chunk in chunks)


@pytest.mark.behaviour("gateway-failures-are-raised")
async def test_an_upstream_that_dies_in_mid_stream_is_an_error_and_no_short_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with upstream_of(
        monkeypatch, FunctionProvider(lambda request: "one\ntwo\nthree")
    ) as upstream:
        upstream.fail_next("cut")
        settings: Any = {"models": ["openai:loopback"], "client": {"retry": {"times": 0}}}
        async with served(**settings) as address, client_of(address) as client:
            with pytest.raises(APIError):
                async for _ in await client.chat.completions.create(**asked("openai:loopback")):
                    pass


async def test_an_answer_that_replaces_what_was_sent_is_an_error() -> None:
    replies = iter([SUMMARY + "It is cu", SUMMARY + "Another answer."])

    class Cut(Stepping):
        async def complete(self, request: Any, on_text: Any = None) -> Any:
            (completion,) = await FunctionProvider(
                lambda request: next(replies) if "UNIFIED" in request.messages[-1].text else "4"
            ).complete(request.model_copy(update={"n": 1}), on_text)
            cut = "cu" in completion.text[-2:]
            return [completion.model_copy(update={"finish_reason": "length" if cut else "stop"})]

    async with served(Cut()) as address, client_of(address) as client:
        settings = asked("cat/synthesis:stepping", extra_body={"cat": {"n": 1}})
        with pytest.raises(APIError, match="replaced after its beginning"):
            async for _ in await client.chat.completions.create(**settings):
                pass


async def test_a_silent_stream_begins_and_is_kept_alive_and_its_error_comes_in_it() -> None:
    class Breaking(Stepping):
        async def complete(self, request: Request, on_text: OnText | None = None) -> Any:
            completions = await super().complete(request)
            if self.ended:
                raise ServerError("down")
            return completions

    model = Breaking("x")
    limits = {"commit_after": 0.05, "keep_alive": 0.05}
    async with served(model, limits=limits) as address, aiohttp.ClientSession() as session:
        url = f"{address}/v1/chat/completions"
        async with session.post(url, json=body("cat/synthesis:stepping", stream=True)) as response:
            assert response.status == 200
            assert response.headers["cache-control"] == "no-cache, no-transform"
            received = b""
            with anyio.fail_after(10):
                while received.count(b": keep-alive\n\n") < 3:
                    received += await response.content.readany()
            model.steps[0].set()
            rest = await response.content.read()
    assert b'"error":{' in rest
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.behaviour("gateway-cancels-for-who-leaves")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_cancels_what_is_asked_upstream(stream: bool) -> None:
    model = Stepping("x")
    async with served(model) as address, anyio.create_task_group() as tasks:

        async def ask() -> None:
            async with client_of(address) as client:
                await client.chat.completions.create(
                    **asked("cat/synthesis:stepping") | {"stream": stream}
                )

        tasks.start_soon(ask)
        with anyio.fail_after(10):
            await model.began.wait()
            tasks.cancel_scope.cancel()
    with anyio.fail_after(10), anyio.CancelScope(shield=True):
        await model.cancelled.wait()
    assert not model.ended


@pytest.mark.behaviour("gateway-cancels-for-who-leaves")
async def test_a_client_that_goes_away_cancels_every_rollout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with upstream_of(monkeypatch, FunctionProvider(texts), takes_n="refuses") as upstream:
        upstream.fail_next("no_n", "hang", "hang", "hang", "hang")
        async with served(models=["openai:loopback"]) as address:
            async with anyio.create_task_group() as tasks:

                async def ask() -> None:
                    async with client_of(address) as client:
                        settings = asked(
                            "cat/majority:openai:loopback", extra_body={"cat": {"n": 4}}
                        )
                        await client.chat.completions.create(**settings)

                tasks.start_soon(ask)
                with anyio.fail_after(10):
                    await upstream.until(lambda: upstream.counters.in_flight == 4)
                tasks.cancel_scope.cancel()
            with anyio.fail_after(10):
                await upstream.until(lambda: upstream.counters.in_flight == 0)
    assert upstream.counters.cancelled == 4


@pytest.mark.behaviour("gateway-is-full-and-drains")
async def test_over_the_limit_of_requests_a_client_is_told_to_come_again() -> None:
    model = Stepping("x")
    async with (
        served(model, limits={"requests": 1}) as address,
        client_of(address) as client,
        anyio.create_task_group() as tasks,
    ):

        async def ask() -> None:
            await client.chat.completions.create(**asked("cat/synthesis:stepping"))

        tasks.start_soon(ask)
        await model.began.wait()
        with pytest.raises(RateLimitError) as raised:
            await client.chat.completions.create(**asked("stepping"))
        assert raised.value.response.headers["retry-after"] == "2"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{address}/ready") as response:
                assert response.status == 429
            async with session.get(f"{address}/health") as response:
                assert (response.status, (await response.json())["answering"]) == (200, 1)
        tasks.cancel_scope.cancel()


@pytest.mark.behaviour("gateway-is-full-and-drains")
async def test_requests_that_are_being_answered_are_waited_for_at_the_end() -> None:
    model = Stepping(SUMMARY, "It is 4.")
    told: list[Any] = []

    async def later() -> None:
        await anyio.wait_all_tasks_blocked()
        for step in model.steps:
            step.set()

    async with (
        anyio.create_task_group() as tasks,
        served(model, limits={"drain": 60}) as address,
    ):

        async def ask() -> None:
            async with client_of(address) as client:
                settings = asked("cat/synthesis:stepping") | {"stream": False}
                told.append(await client.chat.completions.create(**settings))

        tasks.start_soon(ask)
        await model.began.wait()
        tasks.start_soon(later)
    assert told[0].choices[0].message.content == "It is 4."


async def test_those_that_do_not_end_in_time_are_cut_off() -> None:
    model = Stepping("x")
    async with (
        anyio.create_task_group() as tasks,
        served(model, limits={"drain": 0}) as address,
    ):

        async def ask() -> None:
            async with client_of(address) as client:
                with pytest.raises(APIError):
                    await client.chat.completions.create(
                        **asked("cat/synthesis:stepping") | {"stream": False}
                    )

        tasks.start_soon(ask)
        await model.began.wait()
    assert model.cancelled.is_set()


@pytest.mark.behaviour("gateway-tells-no-secret")
async def test_errors_of_the_kind_of_a_provider_say_no_more_than_their_kind() -> None:
    class Odd(ProviderError):
        """Of a provider of one's own."""

    settings: Any = {"client": {"retry": {"times": 0}}}
    failing = Failing(Odd("http://10.0.0.1 refused sk-secret"))
    async with served(failing, **settings) as address, client_of(address) as client:
        with pytest.raises(APIStatusError) as raised:
            await client.chat.completions.create(model="failing", messages=QUESTION)
    assert "10.0.0.1" not in str(raised.value.response.json())
