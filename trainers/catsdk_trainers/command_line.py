"""cat_reward: the reward function of `trl grpo --reward_funcs catsdk.train.cat_reward`, set by files.

The environment variable `CATSDK_TRAIN_CONFIG` names the YAML file of a `CaTConfig`; of it the
sections `rollouts`, `anchor`, `reward` and `failing` count, and the seed. Without it `CATSDK_ANCHOR`
or `CATSDK_MODEL` names the anchor, `CATSDK_JUDGE` the judge, and the rest is the paper's.
`rollouts.count` must be TRL's `--num_generations`, which it does not tell to a reward function.
"""

from __future__ import annotations

import os

from catsdk.core.errors import NoModelError
from catsdk.core.settings import Settings
from catsdk_trainers.config import AnchorPlan, CaTConfig, RewardPlan
from catsdk_trainers.planning import config_scorer
from catsdk_trainers.trl_reward import GroupReward

__all__ = ["CONFIG_VARIABLE", "cat_reward", "reward_from_environment"]

CONFIG_VARIABLE = "CATSDK_TRAIN_CONFIG"


def reward_from_environment() -> GroupReward:
    """Make the reward that the environment describes.

    Raises:
        ConfigurationError: it needs an anchor, and none is named that works without the trainer.
        InvalidInputError: the config is wrong.
    """
    path = os.environ.get(CONFIG_VARIABLE)
    config = CaTConfig.read(path) if path else _by_settings()
    return GroupReward(
        config_scorer(config),
        config.rollouts.count,
        max_tokens=config.rollouts.max_tokens,
        deadline=config.failing.deadline,
        abort_share=config.failing.share,
        abort_after=config.failing.steps,
        name="+".join(config.reward.parts),
    )


def _by_settings() -> CaTConfig:
    settings = Settings()
    anchor = settings.anchor or settings.model
    if anchor is None:
        raise NoModelError(
            f"no anchor: set {CONFIG_VARIABLE} to the path of a config, or CATSDK_ANCHOR to a model"
            " such as 'vllm:NAME' that holds the initial weights"
        )
    return CaTConfig(
        model=anchor.partition(":")[2] or anchor,
        anchor=AnchorPlan(model=anchor),
        reward=RewardPlan(judge=settings.judge),
    )


cat_reward = reward_from_environment()
