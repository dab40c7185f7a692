"""An item is graded as the rewards grade: by known answers, read like rollouts, or by a rubric."""

from __future__ import annotations

from pathlib import Path

import pytest

import catsdk as cat
from catsdk.answers.answers import Answers
from catsdk.answers.extract import Extractor
from catsdk.answers.graders.plain import ExactMatch
from catsdk.core.types import Criterion, Provenance, Request, Rubric
from catsdk.evaluate.grading import ItemGrader
from catsdk.evaluate.items import Item, item_of
from catsdk.evaluate.reading import read_items
from catsdk.rewards.answer import Gold
from catsdk.rewards.rubric import RubricReward
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of
from catsdk.testing import FunctionProvider

TEXT = "The answer is \\boxed{72}"


async def graded(item: Item, text: str, answers: Answers = Answers()) -> float | None:
    async with context_of(Client(), answers=answers) as ctx:
        return (await ItemGrader().grade(item, text, answers.extract(text).answer, ctx)).value


async def rewarded(item: Item, text: str, answers: Answers = Answers()) -> float | None:
    """What the reward of the library gives the same text."""
    group = cat.group_of("q", [text], answers=answers)
    async with context_of(Client(), answers=answers, row={"answer": item.gold}) as ctx:
        (score,) = await Gold().reward(group, None, ctx)
    return score.value


@pytest.mark.parametrize(
    ("gold", "value"),
    [
        ("72", 1.0),
        ("6 * 12 is 72\n#### 72", 1.0),
        ("\\boxed{72}", 1.0),
        (("71", "the sum is 72\n#### 72"), 1.0),
        (("71", "73"), 0.0),
        ("so\n#### 71", 0.0),
    ],
)
async def test_a_known_answer_is_read_as_a_rollout_is_and_may_be_one_of_several(
    gold: str | tuple[str, ...], value: float
) -> None:
    item = item_of("q", gold)
    assert await graded(item, TEXT) == await rewarded(item, TEXT) == value


async def test_an_own_extractor_and_an_own_grader_decide_on_both_sides() -> None:
    last_word = Answers(extractor=Extractor((("last word", lambda text: text.split()[-1]),)))
    assert await graded(item_of("q", "it must be sehr"), "es ist sehr", last_word) == 1.0
    assert await graded(item_of("q", "0.5"), "\\boxed{\\frac12}") == 1.0
    exact = Answers(grader=ExactMatch())
    assert await graded(item_of("q", "0.5"), "\\boxed{\\frac12}", exact) == 0.0


RUBRIC = """{"prompt": "q", "rubric": [{"criterion": "Names hours of light", "points": 5},
{"criterion": "Recommends a brand", "points": -5}]}"""


@pytest.mark.allow_blocking
@pytest.mark.parametrize(
    ("met", "value"), [("hours brand", 0.0), ("hours", 1.0), ("brand", 0.0), ("", 0.0)]
)
async def test_weights_and_pitfalls_count_as_in_the_rubric_reward(
    tmp_path: Path, met: str, value: float
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(RUBRIC.replace("\n", " "), encoding="utf-8")
    (item,) = read_items(str(path))

    def verdict(request: Request) -> str:
        asked = request.messages[-1].text
        return "yes" if any(word in asked for word in met.split()) else "no"

    judge = cat.Judge(FunctionProvider(verdict))
    rubric = Rubric(criteria=item.criteria, provenance=Provenance(method="test"))
    async with context_of(Client()) as ctx:
        score = await ItemGrader(judge).grade(item, "a text", None, ctx)
        reward = RubricReward(judge=judge, rubric=rubric)
        (same,) = await reward.reward(cat.group_of("q", ["a text"]), None, ctx)
    assert score.value == same.value == value


async def test_criteria_as_texts_are_worth_a_point_each() -> None:
    item = item_of("q", criteria=["polite", Criterion(id="x", text="short", weight=2.0)])
    assert [(c.id, c.weight) for c in item.criteria] == [("r1", 1.0), ("x", 2.0)]


async def test_what_cannot_be_graded_is_not_zero() -> None:
    assert await graded(item_of("q"), TEXT) is None
