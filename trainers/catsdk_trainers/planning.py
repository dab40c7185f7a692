"""From a config to its scorers: what is rewarded in training, and what is measured on held-out data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from catsdk.estimators.majority import Majority
from catsdk.cat import CaT
from catsdk.core.errors import ConfigurationError
from catsdk.core.options import Sampling
from catsdk.core.ports import Provider
from catsdk.rewards.rubric import Reward
from catsdk.estimators.synthesis import Synthesizer
from catsdk_trainers.config import CaTConfig, RewardKind
from catsdk_trainers.controls import ClusterShareScorer, GoldScorer, RandomScorer
from catsdk_trainers.examining import Examiner
from catsdk_trainers.scoring import CaTScorer, GroupScorer
from catsdk_trainers.shaping import CombinedScorer, PenalisingScorer, SelectingScorer

__all__ = [
    "OF_THE_TRAINER",
    "anchor_sampling",
    "config_scorer",
    "needs_anchor",
    "planned_examiner",
    "planned_scorer",
    "policy_sampling",
    "synthesizer",
]

OF_THE_TRAINER = ("initial", "average", "current")
"""Anchors that are made of the model in training."""

WITH_ANCHOR: frozenset[RewardKind] = frozenset({"synthesis", "rubric"})

Model = str | Provider


def needs_anchor(config: CaTConfig) -> bool:
    """Whether training or evaluation asks the anchor."""
    return not WITH_ANCHOR.isdisjoint(config.reward.parts) or config.evaluation.every > 0


def policy_sampling(config: CaTConfig) -> Sampling:
    """How the policy is sampled, in the SDK's words."""
    policy = config.rollouts
    return Sampling(
        temperature=policy.temperature,
        top_k=policy.top_k,
        top_p=policy.top_p,
        max_tokens=policy.max_tokens,
        extra={"chat_template_kwargs": policy.chat_template} if policy.chat_template else {},
    )


def anchor_sampling(config: CaTConfig) -> Sampling:
    """How the anchor is sampled: as the policy, where the config does not say otherwise."""
    own = {"temperature": config.anchor.temperature, "max_tokens": config.anchor.max_tokens}
    set_here = {name: value for name, value in own.items() if value is not None}
    return policy_sampling(config).model_copy(update=set_here)


def synthesizer(config: CaTConfig, anchor: Model) -> Synthesizer:
    """The estimator of the paper's section 3.2, repeatable under the config's seed."""
    return Synthesizer(
        anchor,
        anchor_sampling(config),
        seed=config.seed,
        show_question=config.anchor.show_question,
    )


@asynccontextmanager
async def planned_scorer(
    config: CaTConfig, anchor: Model | None, judge: Model | None
) -> AsyncGenerator[GroupScorer]:
    """Open the models that the reward needs, and yield its scorer.

    Raises:
        ConfigurationError: the reward needs an anchor and there is none.
    """
    if WITH_ANCHOR.isdisjoint(config.reward.parts):
        yield _shaped(config, None)
        return
    if anchor is None:
        raise ConfigurationError(f"rewards of {', '.join(config.reward.parts)} need an anchor")
    async with _opened(config, anchor, judge) as c:
        yield _shaped(config, c)


def config_scorer(config: CaTConfig) -> Callable[[], AbstractAsyncContextManager[GroupScorer]]:
    """What opens the scorer of `config` where no trainer's model is at hand.

    Raises:
        ConfigurationError: its anchor would be a copy of that model.
    """
    anchor = None if WITH_ANCHOR.isdisjoint(config.reward.parts) else config.anchor.model
    if anchor in OF_THE_TRAINER:
        raise ConfigurationError(
            f"the anchor is {anchor!r}, a copy of the trainer's model, which is not seen from"
            f" here: name the initial weights, such as 'local:{config.model}' or a server"
            " 'vllm:NAME'"
        )
    return partial(planned_scorer, config, anchor, None)


@asynccontextmanager
async def planned_examiner(config: CaTConfig, anchor: Model) -> AsyncGenerator[GroupScorer]:
    """Open the anchor, and yield what measures held-out prompts."""
    async with _opened(config, anchor, None) as c:
        yield Examiner(c.synthesizer, config.reward.answer)


def _opened(config: CaTConfig, anchor: Model, judge: Model | None) -> CaT:
    return CaT(
        anchor,
        anchor,
        judge or config.reward.judge,
        anchor_sampling=anchor_sampling(config),
        judge_sampling=Sampling(
            temperature=0.0,
            max_tokens=config.reward.judge_max_tokens or anchor_sampling(config).max_tokens,
        ),
        synthesizer=synthesizer(config, anchor),
    )


def _shaped(config: CaTConfig, c: CaT | None) -> GroupScorer:
    plan = config.reward
    parts = tuple((kind, weight, _scorer(kind, config, c)) for kind, weight in plan.parts.items())
    scorer = parts[0][2] if len(parts) == 1 else CombinedScorer(parts)
    if plan.penalise_over is not None or plan.truncated:
        scorer = PenalisingScorer(scorer, plan.penalise_over, plan.penalty, plan.truncated)
    if plan.most_agreement is not None or plan.skip_flat:
        scorer = SelectingScorer(scorer, plan.most_agreement, plan.skip_flat)
    return scorer


def _scorer(kind: RewardKind, config: CaTConfig, c: CaT | None) -> GroupScorer:
    if kind == "gold":
        return GoldScorer(config.reward.answer)
    if kind == "random":
        return RandomScorer(config.seed)
    if kind == "cluster-share":
        return ClusterShareScorer()
    if kind == "majority":
        return CaTScorer(Majority())
    assert c is not None
    if kind == "rubric":
        return CaTScorer(c.synthesizer, Reward(c.rubric_judge), c.proposer)
    return CaTScorer(c.synthesizer)
