"""Sampling, seed and budget for one call, on an open CaT that keeps its own for the others."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.events import ResultReady
from catsdk.estimators import MixtureOfAgents, RecursiveSelfAggregation, Shuffled
from catsdk.rewards import LengthPenalty
from catsdk.rubrics import Judging
from catsdk.sampling import AdaptiveSampler
from catsdk.testing import FunctionProvider
from tests.method.scripted import anchor, policy

HOT = cat.Sampling(temperature=1.3)


def models() -> tuple[FunctionProvider, FunctionProvider]:
    return policy(), anchor()


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "adaptive"])
async def test_sampling_and_seed_are_those_of_one_call_alone(wrapped: bool) -> None:
    model, teacher = models()
    sampler: Any = cat.Sampler(model, cat.Sampling(temperature=0.5), seed=1)
    sampler = AdaptiveSampler(sampler, batch=4) if wrapped else sampler
    async with cat.CaT(sampler, estimator=cat.Synthesizer(teacher)) as c:
        await c.run("q", 4)
        await c.run("q", 4, sampling=HOT, seed=2)
        await c.run("q", 4)
    assert [request.temperature for request in model.requests] == [0.5, 1.3, 0.5]
    seeds = [request.seed for request in model.requests]
    assert seeds[0] == seeds[2] != seeds[1]
    # The anchor has settings of its own; the seed is that of the whole call.
    assert [request.temperature for request in teacher.requests] == [None] * 3
    assert [request.seed for request in teacher.requests] == [None, 2, None]


async def test_every_door_takes_them() -> None:
    model, teacher = models()
    async with cat.CaT(model, estimator=teacher) as c:
        async for _ in c.map(["a", "b"], 2, sampling=HOT, seed=3):
            pass
        async for _ in c.stream("q", 2, sampling=HOT, seed=3):
            pass
        await c.sample("q", 2, sampling=HOT, seed=3)
    await cat.synthesize("q", 2, model, anchor=teacher, sampling=HOT, seed=3)
    assert {request.temperature for request in model.requests} == {1.3}
    assert all(request.seed is not None for request in model.requests)
    assert {request.seed for request in teacher.requests} == {3}


@pytest.mark.parametrize(
    "around",
    [
        lambda own: cat.Cascade(cat.Majority(), own, threshold=1.0),
        lambda own: Shuffled(own),
        lambda own: RecursiveSelfAggregation(cat.Majority(), own, rounds=1),
        lambda own: MixtureOfAgents([[cat.Majority()]], own),
    ],
    ids=["cascade", "shuffled", "recursive", "mixture"],
)
async def test_a_seed_reaches_the_estimators_inside_an_estimator(around: Any) -> None:
    model, teacher = models()
    estimator = around(cat.Synthesizer(teacher))
    async with cat.CaT(model, estimator=estimator) as c:
        await c.run("q", 4, seed=9)
        await c.run("q", 4)
    assert [request.seed for request in teacher.requests] == [9, None]


@pytest.mark.parametrize(
    "around",
    [lambda own: own, lambda own: 0.5 * own + LengthPenalty(750)],
    ids=["alone", "in a sum"],
)
async def test_a_seed_reaches_the_proposer_inside_a_reward(around: Any) -> None:
    writer = FunctionProvider(lambda request: '{"criteria": ["Is a.", "Is b."]}')
    judge = FunctionProvider(lambda request: '{"evidence": "", "reason": "", "verdict": "yes"}')
    judged = cat.Judge(judge, judging=Judging(seed=5))

    async def seeds(of_proposer: int | None, of_sampler: int | None) -> list[int | None]:
        proposer = cat.RubricProposer(writer, at_least=2, seed=of_proposer)
        reward = around(cat.RubricReward(proposer=proposer, judge=judged))
        model, teacher = models()
        asked = len(writer.requests)
        async with cat.CaT(
            cat.Sampler(model, seed=of_sampler), estimator=teacher, reward=reward
        ) as c:
            await c.run("q", 4)
            await c.run("q", 4, seed=9)
            await c.run("q", 4)
        return [request.seed for request in writer.requests[asked:]]

    assert await seeds(None, None) == [None, 9, None]
    assert await seeds(None, 0) == [0, 9, 0]
    assert await seeds(3, 1) == [3, 9, 3]
    assert judged.judging.seed == 5


async def test_a_budget_of_one_call_stands_beside_the_client_s() -> None:
    model, teacher = models()
    client = cat.Client(budget=cat.Budget(requests=7))
    async with cat.CaT(model, estimator=teacher, client=client) as c:
        small = await c.run("q", 2, budget=cat.Budget(requests=1))
        again = await c.run("q", 2, budget=cat.Budget(requests=2))
        assert (small.partial, again.partial) == (True, False)
        assert client.account is not None and client.account.requests == 3
        few = cat.Budget(requests=3)
        many = [result async for result in c.map(["a", "b", "c"], 2, budget=few)]
        assert client.account.requests == 6
        assert sum(result.usage.requests for result in many) == 3
        events = [event async for event in c.stream("q", 2, budget=cat.Budget(requests=5))]
        assert client.account.requests == 7
    last = events[-1]
    assert isinstance(last, ResultReady) and last.result.partial


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sampling": {"temperature": 1}}, "sampling is {'temperature': 1}; give a Sampling"),
        ({"budget": {"requests": 1}}, "budget is {'requests': 1}; give a Budget"),
        ({"row": "42"}, "row is '42'; give a mapping"),
    ],
    ids=["sampling", "budget", "row"],
)
async def test_settings_of_the_wrong_kind_are_named(settings: Any, told: str) -> None:
    model, teacher = models()
    async with cat.CaT(model, estimator=teacher) as c:
        with pytest.raises(InvalidInputError, match=told):
            await c.run("q", 2, **settings)
        with pytest.raises(InvalidInputError, match=told):
            [event async for event in c.stream("q", 2, **settings)]
    assert model.requests == []
