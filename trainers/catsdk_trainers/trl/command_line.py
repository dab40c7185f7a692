"""cat_reward: the function of `trl grpo --reward_funcs catsdk.train.cat_reward`, set by files.

The environment variable `CATSDK_TRAIN_CONFIG` names the YAML file of a `CaTConfig`; of it the
sections `rollouts`, `cat`, `failing` and `budget` count, and the seed. Without it `CATSDK_ANCHOR`
or `CATSDK_MODEL` names the anchor, `CATSDK_JUDGE` the judge, and the rest is the paper's.
`rollouts.count` must be TRL's `--num_generations`, which it does not tell to a reward function.
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
    """The reward of the environment, read when a trainer first asks for its name or for rewards."""

    @cached_property
    def made(self) -> GroupReward:
        """The reward; what is wrong with the environment is raised here, not at the import."""
        return reward_from_environment()

    @property
    def __name__(self) -> str:
        """What TRL's metrics call the reward."""
        return str(self.made.__name__)

    def __call__(self, *rows: Any, **columns: Any) -> list[float | None]:
        """Reward the rows; see `GroupReward`."""
        return self.made(*rows, **columns)


cat_reward = EnvironmentReward()
"""The reward that the environment describes, as `trl grpo --reward_funcs` names it."""
