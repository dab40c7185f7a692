"""The client of the reward service inside verl: its own loaders and reward managers call it."""

# verl has an environment of its own: `make test-verl`.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

verl = pytest.importorskip("verl")
pytestmark = [pytest.mark.needs_torch, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

import numpy
import torch
from datasets import Dataset
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto
from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn
from verl.workers.reward_manager.batch import BatchRewardManager

import catsdk as cat
from catsdk.rewards import ClusterShare, TruncationPenalty
from catsdk.serve.rewards.server import serving
from catsdk_providers.box import BOX
from catsdk_trainers.remote import client as reward_client

TEXTS = ["1+0=1\n\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]
PROMPT, LONGEST = 4, 24


@asynccontextmanager
async def service(reward: cat.Reward | None = None) -> AsyncGenerator[str]:
    c = cat.CaT(reward=reward or cat.Gold())
    with anyio.fail_after(60):
        async with serving(c, group_size=len(TEXTS), token="secret") as url:
            yield url


def configured(url: str, function: str, **changes: Any) -> Any:
    """verl's own defaults, with what a user of the service changes in them."""
    defaults = Path(verl.__file__).parent / "trainer/config/reward/reward.yaml"
    reward = OmegaConf.load(defaults)
    reward.custom_reward_function.path = reward_client.__file__
    reward.custom_reward_function.name = function
    reward.custom_reward_function.reward_kwargs = {
        "url": url, "token": "secret", "group_size": len(TEXTS), **changes,
    }  # fmt: skip
    return OmegaConf.create({"reward": reward})


def batch_of(tokenizer: Any, groups: int) -> DataProto:
    """`groups` groups of `TEXTS`, padded as verl pads; the gold answers are 1, 2, ..."""
    texts = TEXTS * groups
    responses = torch.zeros((len(texts), LONGEST), dtype=torch.long)
    mask = torch.zeros((len(texts), PROMPT + LONGEST), dtype=torch.long)
    mask[:, :PROMPT] = 1
    for row, text in enumerate(texts):
        ids = tokenizer.encode(text, add_special_tokens=False)
        responses[row, : len(ids)] = torch.tensor(ids)
        mask[row, PROMPT : PROMPT + len(ids)] = 1
    size = len(TEXTS)
    columns: dict[str, list[Any]] = {
        "data_source": ["sums"] * len(texts),
        "reward_model": [{"ground_truth": str(1 + row // size)} for row in range(len(texts))],
        "extra_info": [{"index": row // size, "split": "train"} for row in range(len(texts))],
    }
    return DataProto.from_dict(
        tensors={
            "prompts": torch.zeros((len(texts), PROMPT), dtype=torch.long),
            "responses": responses,
            "attention_mask": mask,
        },
        non_tensors={name: numpy.array(each, dtype=object) for name, each in columns.items()},
    )


def validation_batch(tokenizer: Any, file: Path, repeats: int) -> DataProto:
    """Rows of a parquet file, loaded and repeated as by its validation, with responses."""
    rows = [
        {
            "data_source": "sums",
            "prompt": [{"role": "user", "content": f"{at} + 0"}],
            "reward_model": {"style": "rule", "ground_truth": "1"},
            "extra_info": {"split": "test", "index": at},
        }
        for at in range(2)
    ]
    Dataset.from_list(rows).to_parquet(str(file))
    options = {
        "max_prompt_length": 64,
        "filter_overlong_prompts": False,
        "cache_dir": str(file.parent),
    }
    dataset = RLHFDataset(str(file), tokenizer, OmegaConf.create(options))
    loaded = DataProto.from_single_dict(collate_fn([dataset[at] for at in range(len(dataset))]))
    batch = loaded.repeat(repeat_times=repeats, interleave=True)
    answered = batch_of(tokenizer, 2)[: len(batch)]
    answered.non_tensor_batch = {}
    return batch.union(answered)


async def scored_one_by_one(manager: Any, batch: DataProto) -> list[float]:
    told: dict[int, dict[str, Any]] = {}

    async def one(row: int) -> None:
        told[row] = await manager.run_single(batch[row : row + 1])

    async with anyio.create_task_group() as tasks:
        for row in range(len(batch)):
            tasks.start_soon(one, row)
    return [told[row]["reward_score"] for row in range(len(batch))]


@pytest.mark.parametrize(
    ("repeats", "changes", "rewards"),
    [
        (1, {}, [1.0, 1.0]),
        (3, {"val_group_size": 3}, [2 / 3, 2 / 3, 1 / 3, 2 / 3, 2 / 3, 1 / 3]),
    ],
)
async def test_its_validation_has_groups_of_its_own_size(
    tmp_path: Path, repeats: int, changes: dict[str, int], rewards: list[float]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    async with service(ClusterShare()) as url:
        config = configured(url, "compute_score", **changes)
        manager = load_reward_manager(config, tokenizer)
        batch = validation_batch(tokenizer, tmp_path / "test.parquet", repeats)
        assert await scored_one_by_one(manager, batch) == pytest.approx(rewards)


async def test_what_an_agent_loop_tells_of_a_response_reaches_the_penalties() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    penalising = cat.Gold() + cat.LengthPenalty(5) + TruncationPenalty(-0.5)
    async with service(penalising) as url:
        manager = load_reward_manager(configured(url, "compute_score"), tokenizer)
        batch = batch_of(tokenizer, 1)
        with pytest.raises(reward_client.NoRewardError, match="needs 'tokens' of each response"):
            await manager.run_single(batch[:1])
        facts = [(6, "stop"), (5, "stop"), (5, "length")]
        batch.non_tensor_batch["tool_extra_fields"] = numpy.array(
            [{"tokens": tokens, "finish_reason": reason} for tokens, reason in facts], dtype=object
        )
        assert await scored_one_by_one(manager, batch) == [0.0, 1.0, -0.5]


async def test_its_reward_loop_scores_the_samples_of_a_group_one_by_one() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    async with service() as url:
        manager = load_reward_manager(configured(url, "compute_score"), tokenizer)
        told: dict[int, dict[str, Any]] = {}
        batch = batch_of(tokenizer, 2)

        async def one(row: int) -> None:
            told[row] = await manager.run_single(batch[row : row + 1])

        async with anyio.create_task_group() as tasks:
            for row in range(len(batch)):
                tasks.start_soon(one, row)
    assert [told[row]["reward_score"] for row in range(6)] == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    # verl makes columns of these, from the keys of the first sample.
    assert {frozenset(each["reward_extra_info"]) for each in told.values()} == {
        frozenset({"score", "agreement"})
    }


async def test_its_batch_manager_scores_a_whole_batch() -> None:
    tokenizer = AutoTokenizer.from_pretrained(BOX)
    async with service() as url:
        score: Callable[..., Any] = get_custom_reward_fn(configured(url, "compute_scores"))
        manager = BatchRewardManager(tokenizer, num_examine=0, compute_score=score)
        batch = batch_of(tokenizer, 2)
        rewards = await anyio.to_thread.run_sync(partial(manager, batch))
    ends = batch.batch["attention_mask"][:, PROMPT:].sum(dim=1) - 1
    assert rewards[range(6), ends].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    assert rewards.sum() == 3
