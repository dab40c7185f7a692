"""Door to the trainers: `from catsdk.train import CaTConfig, grpo`, loaded when asked for."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk_trainers.anchors import PolicyAnchor
    from catsdk_trainers.arguments import grpo_arguments
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

_HOMES = {
    "AnchorDriftedError": "catsdk_trainers.attach",
    "CaTConfig": "catsdk_trainers.config",
    "Checkpoints": "catsdk_trainers.config",
    "Examiner": "catsdk_trainers.examining",
    "Failing": "catsdk_trainers.config",
    "GroupReward": "catsdk_trainers.trl_reward",
    "HeldOut": "catsdk_trainers.config",
    "Limits": "catsdk_trainers.rendezvous",
    "LoRA": "catsdk_trainers.config",
    "NoRewardError": "catsdk_trainers.reward_client",
    "PRESETS": "catsdk_trainers.presets",
    "PolicyAnchor": "catsdk_trainers.anchors",
    "Probe": "catsdk_trainers.config",
    "Rollouts": "catsdk_trainers.config",
    "Rows": "catsdk_trainers.data",
    "SFTPlan": "catsdk_trainers.config",
    "ScoringFailedError": "catsdk_trainers.failing",
    "Stop": "catsdk_trainers.config",
    "Trained": "catsdk_trainers.trained",
    "attach": "catsdk_trainers.attach",
    "cat_of": "catsdk_trainers.describing",
    "cat_reward": "catsdk_trainers.command_line",
    "compute_score": "catsdk_trainers.reward_client",
    "compute_scores": "catsdk_trainers.reward_client",
    "grpo": "catsdk_trainers.grpo",
    "grpo_arguments": "catsdk_trainers.arguments",
    "preset": "catsdk_trainers.presets",
    "reward": "catsdk_trainers.trl_reward",
    "reward_func": "catsdk_trainers.reward_client",
    "rows_of": "catsdk_trainers.data",
    "serves_alone": "catsdk_trainers.describing",
    "serving": "catsdk_trainers.reward_server",
    "sft": "catsdk_trainers.sft",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES, extra="train")


def __dir__() -> list[str]:
    return __all__
