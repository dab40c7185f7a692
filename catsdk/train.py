"""Door to the trainers: `from catsdk.train import CaTConfig, grpo`, loaded when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from catsdk.core.errors import MissingExtraError

if TYPE_CHECKING:
    from catsdk_trainers.anchors import PolicyAnchor
    from catsdk_trainers.arguments import grpo_arguments
    from catsdk_trainers.async_grpo import ConcurrentRolloutWorker
    from catsdk_trainers.attach import AnchorDriftedError, attach
    from catsdk_trainers.command_line import cat_reward
    from catsdk_trainers.config import (
        CaTConfig,
        Checkpoints,
        Failing,
        HeldOut,
        LoRA,
        Probe,
        Rollouts,
        SFTPlan,
        Stop,
    )
    from catsdk_trainers.data import Rows, rows_of
    from catsdk_trainers.describing import cat_of, serves_alone
    from catsdk_trainers.examining import Examiner
    from catsdk_trainers.failing import ScoringFailedError
    from catsdk_trainers.grpo import grpo
    from catsdk_trainers.presets import PRESETS, preset
    from catsdk_trainers.rendezvous import Limits
    from catsdk_trainers.reward_client import (
        NoRewardError,
        compute_score,
        compute_scores,
        reward_func,
    )
    from catsdk_trainers.reward_server import serving
    from catsdk_trainers.sft import sft
    from catsdk_trainers.trained import Trained
    from catsdk_trainers.trl_reward import GroupReward, reward

__all__ = [
    "PRESETS",
    "AnchorDriftedError",
    "CaTConfig",
    "Checkpoints",
    "ConcurrentRolloutWorker",
    "Examiner",
    "Failing",
    "GroupReward",
    "HeldOut",
    "Limits",
    "LoRA",
    "NoRewardError",
    "PolicyAnchor",
    "Probe",
    "Rollouts",
    "Rows",
    "SFTPlan",
    "ScoringFailedError",
    "Stop",
    "Trained",
    "attach",
    "cat_of",
    "cat_reward",
    "compute_score",
    "compute_scores",
    "grpo",
    "grpo_arguments",
    "preset",
    "reward",
    "reward_func",
    "rows_of",
    "serves_alone",
    "serving",
    "sft",
]

_HOME = {
    "AnchorDriftedError": "attach",
    "CaTConfig": "config",
    "Checkpoints": "config",
    "ConcurrentRolloutWorker": "async_grpo",
    "Examiner": "examining",
    "Failing": "config",
    "GroupReward": "trl_reward",
    "HeldOut": "config",
    "Limits": "rendezvous",
    "LoRA": "config",
    "NoRewardError": "reward_client",
    "PRESETS": "presets",
    "PolicyAnchor": "anchors",
    "Probe": "config",
    "Rollouts": "config",
    "Rows": "data",
    "SFTPlan": "config",
    "ScoringFailedError": "failing",
    "Stop": "config",
    "Trained": "trained",
    "attach": "attach",
    "cat_of": "describing",
    "cat_reward": "command_line",
    "compute_score": "reward_client",
    "compute_scores": "reward_client",
    "grpo": "grpo",
    "grpo_arguments": "arguments",
    "preset": "presets",
    "reward": "trl_reward",
    "reward_func": "reward_client",
    "rows_of": "data",
    "serves_alone": "describing",
    "serving": "reward_server",
    "sft": "sft",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            home = import_module(f"catsdk_trainers.{_HOME[name]}")
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"catsdk.train.{name} needs the package {error.name!r}:"
                " pip install 'catsdk[train]', torch first"
            ) from error
        return getattr(home, name)


def __dir__() -> list[str]:
    return __all__
