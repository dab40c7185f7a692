"""Held-out prompts are measured with and without synthesis, and without answers less is known."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

from catsdk.scored import Scored
from catsdk_trainers.trl.examining import Examiner

GROUP = cat.group_of("2+2", ["\\boxed{4}", "\\boxed{5}", "\\boxed{5}", "no idea"])


async def examined(examiner: Examiner, row: dict[str, Any], answer: str = "4") -> Scored:
    teacher = FunctionProvider(lambda _: f"\\boxed{{{answer}}}")
    async with cat.CaT(estimator=teacher, reward=cat.AnswerReward()) as c:
        return await examiner.examine(c, GROUP, row)


async def test_with_an_answer_policy_majority_and_teacher_are_told_apart() -> None:
    scored = await examined(Examiner("gold"), {"gold": "4"})
    assert scored.result.rewards == (1.0, 0.0, 0.0, 0.0)
    assert scored.measures == {
        "policy": 0.25,
        "majority": 0.0,
        "teacher": 1.0,
        "lead": 0.75,
        "agreement": pytest.approx(2 / 3),
        "over_majority": 1.0,
        "unlike_majority": 1.0,
    }
    assert scored.result.answer == "4"


@pytest.mark.parametrize("gold", ["2 + 2 = 4\n#### 4", ["7", "\\boxed{4}"], 4])
async def test_known_answers_are_read_like_rollouts_and_any_accepted_one_counts(gold: Any) -> None:
    scored = await examined(Examiner(), {"answer": gold})
    assert (scored.measures["policy"], scored.measures["teacher"]) == (0.25, 1.0)


async def test_without_an_answer_the_scores_say_who_agrees_with_the_teacher() -> None:
    scored = await examined(Examiner(), {}, answer="5")
    assert scored.result.rewards == (0.0, 1.0, 1.0, 0.0)
    assert set(scored.measures) == {"agreement"}


async def test_a_teacher_of_its_own_takes_the_place_of_the_estimator() -> None:
    own = cat.Synthesizer(FunctionProvider(lambda _: "\\boxed{5}"))
    scored = await examined(Examiner(estimator=own), {"answer": "4"})
    assert scored.measures["teacher"] == 0.0


async def test_a_teacher_that_fails_takes_only_its_own_measures_away() -> None:
    def refuses(_: Request) -> str:
        raise RequestRefusedError("no")

    failing = cat.Synthesizer(FunctionProvider(refuses))
    scored = await examined(Examiner(estimator=failing), {"answer": "4"})
    assert set(scored.measures) == {"policy", "majority", "agreement"}
    assert scored.cause is not None and "RequestRefusedError" in scored.cause
    without = await examined(Examiner(estimator=failing), {})
    assert without.result.rewards == (None,) * 4 and not without.measures
