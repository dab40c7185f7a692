"""Many prompts: rows, failures as results with what was paid for, and early ends."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.events import ResultReady
from catsdk.core.types import Provenance, Request
from catsdk.testing import FunctionProvider
from tests.hanging import Hanging
from tests.method.scripted import anchor, judge, policy


def refusing(word: str, reply: str = "\\boxed{4}", name: str = "anchor") -> FunctionProvider:
    """Refuses every request that holds `word`."""

    def script(request: Request) -> str:
        if any(word in message.text for message in request.messages):
            raise RequestRefusedError("refused", status=400)
        return reply

    return FunctionProvider(script, name=name)


def echo() -> FunctionProvider:
    """Answers with the prompt's words, so that later stages can see whose they are."""
    return FunctionProvider(lambda r: f"{r.messages[-1].text} \\boxed{{4}}", name="policy")


@pytest.mark.behaviour("failed-prompt-keeps-what-it-brought")
async def test_a_stage_that_fails_for_one_prompt_keeps_what_the_stages_before_it_brought() -> None:
    prompts = ["fine", "nosample", "noanchor", "nojudge", " "]
    sampled = refusing("nosample", "x")
    model = FunctionProvider(
        lambda r: sampled.script(r) and f"{r.messages[-1].text} \\boxed{{4}}",
        name="policy",
        capabilities=cat.Capabilities(),
    )
    reward = cat.RubricReward(
        rubric=cat.Rubric(
            criteria=(cat.Criterion(id="c", text="fine"),), provenance=Provenance(method="mine")
        ),
        judge=refusing("nojudge", "yes", name="judge"),
    )
    c = cat.CaT(model, estimator=refusing("noanchor"), reward=reward)
    heard: list[Any] = []
    with anyio.fail_after(20):
        async with c:
            results = [r async for r in c.map(prompts, 2, ordered=True, on_event=heard.append)]
    kinds = [result.failure and result.failure.kind for result in results]
    assert kinds == [None, "NoEvidenceError", "SynthesisFailedError", None, "InvalidInputError"]
    assert [result.rewards for result in results] == [(1.0, 1.0), (), (), (None, None), ()]
    groups = [result.group for result in results]
    assert [g and (len(g.rollouts), len(g.failures)) for g in groups] == [
        (2, 0),
        (0, 2),
        (2, 0),
        (2, 0),
        None,
    ]
    # Every request of every stage is in one of the results.
    sent = len(model.requests) + len(c.estimator.anchor.requests)  # type: ignore[attr-defined]
    sent += len(reward.judge.model.requests)  # type: ignore[union-attr]
    assert sum(result.usage.requests for result in results) == sent
    ends = {event.item: event.result for event in heard if isinstance(event, ResultReady)}
    assert ends == dict(enumerate(results))


async def test_pairs_groups_chats_and_texts_are_told_apart() -> None:
    chat = [{"role": "user", "content": "a chat"}]
    group = cat.group_of("a group", ["\\boxed{4}"])
    items: list[Any] = [
        "a text",
        chat,
        tuple(chat),
        (chat[0], {"role": "assistant", "content": "so?"}),
        group,
        ("a text", {"answer": "4"}),
        (chat, {"answer": "5"}),
        (group, {"answer": "4"}),
    ]
    async with cat.CaT(echo(), reward=cat.Gold()) as c:
        results = [result async for result in c.map(items, 1, ordered=True)]
    assert [result.failure for result in results] == [None] * 8
    assert [result.rewards for result in results] == [(None,)] * 5 + [(1.0,), (0.0,), (1.0,)]
    prompts = [result.group.prompt for result in results if result.group is not None]
    assert [len(prompt) for prompt in prompts] == [1, 1, 1, 2, 1, 1, 1, 1]


async def test_leaving_a_map_early_stops_the_work_and_closes_the_prompts() -> None:
    closed, others = anyio.Event(), Hanging()

    async def prompts() -> AsyncGenerator[str]:
        try:
            for at in range(10**9):
                yield f"prompt {at}"
        finally:
            closed.set()

    async def script(request: Request) -> str:
        first = request.messages[-1].text.startswith("prompt 0")
        return "\\boxed{4}" if first else await others(request)

    with anyio.fail_after(10):
        async with cat.CaT(FunctionProvider(script), estimator=cat.Majority()) as c:
            async with c.map(prompts(), 1, at_once=4) as results:
                assert (await results.__anext__()).index == 0
            await closed.wait()
            await others.cancelled.wait()
            with pytest.raises(StopAsyncIteration):
                await results.__anext__()


async def test_the_end_of_the_block_ends_a_map_that_nobody_reads_to_its_end() -> None:
    with anyio.fail_after(10):
        async with cat.CaT(policy(), estimator=anchor()) as c:
            results = c.map((f"prompt {at}" for at in range(10**6)), 1)
            async for result in results:
                assert result.answer == "4"
                break


async def test_a_stream_that_was_read_to_its_end_stays_at_its_end() -> None:
    async with cat.CaT(policy(), estimator=anchor(), reward=cat.RubricReward(judge=judge())) as c:
        stream = c.stream("q", 2)
        assert isinstance([event async for event in stream][-1], ResultReady)
        assert [event async for event in stream] == []
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()


async def test_a_stream_may_be_left_by_a_break() -> None:
    with anyio.fail_after(10):
        async with cat.CaT(policy(), estimator=anchor()) as c:
            async for event in c.stream("q", 4):
                assert event is not None
                break
        gc.collect()
