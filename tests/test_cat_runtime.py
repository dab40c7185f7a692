"""CaT keeps its budget in every stage, goes on at a quorum or a deadline, and maps many prompts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

import catsdk as cat
from catsdk.errors import (
    ConfigurationError,
    InvalidInputError,
    NoEvidenceError,
    ServerError,
    SynthesisFailedError,
)
from catsdk.testing import FunctionProvider
from catsdk.types import Request

ONE_BY_ONE = cat.Capabilities()


def anchor() -> FunctionProvider:
    return FunctionProvider(lambda _: "# UNIFIED RESPONSE\n\\boxed{4}", name="anchor")


class Policy:
    """Answers samples at once, but those in `slow` only when `free` is set."""

    def __init__(self, *slow: int) -> None:
        self.free, self.cancelled = anyio.Event(), 0
        self._slow = slow
        self.model = FunctionProvider(self._answer, name="policy", capabilities=ONE_BY_ONE)

    async def _answer(self, request: Request) -> str:
        if request.sample_index in self._slow:
            try:
                await self.free.wait()
            except BaseException:
                self.cancelled += 1
                raise
        return "\\boxed{4}"


async def test_a_quorum_is_enough_and_the_rest_is_cancelled_with_its_cause() -> None:
    policy = Policy(1, 3)
    with anyio.fail_after(5):
        sampler = cat.Sampler(policy.model, quorum=2)
        reference = await cat.CaT(sampler, estimator=anchor()).synthesize("2+2", 4)
    assert [rollout.index for rollout in reference.rollouts] == [0, 2]
    assert {at: f.kind for at, f in reference.group.failures.items()} == {1: "Late", 3: "Late"}
    assert policy.cancelled == 2
    assert not reference.partial
    assert reference.group.usage.requests == 4


async def test_kept_late_rollouts_join_the_group_after_the_anchor_has_read_the_quorum() -> None:
    policy = Policy(3)

    def script(_: Request) -> str:
        policy.free.set()
        return "# UNIFIED RESPONSE\n\\boxed{4}"

    sampler = cat.Sampler(policy.model, quorum=3, late="keep")
    with anyio.fail_after(5):
        c = cat.CaT(sampler, estimator=FunctionProvider(script))
        reference = await c.synthesize("2+2", 4)
    assert len(reference.rollouts) == 4
    assert reference.provenance.settings["rollouts"] == [0, 1, 2]


@pytest.mark.parametrize("error", [ServerError("down", status=500), KeyError("a defect")])
async def test_kept_late_rollouts_are_in_the_group_of_an_estimator_that_fails(
    error: Exception,
) -> None:
    policy = Policy(3)

    class Failing:
        async def estimate(self, group: cat.Group, ctx: cat.Context) -> cat.Reference:
            policy.free.set()
            raise error

    sampler = cat.Sampler(policy.model, quorum=3, late="keep")
    with anyio.fail_after(5), pytest.raises((SynthesisFailedError, KeyError)) as caught:
        await cat.CaT(sampler, estimator=Failing()).run("2+2", 4)
    assert policy.cancelled == 0
    result = getattr(caught.value, "result", None)
    assert isinstance(result, cat.Result) and result.group is not None
    assert len(result.group.rollouts) == 4
    assert result.usage.requests == 4
    if isinstance(caught.value, SynthesisFailedError):
        assert len(caught.value.group.rollouts) == 4


async def test_at_the_deadline_the_synthesis_has_what_is_there() -> None:
    policy = Policy(1)
    with anyio.fail_after(5):
        sampler = cat.Sampler(policy.model, deadline=0.5)
        reference = await cat.CaT(sampler, estimator=anchor()).synthesize("2+2", 3)
    assert [rollout.index for rollout in reference.rollouts] == [0, 2]
    late = reference.group.failures[1]
    assert late.kind == "OutOfTime"
    assert "not there within 0.35 s" in late.message and "raise the deadline of" in late.message
    assert reference.partial


async def test_an_anchor_that_passes_the_deadline_leaves_the_majority_marked_partial() -> None:
    async def never(_: Request) -> str:
        await anyio.sleep_forever()
        return ""

    with anyio.fail_after(5):
        sampler = cat.Sampler(Policy().model, deadline=0.2)
        c = cat.CaT(sampler, estimator=FunctionProvider(never))
        reference = await c.synthesize("2+2", 2)
    assert (reference.partial, reference.answer) == (True, "4")
    assert reference.provenance.method == "majority"
    because = str(reference.provenance.settings["because"])
    assert because.startswith("the deadline of 0.2 s is over; raise the sampler's deadline=")
    assert [call.failure and call.failure.kind for call in reference.calls] == ["Cancelled"]


async def test_a_cat_that_was_not_entered_keeps_its_budget_too() -> None:
    model = Policy().model
    c = cat.CaT(model, estimator=anchor(), client=cat.Client(budget=cat.Budget(requests=3)))
    group = await c.sample("2+2", 8)
    assert (len(model.requests), len(group.rollouts), group.partial) == (3, 3, True)
    with pytest.raises(NoEvidenceError):
        await c.synthesize("2+2", 2)
    assert len(model.requests) == 3


async def test_one_budget_is_shared_by_all_that_are_given_its_client() -> None:
    model = Policy().model
    client = cat.Client(budget=cat.Budget(requests=4))
    first = cat.CaT(model, estimator=anchor(), client=client)
    second = cat.CaT(model, estimator=anchor(), client=client)
    await first.sample("2+2", 3)
    group = await second.sample("2+2", 3)
    assert (len(model.requests), len(group.rollouts)) == (4, 1)


async def test_equal_calls_of_a_cat_with_a_cache_are_sent_once() -> None:
    model, teacher = Policy().model, anchor()
    async with cat.CaT(model, estimator=teacher, client=cat.Client(cache="memory")) as c:
        first = await c.synthesize("2+2", 4)
        again = await c.synthesize("2+2", 4)
    assert (len(model.requests), len(teacher.requests)) == (4, 1)
    assert first.text == again.text
    assert (first.usage.requests, again.usage.requests) == (5, 0)


async def test_map_gives_a_reference_for_each_prompt_of_an_async_iterator() -> None:
    async def prompts() -> AsyncGenerator[str]:
        for at in range(20):
            yield f"prompt {at}"

    async with cat.CaT(Policy().model, estimator=anchor()) as c:
        with anyio.fail_after(10):
            results = [result async for result in c.map(prompts(), 2, ordered=True)]
    assert [result.index for result in results] == list(range(20))
    assert all(result.answer == "4" for result in results)


@pytest.mark.behaviour("prompts-move-on")
async def test_map_goes_on_to_the_synthesis_of_one_prompt_while_another_still_samples() -> None:
    policy = Policy()
    slow = anyio.Event()

    async def script(request: Request) -> str:
        if "slow" in request.messages[0].text:
            await slow.wait()
        return "\\boxed{4}"

    policy.model.script = script
    async with cat.CaT(policy.model, estimator=anchor()) as c:
        with anyio.fail_after(5):
            async with c.map(["slow", "quick"], 2) as results:
                assert (await results.__anext__()).index == 1
                slow.set()
                assert (await results.__anext__()).index == 0


async def test_a_wrong_prompt_of_many_is_a_failure_in_its_place() -> None:
    async with cat.CaT(Policy().model, estimator=anchor()) as c:
        results = [result async for result in c.map(["2+2", " "], 2, ordered=True)]
    assert [result.failure and result.failure.kind for result in results] == [
        None,
        "InvalidInputError",
    ]


@pytest.mark.behaviour("failed-prompt-keeps-what-it-brought")
async def test_a_budget_that_ends_in_the_middle_of_many_prompts_loses_none() -> None:
    model = Policy().model
    client = cat.Client(budget=cat.Budget(requests=10))
    async with cat.CaT(model, estimator=anchor(), client=client) as c:
        with anyio.fail_after(10):
            results = [result async for result in c.map(map(str, range(20)), 2)]
    assert sorted(result.index for result in results) == list(range(20))
    assert client.account is not None and client.account.requests == 10
    assert any(result.reference is not None for result in results)
    failed = [result for result in results if result.failure is not None]
    assert {result.failure.kind for result in failed if result.failure} == {"NoEvidenceError"}
    # What was asked for and refused is still there to be looked at.
    assert all(result.group is not None and len(result.group.failures) == 2 for result in failed)


async def test_map_needs_an_open_cat_and_a_number_that_makes_sense() -> None:
    c = cat.CaT(Policy().model, estimator=anchor())
    with pytest.raises(ConfigurationError, match="async with CaT"):
        c.map(["2+2"])
    async with c:
        with pytest.raises(InvalidInputError, match="at_once"):
            c.map(["2+2"], at_once=0)


@pytest.mark.parametrize(
    "one", ["2+2", b"2+2", {"role": "user", "content": "2+2"}, cat.group_of("2+2", ["4"]), 5]
)
async def test_one_thing_is_not_taken_for_many(one: Any) -> None:
    model = Policy().model
    async with cat.CaT(model, estimator=anchor()) as c:
        with pytest.raises(InvalidInputError, match="give a list of prompts, or use run"):
            c.map(one)
        with pytest.raises(InvalidInputError, match="items is .*; give a list of items"):
            c.each(c.synthesize, one)
    assert model.requests == []


def test_what_a_client_does_not_set_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CATSDK_LIMITS__IN_FLIGHT", "7")
    monkeypatch.setenv("CATSDK_HEDGE", "true")
    c = cat.CaT(Policy().model, client=cat.Client(hedge=False))
    assert (c.client.sending.limits.in_flight, c.client.sending.hedge) == (7, None)
    assert cat.CaT(Policy().model).client.sending.hedge is not None
