"""Door to the trainers: `from catsdk.train import CaTConfig, grpo`, loaded when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from catsdk.core.errors import MissingExtraError

if TYPE_CHECKING:
    from catsdk_trainers.anchors import PolicyAnchor
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
    from catsdk_trainers.examining import Examiner
    from catsdk_trainers.grpo import grpo
    from catsdk_trainers.presets import PRESETS, preset
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
    "Examiner",
    "Failing",
    "GoldScorer",
    "GroupReward",
    "GroupScore",
    "GroupScorer",
    "HeldOut",
    "LoRA",
    "PenalisingScorer",
    "PolicyAnchor",
    "RandomScorer",
    "RewardPlan",
    "Rollouts",
    "SFTPlan",
    "ScoringFailedError",
    "SelectingScorer",
    "Stop",
    "Trained",
    "attach",
    "cat_reward",
    "cat_scorer",
    "grpo",
    "preset",
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
    "Examiner": "examining",
    "Failing": "config",
    "GoldScorer": "controls",
    "GroupReward": "trl_reward",
    "GroupScore": "scoring",
    "GroupScorer": "scoring",
    "HeldOut": "config",
    "LoRA": "config",
    "PRESETS": "presets",
    "PenalisingScorer": "shaping",
    "PolicyAnchor": "anchors",
    "RandomScorer": "controls",
    "RewardPlan": "config",
    "Rollouts": "config",
    "SFTPlan": "config",
    "ScoringFailedError": "trl_reward",
    "SelectingScorer": "shaping",
    "Stop": "config",
    "Trained": "trained",
    "attach": "attach",
    "cat_reward": "command_line",
    "cat_scorer": "scoring",
    "grpo": "grpo",
    "preset": "presets",
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
