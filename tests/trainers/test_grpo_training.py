"""GRPO trains tiny models on the rewards of their own initial weights, which stay as they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

from datasets import Dataset
from peft import LoraConfig
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.types import Group, Message, Request
from catsdk.testing import FunctionProvider
from catsdk_trainers.anchors import PolicyAnchor
from catsdk_trainers.attach import AnchorDriftedError, attach
from catsdk_trainers.controls import RandomScorer
from catsdk_trainers.scoring import GroupScore, GroupScorer, Row
from catsdk_trainers.trl_reward import GroupReward
from tests.providers.tiny_models import tiny_model, tiny_tokenizer

STEPS = 3
PROBE = Request(
    messages=(Message(role="user", content="2+2"),), temperature=0.0, max_tokens=16, logprobs=True
)


def trainer_of(family: str, folder: Path, reward: Any, *, lora: bool, **settings: Any) -> Any:
    prompts = [{"prompt": [{"role": "user", "content": f"{at}+{at}"}]} for at in range(8)]
    how = {
        "per_device_train_batch_size": 4,
        "num_generations": 2,
        "max_completion_length": 8,
        "max_steps": STEPS,
        "learning_rate": 0.05,
        "beta": 0.0,
        "logging_steps": 1,
    }
    return GRPOTrainer(
        model=tiny_model(family),
        reward_funcs=reward,
        args=GRPOConfig(
            output_dir=str(folder),
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
            seed=1,
            **(how | settings),
        ),
        train_dataset=Dataset.from_list(prompts),
        processing_class=tiny_tokenizer(),
        peft_config=LoraConfig(r=2, target_modules="all-linear") if lora else None,
    )


class AsksThenTosses:
    """Asks the anchor, as a synthesis would, and rewards by chance: a random model says nothing."""

    def __init__(self, anchor: PolicyAnchor) -> None:
        self.anchor, self.asked = anchor, 0

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        await self.anchor.complete(PROBE)
        self.asked += 1
        return await RandomScorer().score_group(group, row)


def reward_by(scorer: GroupScorer) -> GroupReward:
    @asynccontextmanager
    async def open_scorer() -> AsyncGenerator[GroupScorer]:
        yield scorer

    return GroupReward(open_scorer)


def logprobs(anchor: PolicyAnchor) -> list[float]:
    async def ask() -> list[float]:
        (completion,) = await anchor.complete(PROBE)
        return [token.logprob for token in completion.logprobs or ()]

    return anyio.run(ask)


@pytest.mark.parametrize("lora", [True, False], ids=["lora", "full"])
@pytest.mark.parametrize("family", ["qwen3", "llama", "gemma3"])
def test_the_initial_anchor_stays_as_it_was_while_the_policy_learns(
    family: str, lora: bool, tmp_path: Path
) -> None:
    anchor, now = PolicyAnchor("initial"), PolicyAnchor("current")
    scorer = AsksThenTosses(anchor)
    reward = reward_by(scorer)
    trainer = trainer_of(family, tmp_path, reward, lora=lora)
    attach(trainer, reward, anchor, probe_every=1)
    now.bind(trainer)
    before, policy_before = logprobs(anchor), logprobs(now)
    assert before == pytest.approx(policy_before, abs=1e-4)
    trainer.train()
    reward.close()
    assert scorer.asked == STEPS * 2
    assert logprobs(anchor) == before
    assert logprobs(now) != pytest.approx(policy_before, abs=1e-4)
    logged = [row for row in trainer.state.log_history if "cat/scored" in row]
    assert [row["cat/scored"] for row in logged] == [1.0] * STEPS


def test_an_average_follows_the_policy_at_a_distance(tmp_path: Path) -> None:
    average, now = PolicyAnchor("average", decay=0.5), PolicyAnchor("current")
    reward = reward_by(AsksThenTosses(average))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    attach(trainer, reward, average)
    now.bind(trainer)
    before = logprobs(average)
    trainer.train()
    reward.close()
    assert logprobs(average) != pytest.approx(before, abs=1e-4)
    assert logprobs(average) != pytest.approx(logprobs(now), abs=1e-4)


def test_an_anchor_that_drifts_stops_the_training_and_is_named(tmp_path: Path) -> None:
    replies = iter(["same", "same", "other"])
    drifting = FunctionProvider(lambda _: next(replies), name="hosted")
    now = PolicyAnchor("current")
    reward = reward_by(AsksThenTosses(now))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=True)
    attach(trainer, reward, now)
    attach(trainer, reward, drifting, probe_every=1)
    with pytest.raises(AnchorDriftedError, match="hosted answered 'same' .* 'other' at step 2"):
        trainer.train()
    reward.close()


def test_an_anchor_without_a_trainer_says_what_to_call() -> None:
    with pytest.raises(ConfigurationError, match=r"attach\(trainer, reward\)"):
        anyio.run(PolicyAnchor().complete, PROBE)
    with pytest.raises(InvalidInputError, match="initial, average, current"):
        PolicyAnchor("frozen")  # type: ignore[arg-type]


def test_the_trainers_own_server_is_refused_as_an_anchor() -> None:
    arguments = SimpleNamespace(
        use_vllm=True, vllm_mode="server", vllm_server_base_url="http://127.0.0.1:8000"
    )
    trainer = SimpleNamespace(args=arguments, num_generations=2, model=None)
    served = FunctionProvider(lambda _: "x")
    served.base_url = "http://127.0.0.1:8000/v1"  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="the trainer's own vLLM server"):
        attach(trainer, reward_by(AsksThenTosses(PolicyAnchor())), served)
