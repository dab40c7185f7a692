"""Where rollouts are rewarded by their answers, the prompt asks for one, unless it does already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import catsdk as cat
from catsdk.rewards import ClusterShare, SkipFlat
from catsdk.testing import FunctionProvider
from catsdk.types import ImagePart, Message, TextPart

ASKED = "2+2\n\nPut your final answer within \\boxed{}."


def model(**able: Any) -> FunctionProvider:
    return FunctionProvider(
        lambda _: "\\boxed{4}", capabilities=replace(cat.Capabilities(n=True), **able)
    )


async def sent(policy: FunctionProvider, prompt: Any = "2+2", **roles: Any) -> str:
    settings = roles.pop("sampler", {})
    c = cat.CaT(cat.Sampler(policy, **settings), estimator=cat.Majority(), **roles)
    await c.run(prompt, 2, row={"answer": "4"})
    return policy.requests[0].messages[-1].text


@pytest.mark.parametrize(
    "reward",
    [
        cat.AnswerReward(),
        cat.Gold(),
        ClusterShare(),
        SkipFlat(cat.AnswerReward()),
        0.5 * cat.Gold() + cat.LengthPenalty(9),
    ],
)
async def test_a_reward_by_answers_asks_for_one(reward: cat.Reward) -> None:
    assert await sent(model(), reward=reward) == ASKED


@pytest.mark.parametrize("reward", [None, cat.LengthPenalty(9)])
async def test_nobody_asks_where_no_answer_is_needed(reward: cat.Reward | None) -> None:
    assert await sent(model(), reward=reward) == "2+2"


@pytest.mark.parametrize(
    "prompt", ["2+2? Use \\boxed{}.", "2+2? End with #### N", '2+2? Reply {"answer": ...}']
)
async def test_a_prompt_that_asks_in_its_own_way_stays_as_it_is(prompt: str) -> None:
    assert await sent(model(), prompt, reward=cat.AnswerReward()) == prompt


async def test_a_model_that_was_taught_its_own_form_is_not_asked() -> None:
    assert await sent(model(prompts="box"), reward=cat.AnswerReward()) == "2+2"


async def test_the_words_and_whether_they_are_used_are_the_users() -> None:
    mine = cat.Answers(instruction="End with the number alone.")
    asked = await sent(model(), reward=cat.AnswerReward(), answers=mine)
    assert asked == "2+2\n\nEnd with the number alone."
    silent = cat.Answers(instruction=None)
    assert await sent(model(), reward=cat.AnswerReward(), answers=silent) == "2+2"
    assert await sent(model(), sampler={"ask": False}, reward=cat.AnswerReward()) == "2+2"
    assert await sent(model(), sampler={"ask": True}) == ASKED


async def test_the_group_keeps_the_prompt_as_it_was_sent() -> None:
    c = cat.CaT(model(), estimator=cat.Majority(), reward=cat.AnswerReward())
    result = await c.run("2+2", 2)
    assert result.group is not None and result.group.question == ASKED


async def test_parts_and_earlier_turns_stay_where_they_are() -> None:
    picture = ImagePart(url="https://example.org/sum.png")
    chat = [
        Message(role="user", content="hello"),
        Message(role="assistant", content="hi"),
        Message(role="user", content=(TextPart(text="2+2"), picture)),
    ]
    policy = model()
    await sent(policy, chat, reward=cat.AnswerReward())
    first, second, last = policy.requests[0].messages
    assert (first, second) == (chat[0], chat[1])
    assert isinstance(last.content, tuple)
    assert last.content[:2] == (TextPart(text="2+2"), picture)
    assert last.text == ASKED


async def test_a_system_message_is_put_before_prompts_without_one() -> None:
    policy = model()
    await sent(policy, sampler={"system": "Be brief."})
    assert [m.role for m in policy.requests[0].messages] == ["system", "user"]
    own = [Message(role="system", content="Be long."), Message(role="user", content="2+2")]
    policy.requests.clear()
    await sent(policy, own, sampler={"system": "Be brief."})
    assert [m.text for m in policy.requests[0].messages] == ["Be long.", "2+2"]
