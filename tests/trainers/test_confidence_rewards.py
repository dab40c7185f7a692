"""A training whose reward is the policy's own confidence or another view sees the right numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

import torch

import catsdk as cat
from catsdk.core.types import Group, Reference
from catsdk.estimators import Harmony, Majority, OtherView
from catsdk.method.role_tree import parts_of
from catsdk.rewards import NegativeEntropy, ReferenceProbability, SelfCertainty
from catsdk.runtime.context import Context
from catsdk_trainers.config.settings import CaTConfig, Rollouts
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.attach import attach
from catsdk_trainers.trl.describing import cat_of
from catsdk_trainers.trl.reward import GroupReward
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_grpo_training import trainer_of

Seen = list[tuple[Group, Sequence[cat.Score]]]


@dataclass(frozen=True)
class Kept(cat.Reward):
    """Keeps what another reward gave."""

    inner: cat.Reward
    seen: Seen = field(default_factory=Seen)
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        scores = await self.inner.reward(group, reference, ctx)
        self.seen.append((group, scores))
        return scores


@dataclass(frozen=True)
class By(cat.Reward):
    """Scores by a function, which asks another reward."""

    function: Callable[[Group, Context], Awaitable[Sequence[cat.Score]]]
    asked: cat.Reward
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        return await self.function(group, ctx)


def distributions(question: str, text: str) -> list[list[float]]:
    """The initial policy's logits before each token of a text, one list a token."""
    tokenizer = tiny_tokenizer()
    asked = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    before = tokenizer(str(prompt), add_special_tokens=False)["input_ids"]
    own = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = tiny_model()(torch.tensor([[*before, *own]])).logits[0]
    rows: list[list[float]] = logits[len(before) - 1 : -1].tolist()
    assert len(rows) == len(own)
    return rows


def softmax(logits: Sequence[float]) -> list[float]:
    total = sum(exp(value) for value in logits)
    return [exp(value) / total for value in logits]


def certainty(question: str, text: str) -> float:
    """The mean of KL(U || p) = sum_v 1/V ln((1/V) / p_v), by a softmax of one's own."""
    values: list[float] = []
    for logits in distributions(question, text):
        size = len(logits)
        values.append(sum(log((1 / size) / p) / size for p in softmax(logits)))
    return sum(values) / len(values)


def entropy(question: str, text: str) -> float:
    values = [-sum(p * log(p) for p in softmax(logits)) for logits in distributions(question, text)]
    return sum(values) / len(values)


def test_self_certainty_and_entropy_are_those_of_the_policy_that_sampled(tmp_path: Path) -> None:
    now = PolicyAnchor("current")
    kept = Kept(SelfCertainty(now)), Kept(NegativeEntropy(now))
    reward = GroupReward(cat.CaT(reward=kept[0] + 0.5 * kept[1]))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False, max_steps=2)
    attach(trainer, reward)
    trainer.train()
    reward.close()
    # One step has two groups, which are scored at once; in the first the weights have not moved.
    checked = 0
    for kind, of, sign in ((0, certainty, 1.0), (1, entropy, -1.0)):
        for group, scores in kept[kind].seen[:2]:
            for rollout, score in zip(group.rollouts, scores, strict=True):
                if not rollout.text:
                    assert score.value is None
                    continue
                wanted = sign * of(group.question, rollout.text)
                assert score.value == pytest.approx(wanted, abs=1e-4)
                checked += 1
    assert checked >= 4
    for group, scores in kept[0].seen[2:]:
        for rollout, score in zip(group.rollouts, scores, strict=True):
            before = certainty(group.question, rollout.text) if rollout.text else 0.0
            assert score.value != pytest.approx(before, abs=1e-5)


def test_a_cache_keeps_nothing_of_the_policy_that_learns(tmp_path: Path) -> None:
    async def of_one_text(group: Group, ctx: Context) -> Sequence[cat.Score]:
        same = cat.group_of("1+1", ["so it is 2"] * len(group.rollouts))
        await kept.reward(same, None, ctx.on(same))
        return [ctx.score(rollout, float(at)) for at, rollout in enumerate(group.rollouts)]

    kept = Kept(SelfCertainty(PolicyAnchor("current")))
    c = cat.CaT(reward=By(of_one_text, kept), client=cat.Client(cache="memory"))
    reward = GroupReward(c)
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False, max_steps=2)
    attach(trainer, reward)
    trainer.train()
    reward.close()
    first, last = kept.seen[0][1][0], kept.seen[-1][1][0]
    assert first.value == pytest.approx(certainty("1+1", "so it is 2"), abs=1e-4)
    assert last.value != pytest.approx(first.value, abs=1e-4)
    assert not PolicyAnchor("initial").moves


def test_the_reference_is_read_by_the_policy_after_each_rollouts_text(tmp_path: Path) -> None:
    kept = Kept(ReferenceProbability(PolicyAnchor("current"), debias=False))

    async def with_one_reference(group: Group, ctx: Context) -> Sequence[cat.Score]:
        return await kept.reward(group, ctx.reference("It is 4."), ctx)

    reward = GroupReward(cat.CaT(reward=By(with_one_reference, kept)))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False, max_steps=1)
    attach(trainer, reward)
    trainer.train()
    reward.close()
    group, scores = kept.seen[0]
    for rollout, score in zip(group.rollouts, scores, strict=True):
        text = f"{rollout.text}\n\nIt is 4."
        ids = tiny_tokenizer()(text, add_special_tokens=False)["input_ids"]
        rows = zip(distributions(group.question, text), ids, strict=True)
        own = [softmax(logits)[token] for logits, token in rows][-len("It is 4.") :]
        assert score.value == pytest.approx(sum(own) / len(own), abs=1e-5)


def test_a_second_view_is_drawn_by_the_moving_policy_or_its_average(tmp_path: Path) -> None:
    average, now = PolicyAnchor("average", decay=0.5), PolicyAnchor("current")

    class Again:
        async def paraphrase(self, group: Group, ctx: Context) -> str:
            return f"again: {group.question}"

    sampling = cat.Sampling(max_tokens=4)
    views = (
        Kept(cat.AnswerReward(estimator=OtherView(Majority(), cat.Sampler(average, sampling)))),
        Kept(cat.AnswerReward(estimator=Harmony(cat.Sampler(now, sampling), Again()))),
    )
    reward = GroupReward(cat.CaT(reward=views[0] + views[1]))
    trainer = trainer_of("qwen3", tmp_path, reward, lora=False, max_steps=2)
    attach(trainer, reward)
    trainer.train()
    reward.close()
    logged = [row for row in trainer.state.log_history if "cat/requests" in row]
    # Two groups a step, each drawn a second time for each of the two views.
    assert [row["cat/requests"] for row in logged] == [4.0] * 2
    # A random model boxes nothing: there is no label, and that is no reward of 0.
    kinds = {s.failure and s.failure.kind for view in views for _, got in view.seen for s in got}
    assert kinds == {"NoReferenceAnswer"}


@pytest.mark.parametrize("view", ["Harmony", {"OtherView": {"estimator": "Majority"}}])
def test_a_config_draws_a_second_view_from_the_policy_as_the_training_samples(view: Any) -> None:
    config = CaTConfig(
        model="m",
        seed=5,
        rollouts=Rollouts(temperature=0.7, max_tokens=33),
        cat={"reward": {"AnswerReward": {"estimator": view}}},
    )
    sampler = sampler_in(config)
    assert (sampler.policy, sampler.seed) == (PolicyAnchor("current"), 5)
    assert (sampler.sampling.temperature, sampler.sampling.max_tokens) == (0.7, 33)


def test_a_sampler_that_says_whom_it_asks_and_how_stays_as_it_is() -> None:
    teacher = {"policy": {"PolicyAnchor": {"kind": "average"}}, "seed": 1}
    view: Any = {"OtherView": {"estimator": "Majority", "sampler": {"Sampler": teacher}}}
    config = CaTConfig(model="m", cat={"reward": {"AnswerReward": {"estimator": view}}})
    sampler = sampler_in(config)
    assert (sampler.policy, sampler.seed) == (PolicyAnchor("average"), 1)


def sampler_in(config: CaTConfig) -> cat.Sampler:
    parts = parts_of(cat_of(config).rewarder)
    (sampler,) = [part for part in parts if isinstance(part, cat.Sampler)]
    return sampler
