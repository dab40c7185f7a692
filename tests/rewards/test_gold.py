"""Known answers are read from the data row, in whatever form a data set has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from tests.method.scripted import policy

GSM8K = "She sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs, and makes 9 * 8 = $<<9*8=72>>72.\n#### 72"


async def gold(known: Any, answers: str = "72 73", **settings: Any) -> tuple[float | None, ...]:
    c = cat.CaT(policy(answers.split()), reward=cat.Gold(**settings))
    return (await c.run("q", 2, row={"answer": known, "label": "73"})).rewards


@pytest.mark.behaviour("gold-is-read-like-a-rollout")
@pytest.mark.parametrize(
    "known",
    [
        "72",
        72,
        72.0,
        Decimal("72.00"),
        GSM8K,
        "#### 72",
        "so it is \\boxed{72}",
        "<answer>72</answer>",
        "The answer is 72.",
        ["72"],
        ["71", "72"],
        ("70", 72),
        {72},
        ["71", GSM8K],
    ],
    ids=repr,
)
async def test_a_known_answer_is_read_as_a_rollout_is(known: Any) -> None:
    assert await gold(known) == (1.0, 0.0)


async def test_numbers_of_tables_are_answers_too() -> None:
    numpy = pytest.importorskip("numpy")
    for known in (numpy.int64(72), numpy.float32(72), numpy.array([71, 72])):
        assert await gold(known) == (1.0, 0.0)
    assert await gold(numpy.float64("nan")) == (None, None)


async def test_any_of_several_accepted_answers_is_right() -> None:
    assert await gold(["72", "73"]) == (1.0, 1.0)
    assert await gold(["1/2", "0.25"], "0.5 25\\%") == (1.0, 1.0)


async def test_another_column_may_hold_it() -> None:
    assert await gold("72", column="label") == (0.0, 1.0)


@pytest.mark.parametrize("known", [None, "", "  ", [], [None, ""], float("nan")], ids=repr)
async def test_without_a_known_answer_there_is_no_reward(known: Any) -> None:
    c = cat.CaT(policy(), reward=cat.Gold())
    scores = (await c.run("q", 2, row={"answer": known, "level": 3})).scores
    assert {(s.value, s.failure and s.failure.kind) for s in scores} == {(None, "NoGoldAnswer")}
    assert scores[0].failure is not None and "answer, level" in scores[0].failure.message
    alone = (await c.run("q", 2)).scores
    assert alone[0].failure is not None and "no columns" in alone[0].failure.message


@pytest.mark.parametrize("known", [{"a": 1}, b"72", [["72"], object]], ids=repr)
async def test_what_cannot_be_an_answer_is_refused(known: Any) -> None:
    with pytest.raises(InvalidInputError, match="a gold answer is a text or a number, not"):
        await gold(known)


async def test_a_wrong_answer_among_undecided_ones_is_unknown_and_not_wrong() -> None:
    assert await gold(["72", "\\frac{1}{2"], "72 73") == (1.0, None)


async def test_each_prompt_of_a_map_has_its_own_row() -> None:
    rows: list[Any] = [
        ("a", {"answer": 4}),
        ("b", {"answer": "5"}),
        (cat.group_of("c", ["6"]), {}),
        "d",
    ]
    async with cat.CaT(policy("44"), reward=cat.Gold()) as c:
        results = [result async for result in c.map(rows, 2, ordered=True)]
    assert [result.rewards for result in results] == [
        (1.0, 1.0),
        (0.0, 0.0),
        (None,),
        (None, None),
    ]
