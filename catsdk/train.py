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
        AnchorPlan,
        CaTConfig,
        Checkpoints,
        Failing,
        HeldOut,
        LoRA,
        RewardPlan,
        Rollouts,
        SFTPlan,
        Stop,
    )
    from catsdk_trainers.controls import ClusterShareScorer, GoldScorer, RandomScorer
    from catsdk_trainers.data import Rows, rows_of
    from catsdk_trainers.examining import Examiner
    from catsdk_trainers.grpo import grpo
    from catsdk_trainers.planning import config_scorer
    from catsdk_trainers.presets import PRESETS, preset
    from catsdk_trainers.rendezvous import Limits
    from catsdk_trainers.reward_client import (
        NoRewardError,
        compute_score,
        compute_scores,
        reward_func,
    )
    from catsdk_trainers.reward_server import serving
    from catsdk_trainers.scoring import CaTScorer, GroupScore, GroupScorer, cat_scorer
    from catsdk_trainers.sft import sft
    from catsdk_trainers.shaping import CombinedScorer, PenalisingScorer, SelectingScorer
    from catsdk_trainers.trained import Trained
    from catsdk_trainers.trl_reward import GroupReward, ScoringFailedError

__all__ = [
    "PRESETS",
    "AnchorDriftedError",
    "AnchorPlan",
    "CaTConfig",
    "CaTScorer",
    "Checkpoints",
    "ClusterShareScorer",
    "CombinedScorer",
    "ConcurrentRolloutWorker",
    "Examiner",
    "Failing",
    "GoldScorer",
    "GroupReward",
    "GroupScore",
    "GroupScorer",
    "HeldOut",
    "Limits",
    "LoRA",
    "NoRewardError",
    "PenalisingScorer",
    "PolicyAnchor",
    "RandomScorer",
    "RewardPlan",
    "Rollouts",
    "Rows",
    "SFTPlan",
    "ScoringFailedError",
    "SelectingScorer",
    "Stop",
    "Trained",
    "attach",
    "cat_reward",
    "cat_scorer",
    "compute_score",
    "compute_scores",
    "config_scorer",
    "grpo",
    "grpo_arguments",
    "preset",
    "reward_func",
    "rows_of",
    "serving",
    "sft",
]

_HOME = {
    "AnchorDriftedError": "attach",
    "AnchorPlan": "config",
    "CaTConfig": "config",
    "CaTScorer": "scoring",
    "Checkpoints": "config",
    "ClusterShareScorer": "controls",
    "CombinedScorer": "shaping",
    "ConcurrentRolloutWorker": "async_grpo",
    "Examiner": "examining",
    "Failing": "config",
    "GoldScorer": "controls",
    "GroupReward": "trl_reward",
    "GroupScore": "scoring",
    "GroupScorer": "scoring",
    "HeldOut": "config",
    "Limits": "rendezvous",
    "LoRA": "config",
    "NoRewardError": "reward_client",
    "PRESETS": "presets",
    "PenalisingScorer": "shaping",
    "PolicyAnchor": "anchors",
    "RandomScorer": "controls",
    "RewardPlan": "config",
    "Rollouts": "config",
    "Rows": "data",
    "SFTPlan": "config",
    "ScoringFailedError": "trl_reward",
    "SelectingScorer": "shaping",
    "Stop": "config",
    "Trained": "trained",
    "attach": "attach",
    "cat_reward": "command_line",
    "cat_scorer": "scoring",
    "compute_score": "reward_client",
    "compute_scores": "reward_client",
    "config_scorer": "planning",
    "grpo": "grpo",
    "grpo_arguments": "arguments",
    "preset": "presets",
    "reward_func": "reward_client",
    "rows_of": "data",
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
