"""The reward service takes each object that the page on composition says it takes."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

import catsdk as cat
from catsdk.core.ports import Provider
from catsdk.runtime.roles import Estimator
from catsdk.serve.rewards.server import serving
from tests.method.scripted import anchor
from tests.serve.service import post
from tests.test_doors import BY_LETTERS, Brief, Counting, Longest, by_panel, table

RESPONSES = [r"so \boxed{4}", r"it is \boxed{5}", r"\boxed{4}"]


def counted() -> cat.CaT:
    Counting.seen = 0
    client = cat.Client(middleware=[*cat.default_middleware(), Counting])
    return cat.CaT(estimator=anchor(), reward=cat.AnswerReward(), client=client)


def by_answer(estimator: Estimator | Provider, answers: cat.Answers | None = None) -> cat.CaT:
    return cat.CaT(estimator=estimator, reward=cat.AnswerReward(), answers=answers or cat.Answers())


OBJECTS: dict[str, tuple[Callable[[], cat.CaT], list[float]]] = {
    "`Majority()`": (lambda: by_answer(cat.Majority()), [1.0, 0.0, 1.0]),
    "an estimator of your own": (lambda: by_answer(Longest()), [0.0, 1.0, 0.0]),
    "`RubricReward(judge=Panel(...)) + 0.1 * LengthPenalty(...)`": (
        lambda: cat.CaT(estimator=anchor(), reward=by_panel()),
        [0.9, 0.9, 0.9],
    ),
    "a reward of your own": (lambda: cat.CaT(reward=Brief()), [1.0, 1.0, 1.0]),
    "`answers=`": (lambda: by_answer(anchor(), BY_LETTERS), [0.0, 1.0, 0.0]),
    "middleware of your own": (counted, [1.0, 0.0, 1.0]),
}


@pytest.mark.parametrize("name", OBJECTS)
async def test_the_service_rewards_by_the_object(name: str) -> None:
    make, rewards = OBJECTS[name]
    body = {"prompt": "2+2", "responses": RESPONSES, "tokens": [5, 5, 5]}
    with anyio.fail_after(20):
        async with serving(make(), group_size=len(RESPONSES)) as url:
            status, told = await post(f"{url}/v1/groups", body)
    assert (status, told["cause"]) == (200, None)
    assert told["rewards"] == pytest.approx(rewards)
    if name.startswith("middleware"):
        assert Counting.seen == told["usage"]["requests"] == 1


def test_these_are_the_objects_that_the_page_names() -> None:
    assert list(OBJECTS) == [
        name for name, cells in table().items() if cells["reward service"] == "yes"
    ]
