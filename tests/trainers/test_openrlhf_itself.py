"""The reward service inside OpenRLHF: the executor of its rollouts asks for the rewards."""

# OpenRLHF has an environment of its own, without what needs a GPU: `make test-verl`.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

pytest.importorskip("openrlhf", reason="it has its own environment: make test-verl")
pytestmark = [pytest.mark.needs_torch, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

import torch
from openrlhf.utils.agent import SingleTurnAgentExecutor
from transformers import AutoTokenizer

import catsdk as cat
from catsdk.core.errors import RequestRefusedError
from catsdk.core.types import Request
from catsdk.serve.rewards.server import serving
from catsdk.testing import FunctionProvider
from catsdk_providers.box import BOX
from catsdk_trainers.remote import client as reward_client

TEXTS = ["1+0=1\n\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]


class Engine:
    """What stands in the place of vLLM: a text for each prompt that it is given, in turn."""

    def __init__(self, tokenizer: Any, texts: Sequence[str]) -> None:
        self.answers = [(text, tokenizer(text=text)["input_ids"]) for text in texts]

    async def generate(self, tokens: list[int], params: Any, multi_modal_data: Any = None) -> Any:
        text, ids = self.answers.pop(0)
        said = SimpleNamespace(token_ids=ids, text=text, finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[said])


async def executed(endpoint: str, label: str | None = "1") -> list[Any]:
    """The rewards of a group, as OpenRLHF turns them into an experience."""
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    engine = Engine(tokenizer, TEXTS)
    executor = SingleTurnAgentExecutor(endpoint)
    params = SimpleNamespace(max_tokens=64, logprobs=None)
    told: list[Any] = []

    async def one() -> None:
        output = await executor.execute("1+0", label, params, 128, tokenizer, engine)
        told.append((output["observation_tokens"], output["reward"]))

    async with anyio.create_task_group() as tasks:
        for _ in TEXTS:
            tasks.start_soon(one)
    order = [tokenizer(text="1+0" + text)["input_ids"] for text in TEXTS]
    by_text = {tokenizer.decode(tokens): reward for tokens, reward in told}
    return [by_text[tokenizer.decode(tokens)] for tokens in order]


def as_numbers(rewards: Sequence[Any]) -> list[float]:
    return [torch.tensor([reward]).flatten().item() for reward in rewards]


@pytest.mark.parametrize("by", ["url", "file"])
async def test_the_executor_is_given_the_rewards_of_a_group(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anyio.fail_after(120):
        async with serving(cat.CaT(reward=cat.Gold()), group_size=len(TEXTS)) as url:
            monkeypatch.setenv("CATSDK_REWARD_URL", url)
            monkeypatch.setenv("CATSDK_GROUP_SIZE", str(len(TEXTS)))
            endpoint = f"{url}/openrlhf" if by == "url" else reward_client.__file__
            rewards = await executed(endpoint)
    assert as_numbers(rewards) == [1.0, 1.0, 0.0]


async def test_labels_are_not_needed() -> None:
    c = cat.CaT(estimator=cat.Majority(), reward=cat.AnswerReward())
    with anyio.fail_after(120):
        async with serving(c, group_size=len(TEXTS)) as url:
            rewards = await executed(f"{url}/openrlhf", label=None)
    assert as_numbers(rewards) == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("by", ["url", "file"])
async def test_a_failed_reference_leaves_the_executor_without_a_reward(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: Request) -> str:
        raise RequestRefusedError("the anchor is down")

    c = cat.CaT(estimator=FunctionProvider(down), reward=cat.AnswerReward())
    with anyio.fail_after(120):
        async with serving(c, group_size=len(TEXTS)) as url:
            monkeypatch.setenv("CATSDK_REWARD_URL", url)
            monkeypatch.setenv("CATSDK_GROUP_SIZE", str(len(TEXTS)))
            endpoint = f"{url}/openrlhf" if by == "url" else reward_client.__file__
            rewards = await executed(endpoint)
    # OpenRLHF then asks for a reward model, which there is none of, and ends.
    assert rewards == [None, None, None]
