"""Make the CaT that a config describes; its roles take missing settings from the policy."""

from __future__ import annotations

import copy
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from catsdk.cat import CaT
from catsdk.core.errors import ConfigurationError
from catsdk.core.options import Sampling
from catsdk.estimators.synthesis import Synthesizer
from catsdk.method.role_tree import changed, parts_of, takes_default
from catsdk.rewards.controls import Random
from catsdk.runtime import roles
from catsdk.sampling.sampler import Sampler
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.reward import GroupReward, reward
from catsdk_trainers.trl.role_anchors import policy_anchors

__all__ = ["cat_of", "policy_sampling", "reward_alone", "serves_alone", "teacher_of"]


def cat_of(config: CaTConfig) -> CaT:
    """Return the CaT of a training; its policy is the model in training, which only TRL samples.

    A reference is made only if the reward needs one.

    Args:
        config: The settings of the training.

    Example:
        >>> from catsdk.train import CaTConfig, cat_of
        >>> cat_of(CaTConfig(model="m")).rewarder
        AnswerReward(estimator=None, unknown=None)
    """
    described = CaT.from_data(config.cat)
    rewarder = _as_the_policy(described.rewarder, config)
    needed = getattr(rewarder, "needs_reference", True)
    # A judge that names no model uses the anchor, even if no reference is made.
    asks = not needed and any(map(takes_default, parts_of(rewarder)))
    return CaT(
        (asks and described.defaults.anchor) or PolicyAnchor("initial"),
        estimator=teacher_of(config) if needed else None,
        reward=rewarder,
        client=described.client,
        answers=described.answers,
    )


def teacher_of(config: CaTConfig) -> roles.Estimator:
    """The estimator of the config, with the policy's sampling unless it sets its own."""
    teacher: roles.Estimator = _as_the_policy(CaT.from_data(config.cat).estimator, config)
    return teacher


def policy_sampling(config: CaTConfig) -> Sampling:
    """The policy's sampling as a `Sampling`."""
    policy = config.rollouts
    return Sampling(
        temperature=policy.temperature,
        top_k=policy.top_k,
        top_p=policy.top_p,
        max_tokens=policy.max_tokens,
        extra={"chat_template_kwargs": policy.chat_template} if policy.chat_template else {},
    )


def serves_alone(config: CaTConfig) -> CaT:
    """Return the CaT of a config for use without a trainer.

    Args:
        config: The settings of the training; the anchor must be a model string.

    Raises:
        ConfigurationError: it needs a copy of the trainer's model.

    Example:
        >>> from catsdk.train import CaTConfig, serves_alone
        >>> serves_alone(CaTConfig(model="m", cat={"reward": "Gold"})).rewarder
        Gold(column='answer')
    """
    c = cat_of(config)
    anchors = policy_anchors(c, own_roles=False)
    if anchors:
        raise ConfigurationError(
            f"the anchor is {anchors[0]!r}, a copy of the trainer's model, which is not available"
            f" here: name the initial weights, such as 'local:{config.model}' or a server"
            " 'vllm:NAME', as in cat: {estimator: {Synthesizer: {anchor: 'vllm:NAME'}}}"
        )
    return c


def reward_alone(config: CaTConfig) -> GroupReward:
    """The reward function of a config for use without an attached trainer.

    Raises:
        ConfigurationError: it needs a copy of the trainer's model.
    """
    return reward(
        serves_alone(config),
        config.rollouts.count,
        failing=config.failing,
        budget=config.budget,
        max_tokens=config.rollouts.max_tokens,
    )


def _as_the_policy(role: Any, config: CaTConfig) -> Any:
    return changed(role, partial(_filled, policy=policy_sampling(config), seed=config.seed))


def _filled(part: Any, policy: Sampling, seed: int) -> Any:
    """A role with defaults filled in: the policy's model and sampling, and the training's seed."""
    update: dict[str, object] = {}
    if not is_dataclass(part) or isinstance(part, type):
        return part
    sampling = getattr(part, "sampling", None)
    if isinstance(sampling, Sampling):
        usual = next(field.default for field in fields(part) if field.name == "sampling")
        kinds = roles.Estimator | roles.Proposer | roles.Sampler
        writes = isinstance(part, kinds) and usual == Sampling()
        # A role that is greedy by default, such as a judge, only needs a token limit.
        under = policy if writes else Sampling(max_tokens=policy.max_tokens)
        own = {name: getattr(sampling, name) for name in sampling.model_fields_set}
        update["sampling"] = under.model_copy(update=own)
    if (isinstance(part, Synthesizer | Sampler) and part.seed is None) or part == Random():
        update["seed"] = seed
    if isinstance(part, Sampler) and part.policy is None:
        update["policy"] = PolicyAnchor("current")
    filled = copy.copy(part)
    for name, value in update.items():
        object.__setattr__(filled, name, value)
    return filled if update else part
