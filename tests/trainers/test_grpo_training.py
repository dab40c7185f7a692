"""GRPO trains tiny models on the rewards of their own initial weights, which stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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

import catsdk as cat
from catsdk.core.errors import ConfigurationError, InvalidInputError
from catsdk.core.options import Sampling
from catsdk.core.types import Group, Message, Reference, Request
from catsdk.method.role_tree import parts_of
from catsdk.rewards import Random
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.attach import AnchorDriftedError, attach
from catsdk_trainers.trl.examining import Examiner
from catsdk_trainers.trl.reward import GroupReward
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


@dataclass(frozen=True)
class AsksThenTosses(cat.Reward):
    """Asks the anchor, as a synthesis would, and rewards by chance: a random model says nothing."""

    anchor: PolicyAnchor
    asked: list[Group] = field(default_factory=list[Group])
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        await (await ctx.model(self.anchor)).complete(PROBE)
        self.asked.append(group)
        return await Random().score(group, None, ctx)


def reward_by(by: cat.Reward, estimator: Any = None) -> GroupReward:
    return GroupReward(cat.CaT(estimator=estimator, reward=by))


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
    asks = AsksThenTosses(anchor)
    reward = reward_by(asks)
    trainer = trainer_of(family, tmp_path, reward, lora=lora)
    attach(trainer, reward, probe_every=1)
    now.bind(trainer)
    before, policy_before = logprobs(anchor), logprobs(now)
    assert before == pytest.approx(policy_before, abs=1e-4)
    trainer.train()
    reward.close()
    assert len(asks.asked) == STEPS * 2
    assert logprobs(anchor) == before
    assert logprobs(now) != pytest.approx(policy_before, abs=1e-4)
    logged = [row for row in trainer.state.log_history if "cat/scored" in row]
    assert [row["cat/scored"] for row in logged] == [1.0] * STEPS


def test_an_average_follows_the_policy_at_a_distance(tmp_path: Path) -> None:
    average, now = PolicyAnchor("average", decay=0.5), PolicyAnchor("current")
    reward = reward_by(AsksThenTosses(average))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    attach(trainer, reward)
    now.bind(trainer)
    before = logprobs(average)
    trainer.train()
    reward.close()
    assert logprobs(average) != pytest.approx(before, abs=1e-4)
    assert logprobs(average) != pytest.approx(logprobs(now), abs=1e-4)


def test_an_anchor_that_drifts_stops_the_training_and_is_named(tmp_path: Path) -> None:
    replies = iter(["same", "same", "other"])

    def script(request: Request) -> str:
        return next(replies) if request.temperature == 0 else "a synthesis"

    drifting = FunctionProvider(script, name="hosted")
    now = PolicyAnchor("current")
    reward = reward_by(AsksThenTosses(now), cat.Synthesizer(drifting, Sampling(max_tokens=7)))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=True)
    attach(trainer, reward, probe_every=1)
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
        attach(trainer, reward_by(Random(), cat.Synthesizer(served)))


def test_every_anchor_in_the_roles_is_bound_and_equal_ones_are_one_model(tmp_path: Path) -> None:
    synthesis, teacher = PolicyAnchor("initial"), PolicyAnchor("initial")
    by = cat.AnswerReward() + cat.RubricReward(judge=PolicyAnchor("current"))
    c = cat.CaT(estimator=cat.Synthesizer(synthesis), reward=by)
    reward = GroupReward(c, held_out=Examiner(estimator=cat.Synthesizer(teacher)))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    attach(trainer, reward)
    judge = next(part for part in parts_of(by) if isinstance(part, PolicyAnchor))
    assert synthesis._bound() is teacher._bound() is not judge._bound()
    assert PolicyAnchor("average", decay=0.5) != PolicyAnchor("average")


def test_an_anchor_that_nobody_asks_costs_no_copy_of_the_model(tmp_path: Path) -> None:
    anchor = PolicyAnchor("initial")
    reward = GroupReward(cat.CaT(anchor, reward=Random()), held_out=None)
    attach(trainer_of("qwen3", tmp_path, reward, lora=False), reward)
    with pytest.raises(ConfigurationError, match="has no model yet"):
        anchor._bound()


def test_a_gold_reward_for_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    reward = GroupReward(cat.CaT(reward=cat.Gold("solution")), held_out=None)
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False)
    with pytest.raises(InvalidInputError, match="'solution', and the training data have .*prompt"):
        attach(trainer, reward)
