"""Every kind of task grades behind the same protocol, and says why where it cannot."""

import json

import pytest

from catsdk.answers import (
    CodeOutput,
    ExactMatch,
    FunctionGrader,
    Grader,
    JsonEquality,
    MathGrader,
    MultipleChoice,
    NumericTolerance,
    Verdict,
    grade_all,
)
from catsdk.core.errors import CatError


async def _runs(code: str) -> str:
    if code == "boom":
        raise CatError("the sandbox refused")
    return f"{code}  done\n"


async def _later(answer: str, reference: str) -> bool:
    return answer[0] == reference[0]


@pytest.mark.parametrize(
    ("grader", "answer", "reference", "equal"),
    [
        (MathGrader(bounded=True), "0.5", r"\frac12", True),
        (MathGrader(bounded=True), "f(2)", "5", None),
        (ExactMatch(), " yes ", "yes", True),
        (ExactMatch(), "Yes", "yes", False),
        (ExactMatch(fold_case=True), "Yes", "yes", True),
        (ExactMatch(fold_space=True), "a  b", "a b", True),
        (NumericTolerance(relative=0.01), "3.14", r"\pi", True),
        (NumericTolerance(absolute=0.1, relative=0.0), "5.2", "5", False),
        (NumericTolerance(), "some words", "5", False),
        (MultipleChoice(), "The answer is (C), since it fits.", "C", True),
        (MultipleChoice(), "D. it can't be A or B", "D", True),
        (MultipleChoice(), "(D) Alina", "D", True),
        (MultipleChoice(), r"\boxed{\text{B}}", "(B)", True),
        (MultipleChoice(), "I think the correct answer is C", "B", False),
        (MultipleChoice(), "b", "B", True),
        (MultipleChoice(), "ab", "B", None),
        (MultipleChoice(), "no idea", "B", None),
        (JsonEquality(), '{"a": 1.0, "b": [1, 2]}', '{"b": [1, 2], "a": 1}', True),
        (JsonEquality(), "[1, 2]", "[2, 1]", False),
        (JsonEquality(unordered=True), "[1, 2]", "[2, 1]", True),
        (JsonEquality(), "[true]", "[1]", False),
        (JsonEquality(), '```json\n{"a": 1}\n```', '{"a": 1}', True),
        (JsonEquality(), "{", "{}", None),
        (JsonEquality(), "1e999999999", "1", None),
        (CodeOutput(_runs), "print", "print done", True),
        (CodeOutput(_runs), "boom", "print done", None),
        (FunctionGrader(lambda answer, reference: answer == reference), "a", "a", True),
        (FunctionGrader(lambda answer, reference: None), "a", "a", None),
        (FunctionGrader(lambda answer, reference: int(answer) == 1), "x", "1", None),
        (FunctionGrader(lambda answer, reference: Verdict("equal")), "a", "b", True),
        (FunctionGrader(_later), "ab", "ac", True),
    ],
)
async def test_a_grader_decides_or_says_that_it_cannot(
    grader: Grader, answer: str, reference: str, *, equal: bool | None
) -> None:
    verdict = await grader.grade(answer, reference)
    assert verdict.equal is equal
    assert (verdict.cause != "") == (equal is None)


async def test_a_group_is_graded_in_order_and_each_distinct_answer_once() -> None:
    asked: list[str] = []

    def function(answer: str, reference: str) -> bool:
        asked.append(answer)
        return answer == reference

    verdicts = await grade_all(["1", "2", "1", "1"], "1", FunctionGrader(function))
    assert [verdict.equal for verdict in verdicts] == [True, False, True, True]
    assert sorted(asked) == ["1", "2"]


async def test_deep_json_is_unknown_and_no_crash() -> None:
    deep = "[" * 50_000 + "]" * 50_000
    assert (await JsonEquality().grade(deep, json.dumps([]))).equal is None
