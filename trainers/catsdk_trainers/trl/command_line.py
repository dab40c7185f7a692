"""cat_reward: the reward for `trl grpo --reward_funcs catsdk.train.cat_reward`, set by files.

The environment variable `CATSDK_TRAIN_CONFIG` names the YAML file of a `CaTConfig`, of which only
the sections `rollouts`, `cat`, `failing` and `budget` and the seed are used. Without it,
`CATSDK_ANCHOR` or `CATSDK_MODEL` names the anchor, `CATSDK_JUDGE` the judge, and everything else is
as in the paper. `rollouts.count` must equal TRL's `--num_generations`, which TRL does not pass to
reward functions.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from catsdk.core.errors import NoModelError
from catsdk.core.settings import Settings
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.describing import reward_alone
from catsdk_trainers.trl.reward import GroupReward

__all__ = ["CONFIG_VARIABLE", "EnvironmentReward", "cat_reward", "reward_from_environment"]

CONFIG_VARIABLE = "CATSDK_TRAIN_CONFIG"


def reward_from_environment() -> GroupReward:
    """Make the reward that the environment describes.

    Raises:
        ConfigurationError: it needs an anchor, and none is named that works without the trainer.
        InvalidInputError: the config is wrong.
    """
    path = os.environ.get(CONFIG_VARIABLE)
    return reward_alone(CaTConfig.read(path) if path else _by_settings())


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
        cat={"estimator": {"Synthesizer": {"anchor": anchor}}},
    )


class EnvironmentReward:
    """The environment's reward, made when a trainer first needs its name or rewards."""

    @cached_property
    def made(self) -> GroupReward:
        """The reward; errors in the environment are raised here, not at import."""
        return reward_from_environment()

    @property
    def __name__(self) -> str:
        """The reward's name in TRL's metrics."""
        return str(self.made.__name__)

    def __call__(self, *rows: Any, **columns: Any) -> list[float | None]:
        """Reward the rows; see `GroupReward`."""
        return self.made(*rows, **columns)


cat_reward = EnvironmentReward()
"""The reward that the environment describes, as `trl grpo --reward_funcs` names it."""
