"""Conversations with tools through the whole method: sent, shown, scored, kept and read back."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic", reason="the extra anthropic is not installed")

import catsdk as cat
from catsdk.core.types import Result
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk_providers.anthropic.provider import AnthropicProvider
from catsdk_providers.openai.provider import OpenAIProvider

CHAT: list[dict[str, Any]] = [
    {"role": "developer", "content": "Answer in degrees."},
    {"role": "user", "content": "How warm is it in Paris?", "name": "ada"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "It is 21, and the answer is \\boxed{99}."},
]
USED = [
    {"role": "assistant", "content": [{"type": "tool_use", "id": "d", "name": "f", "input": {}}]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "d", "content": "it is surely \\boxed{7}"},
    ]},
    {"role": "assistant", "content": [{"type": "text", "text": "So \\boxed{21}."}]},
]  # fmt: skip


class Words:
    def count_tokens(self, text: str) -> int:
        return len(text.split())


def anchor() -> FunctionProvider:
    return FunctionProvider(lambda _: "# UNIFIED RESPONSE\n\\boxed{21}")


@pytest.mark.parametrize("kind", [OpenAIProvider, AnthropicProvider])
async def test_a_conversation_with_tools_is_sampled_kept_and_read_back(
    kind: Any, tmp_path: Path
) -> None:
    policy, judge = FunctionProvider(lambda _: "It is \\boxed{21}."), anchor()
    async with LoopbackServer(policy) as server, AsyncExitStack() as opened:
        model = await opened.enter_async_context(
            kind(server.model, base_url=server.url, api_key=server.key)
        )
        client = cat.Client(cache=str(tmp_path / "answers.db"))
        c = cat.CaT(
            cat.Sampler(model, sampling=cat.Sampling(max_tokens=50), ask=False),
            estimator=cat.Synthesizer(judge),
            reward=cat.AnswerReward(),
            client=client,
        )
        async with c:
            result = await c.run(CHAT, 2)
            sent = len(policy.requests)
            again = await c.run(CHAT, 2)
    assert result.rewards == (1.0, 1.0)
    assert len(policy.requests) == sent
    assert again.group is not None and result.group is not None
    assert again.group.prompt == result.group.prompt
    assert [message.role for message in policy.requests[0].messages][-2:] == ["assistant", "tool"]
    assert Result.model_validate_json(result.model_dump_json()) == result
    shown = judge.requests[0].messages[-1].text
    assert "[user ada]" in shown and '(calls weather with {"city": "Paris"})' in shown
    assert "[tool]\nIt is 21" in shown


async def test_only_the_models_own_words_are_read_and_scored() -> None:
    group = cat.group_of(CHAT, [USED, "\\boxed{7}"])
    assert [rollout.answer for rollout in group.rollouts] == ["21", "7"]
    # Own words: 2 of them. With what the tool said there would be more than 4.
    reward = cat.AnswerReward() + cat.LengthPenalty(4, counter=Words())
    c = cat.CaT(anchor(), estimator=cat.Synthesizer(anchor()), reward=reward)
    result = await c.run(group)
    assert result.rewards == (1.0, 0.0)


async def test_a_judge_reads_the_models_own_words_alone() -> None:
    group = cat.group_of(CHAT, [USED])
    judge = FunctionProvider(lambda _: '{"verdict": "yes"}')
    rubric = cat.Rubric.model_validate(
        {"criteria": [{"id": "a", "text": "says 21"}], "provenance": {"method": "hand"}}
    )
    await cat.Judge(judge).judge(rubric, group.rollouts[0])
    read = "\n".join(message.text for request in judge.requests for message in request.messages)
    assert "\\boxed{21}" in read and "\\boxed{7}" not in read
