"""A judge that fails says neither yes nor no, and no score stands without evidence."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catsdk import Sampling
from catsdk.answers import ExactMatch, FunctionGrader
from catsdk.answers.answers import Answers
from catsdk.core import types
from catsdk.core.errors import ServerError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.rewards.answer import AnswerReward
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.judge import Judge
from catsdk.runtime.client import Client
from catsdk.runtime.context import context_of
from catsdk.testing import FunctionProvider

FROM = types.Provenance(method="test")
ROLLOUT = types.Rollout(index=0, completion=types.Completion(text="4"), answer="4")
GROUP = types.Group(prompt=(types.Message(role="user", content="q"),), rollouts=(ROLLOUT,))


def rubric_of(count: int) -> types.Rubric:
    criteria = tuple(types.Criterion(id=f"c{at}", text=f"criterion {at}") for at in range(count))
    return types.Rubric(criteria=criteria, provenance=FROM)


@pytest.mark.behaviour("failed-verdict-is-not-a-no")
async def test_an_unreadable_or_failed_reply_is_no_verdict() -> None:
    class Once(ServerError):
        transient = False

    def script(request: types.Request) -> str:
        if "criterion 1" in request.messages[1].text:
            raise Once("boom")
        return "yes" if "criterion 0" in request.messages[1].text else "maybe"

    with anyio.fail_after(5):
        verdicts = await Judge(FunctionProvider(script)).judge(rubric_of(3), ROLLOUT)
    assert [verdict.met for verdict in verdicts] == [True, None, None]
    kinds = [verdict.failure and verdict.failure.kind for verdict in verdicts]
    assert kinds == [None, "Once", "StructuredOutputError"]


async def test_a_judge_without_a_temperature_judges_at_its_own() -> None:
    model = FunctionProvider(lambda request: "yes", capabilities=Capabilities(temperature=False))
    with anyio.fail_after(5):
        (verdict,) = await Judge(model).judge(rubric_of(1), ROLLOUT)
        warm = Judge(model, Sampling(temperature=0.5))
        (refused,) = await warm.judge(rubric_of(1), ROLLOUT)
    assert verdict.met is True
    assert [request.temperature for request in model.requests] == [None]
    assert refused.failure is not None
    assert "no temperature" in refused.failure.message


async def test_a_judge_that_refuses_a_temperature_is_asked_without() -> None:
    def script(request: types.Request) -> str:
        if request.temperature is not None:
            raise UnsupportedError("only the default", capability="temperature", status=400)
        return "yes"

    with anyio.fail_after(5):
        verdicts = await Judge(FunctionProvider(script)).judge(rubric_of(3), ROLLOUT)
    assert [verdict.met for verdict in verdicts] == [True] * 3
    assert [len(verdict.calls) for verdict in verdicts] == [2] * 3


@given(st.lists(st.sampled_from([True, False, None, "left out"]), min_size=1, max_size=6))
def test_no_score_is_a_number_without_every_verdict(answers: list[bool | None | str]) -> None:
    class Fixed:
        async def judge(
            self, rubric: types.Rubric, rollout: types.Rollout, ctx: object
        ) -> list[types.Verdict]:
            return [
                types.Verdict(criterion_id=criterion.id, met=met)
                for criterion, met in zip(rubric.criteria, answers, strict=True)
                if not isinstance(met, str)
            ]

    reference = types.Reference(text="", group=GROUP, provenance=FROM)

    async def reward() -> float | None:
        by = RubricReward(judge=Fixed(), rubric=rubric_of(len(answers)))
        return (await by.reward(GROUP, reference))[0].value

    value = anyio.run(reward)
    if all(isinstance(answer, bool) for answer in answers):
        assert value == sum(answer is True for answer in answers) / len(answers)
    else:
        assert value is None


def group_of_answers(*answers: str | None) -> types.Group:
    rollouts = (
        types.Rollout(index=at, completion=types.Completion(text=""), answer=answer)
        for at, answer in enumerate(answers)
    )
    return GROUP.model_copy(update={"rollouts": tuple(rollouts)})


async def test_equal_answers_are_rewarded_however_they_are_written() -> None:
    group = group_of_answers(r"\frac{1}{2}", "0.5", "50%", "2", None)
    reference = types.Reference(text="", answer="1/2", group=group, provenance=FROM)
    scores = await AnswerReward().reward(group, reference)
    assert [score.value for score in scores] == [1.0, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.behaviour("unknown-is-no-reward")
async def test_an_unknown_verdict_is_no_reward_unless_you_choose_a_number() -> None:
    group = group_of_answers(r"\frac{1}{2", "2")
    reference = types.Reference(text="", answer="2", group=group, provenance=FROM)
    scores = await AnswerReward().reward(group, reference)
    assert [score.value for score in scores] == [None, 1.0]
    assert scores[0].failure is not None
    assert scores[0].failure.kind == "UnknownVerdict"
    assert "unparseable" in scores[0].failure.message
    chosen = await AnswerReward(unknown=0.0).reward(group, reference)
    assert [score.value for score in chosen] == [0.0, 1.0]


async def test_another_grader_rewards_another_kind_of_task() -> None:
    group = group_of_answers("Yes", "yes")
    reference = types.Reference(text="", answer="yes", group=group, provenance=FROM)
    assert await rewarded(Answers(grader=ExactMatch()), group, reference) == [0.0, 1.0]
    mine = FunctionGrader(lambda answer, reference: answer.lower() == reference)
    assert await rewarded(Answers(grader=mine), group, reference) == [1.0, 1.0]


async def rewarded(
    answers: Answers, group: types.Group, reference: types.Reference
) -> list[float | None]:
    async with context_of(Client(), answers=answers) as ctx:
        return [score.value for score in await AnswerReward().reward(group, reference, ctx)]
