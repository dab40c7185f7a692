"""The laboratories' exam: what is right is counted, and a failure is no wrong answer."""

from __future__ import annotations

import pytest

import catsdk as cat
from catsdk.errors import CatError, ServerError
from catsdk.estimators import Synthesizer
from catsdk.testing import FunctionProvider
from catsdk.types import Request
from examples.lab.held_out import Exam, ExamFailedError

KNOWN = {"2 plus 2": "4", "3 plus 3": "6", "4 plus 4": "9"}
QUESTIONS = [("2 plus 2", "4"), ("3 plus 3", "6"), ("4 plus 4", "8")]


def knows(request: Request) -> str:
    """Adds twos and threes, and nothing else."""
    asked = request.messages[-1].text
    return next(f"The answer is {told}." for words, told in KNOWN.items() if words in asked)


def breaks(_: Request) -> str:
    raise ServerError("out of order")


def exam(policy: FunctionProvider, anchor: FunctionProvider, estimated: int | None) -> Exam:
    return Exam(
        sets={"held_out": QUESTIONS, "untrained": QUESTIONS[:1]},
        policy=policy,
        group=2,
        sampling=cat.Sampling(max_tokens=8),
        estimators={"teacher": Synthesizer(anchor, prompts="small")},
        estimated=estimated,
    )


def test_each_question_is_a_digit_and_estimators_see_the_first_of_the_first_set() -> None:
    taken = exam(FunctionProvider(knows), FunctionProvider(knows), 2).sit(whole=True)
    assert taken["held_out"] == {
        "single": "220", "greedy": "110", "majority": "110", "teacher": "11",
    }  # fmt: skip
    assert taken["untrained"] == {"single": "2", "greedy": "1", "majority": "1"}


def test_without_the_whole_exam_no_estimator_is_asked() -> None:
    anchor = FunctionProvider(knows)
    taken = exam(FunctionProvider(knows), anchor, None).sit(whole=False)
    assert taken == {"held_out": {"single": "220", "greedy": "110", "majority": "110"}}
    assert not anchor.requests


@pytest.mark.parametrize("who", ["policy", "anchor"])
def test_a_model_that_fails_has_no_number(who: str) -> None:
    models = {
        name: FunctionProvider(breaks if name == who else knows) for name in ("policy", "anchor")
    }
    with pytest.raises((CatError, ExamFailedError), match="out of order"):
        exam(models["policy"], models["anchor"], None).sit(whole=True)
