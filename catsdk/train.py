"""Door to the trainers: `from catsdk.train import CaTConfig, grpo`, loaded when asked for."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk_trainers.config.presets import PRESETS, preset
    from catsdk_trainers.config.settings import (
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
    from catsdk_trainers.data.rows import rows_of
    from catsdk_trainers.remote.client import (
        NoRewardError,
        compute_score,
        compute_scores,
        reward_func,
    )
    from catsdk_trainers.trl.anchors import PolicyAnchor
    from catsdk_trainers.trl.arguments import grpo_arguments
    from catsdk_trainers.trl.attach import AnchorDriftedError, attach
    from catsdk_trainers.trl.command_line import cat_reward
    from catsdk_trainers.trl.describing import cat_of, serves_alone
    from catsdk_trainers.trl.examining import Examiner
    from catsdk_trainers.trl.failing import ScoringFailedError
    from catsdk_trainers.trl.grpo import grpo
    from catsdk_trainers.trl.reward import GroupReward, reward
    from catsdk_trainers.trl.sft import sft
    from catsdk_trainers.trl.trained import Trained

__all__ = [
    "PRESETS",
    "AnchorDriftedError",
    "CaTConfig",
    "Checkpoints",
    "Examiner",
    "Failing",
    "GroupReward",
    "HeldOut",
    "LoRA",
    "NoRewardError",
    "PolicyAnchor",
    "Probe",
    "Rollouts",
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
    "sft",
]

_HOMES = {
    "AnchorDriftedError": "catsdk_trainers.trl.attach",
    "CaTConfig": "catsdk_trainers.config.settings",
    "Checkpoints": "catsdk_trainers.config.settings",
    "Examiner": "catsdk_trainers.trl.examining",
    "Failing": "catsdk_trainers.config.settings",
    "GroupReward": "catsdk_trainers.trl.reward",
    "HeldOut": "catsdk_trainers.config.settings",
    "LoRA": "catsdk_trainers.config.settings",
    "NoRewardError": "catsdk_trainers.remote.client",
    "PRESETS": "catsdk_trainers.config.presets",
    "PolicyAnchor": "catsdk_trainers.trl.anchors",
    "Probe": "catsdk_trainers.config.settings",
    "Rollouts": "catsdk_trainers.config.settings",
    "SFTPlan": "catsdk_trainers.config.settings",
    "ScoringFailedError": "catsdk_trainers.trl.failing",
    "Stop": "catsdk_trainers.config.settings",
    "Trained": "catsdk_trainers.trl.trained",
    "attach": "catsdk_trainers.trl.attach",
    "cat_of": "catsdk_trainers.trl.describing",
    "cat_reward": "catsdk_trainers.trl.command_line",
    "compute_score": "catsdk_trainers.remote.client",
    "compute_scores": "catsdk_trainers.remote.client",
    "grpo": "catsdk_trainers.trl.grpo",
    "grpo_arguments": "catsdk_trainers.trl.arguments",
    "preset": "catsdk_trainers.config.presets",
    "reward": "catsdk_trainers.trl.reward",
    "reward_func": "catsdk_trainers.remote.client",
    "rows_of": "catsdk_trainers.data.rows",
    "serves_alone": "catsdk_trainers.trl.describing",
    "sft": "catsdk_trainers.trl.sft",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES, extra="train")


def __dir__() -> list[str]:
    return __all__
