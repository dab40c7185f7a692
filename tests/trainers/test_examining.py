"""Held-out prompts are measured with and without synthesis, and without answers less is known."""

import pytest

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.types import Request
from catsdk.estimators.synthesis import Synthesizer
from catsdk.testing import FunctionProvider
from catsdk_trainers.examining import Examiner

GROUP = cat.group_of("2+2", ["\\boxed{4}", "\\boxed{5}", "\\boxed{5}", "no idea"])


def teacher(answer: str) -> Synthesizer:
    return Synthesizer(FunctionProvider(lambda _: f"\\boxed{{{answer}}}"))


async def test_with_an_answer_policy_majority_and_teacher_are_told_apart() -> None:
    score = await Examiner(teacher("4"), "gold").score_group(GROUP, {"gold": "4"})
    assert score.rewards == (1.0, 0.0, 0.0, 0.0)
    assert score.measures == {
        "policy": 0.25,
        "majority": 0.0,
        "teacher": 1.0,
        "lead": 0.75,
        "agreement": pytest.approx(2 / 3),
    }
    assert score.reference is not None and score.reference.answer == "4"


async def test_without_an_answer_the_scores_say_who_agrees_with_the_teacher() -> None:
    score = await Examiner(teacher("5")).score_group(GROUP, {})
    assert score.rewards == (0.0, 1.0, 1.0, 0.0)
    assert set(score.measures) == {"agreement"}


async def test_a_teacher_that_fails_takes_only_its_own_measures_away() -> None:
    def refuses(_: Request) -> str:
        raise RequestRefusedError("no")

    examiner = Examiner(Synthesizer(FunctionProvider(refuses)))
    score = await examiner.score_group(GROUP, {"answer": "4"})
    assert set(score.measures) == {"policy", "majority", "agreement"}
    assert score.cause is not None and score.cause.kind == "RequestRefusedError"
    without = await examiner.score_group(GROUP, {})
    assert without.rewards == (None,) * 4 and not without.measures
