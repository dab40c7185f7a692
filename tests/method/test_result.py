"""A result and each of its parts survive JSON, and print on one short line."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.events import ResultReady, line_of
from catsdk.core.types import (
    Call,
    Completion,
    Failure,
    Provenance,
    Request,
    Result,
    Score,
    TokenLogprob,
    Usage,
    Verdict,
)
from catsdk.core.value import Value
from catsdk.estimators import Adaptive, Greedy
from tests.method.scripted import anchor, judge, policy

LONG = "a very long text \n" * 400


async def rewarded() -> Result:
    reward = cat.RubricReward(judge=judge()) + 0.5 * cat.AnswerReward()
    return await cat.CaT(policy(), estimator=anchor(), reward=reward).run("2+2", 4)


async def test_a_result_and_its_parts_come_back_from_json() -> None:
    result = await rewarded()
    assert result.reference is not None and result.group is not None and result.rubric is not None
    parts: list[Value] = [result, result.reference, result.group, result.rubric, *result.scores]
    parts += [*result.calls, result.scores[0].verdicts[0] if result.scores[0].verdicts else result]
    for part in parts:
        assert type(part).model_validate_json(part.model_dump_json()) == part
        assert type(part).model_validate(part.model_dump()) == part
        assert type(part).model_validate(part.model_dump(mode="json")) == part


async def test_the_group_is_written_once_and_read_into_both_places() -> None:
    result = await rewarded()
    data = result.model_dump(mode="json")
    assert "group" not in data["reference"]
    again = Result.model_validate(data)
    assert again.reference is not None and again.reference.group == again.group == result.group


@pytest.mark.parametrize("estimator", [Adaptive(cat.Majority()), Greedy()], ids=["part", "another"])
async def test_a_reference_of_another_group_keeps_its_own_in_json(estimator: Any) -> None:
    result = await cat.CaT(policy("4444"), estimator=estimator).run("2+2", 8)
    assert result.reference is not None and result.reference.group != result.group
    assert Result.model_validate_json(result.model_dump_json()) == result


async def test_what_is_left_out_of_a_dump_does_not_take_other_parts_with_it() -> None:
    result = await rewarded()
    assert "reference" not in result.model_dump(exclude={"reference"})
    without = result.model_dump(exclude={"group"})
    assert len(without["reference"]["group"]["rollouts"]) == 4
    assert set(result.model_dump(include={"scores", "index"})) == {"scores", "index"}


async def test_a_failed_result_comes_back_from_json_too() -> None:
    async with cat.CaT(policy()) as c:
        (result,) = [result async for result in c.map([" "])]
    assert result.failure is not None and result.group is None
    assert Result.model_validate_json(result.model_dump_json()) == result


def huge() -> list[Value]:
    """One of every value of the method, each with texts and lists that are far too long."""
    usage = Usage(input_tokens=10**9, output_tokens=10**9, requests=10**6)
    failure = Failure(kind="ServerError", message=LONG, model=LONG)
    call = Call(stage="sample", model=LONG, usage=usage, latency=1.5, failure=failure)
    logprobs = tuple(TokenLogprob(token="t", logprob=-1.0) for _ in range(500))
    completion = Completion(text=LONG, reasoning=LONG, logprobs=logprobs, model=LONG)
    rollouts = tuple(cat.Rollout(index=at, completion=completion, answer=LONG) for at in range(64))
    message = cat.Message(role="user", content=LONG)
    group = cat.Group(
        prompt=(message,) * 30,
        rollouts=rollouts,
        failures=dict.fromkeys(range(64, 96), failure),
        calls=(call,) * 200,
        partial=True,
    )
    provenance = Provenance(method=LONG, model=LONG, settings={"why": LONG})
    reference = cat.Reference(
        text=LONG,
        answer=LONG,
        rationale=LONG,
        group=group,
        agreement=0.5,
        majority=LONG,
        provenance=provenance,
        calls=(call,) * 50,
    )
    criterion = cat.Criterion(id="c1", text=LONG)
    rubric = cat.Rubric(criteria=(criterion,) * 60, provenance=provenance, calls=(call,) * 9)
    verdict = Verdict(criterion_id="c1", met=None, evidence=LONG, reason=LONG, failure=failure)
    score = Score(
        index=3,
        value=None,
        reasons=(LONG,) * 9,
        verdicts=(verdict,) * 60,
        failure=failure,
        parts={"a": Score(index=3, value=1.0, reasons=(LONG,))},
    )
    result = Result(
        group=group,
        reference=reference,
        rubrics=(rubric,) * 3,
        scores=(score,) * 64,
        calls=(call,) * 300,
        failure=failure,
        partial=True,
    )
    return [
        *[usage, failure, call, logprobs[0], completion, rollouts[0], group, provenance],
        *[Request(messages=(message,) * 9, stop=(LONG,), extra={"a": LONG}), reference, criterion],
        *[rubric, verdict, score, result, ResultReady(result=result)],
    ]


@pytest.mark.parametrize("value", huge(), ids=lambda value: type(value).__name__)
def test_no_value_prints_more_than_a_few_lines(value: Value) -> None:
    assert len(repr(value)) <= 400
    assert len(str(value)) <= 400 or isinstance(value, Failure)
    assert repr(value).startswith(type(value).__name__)


def test_a_prompt_prints_whole_since_seeds_are_made_of_it() -> None:
    one, two = (cat.Message(role="user", content=LONG + end) for end in "ab")
    assert repr(one) != repr(two)


async def test_a_result_prints_its_answer_and_its_rewards() -> None:
    assert repr(await rewarded()) == "Result(answer='4', rewards=[1.5, 1.5, 1.0, 1.5])"


async def test_a_line_of_an_event_holds_the_whole_result() -> None:
    result = await rewarded()
    line = line_of(ResultReady(result=result))
    assert "\n" not in line and '"event": "ResultReady"' in line
