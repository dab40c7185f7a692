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
from catsdk_trainers.offline.sdft import sdft
from catsdk_trainers.offline.sft import sft
from catsdk_trainers.preflight.consensus import Consensus, Contradiction
from catsdk_trainers.preflight.forecast import Forecast
from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.report import Preflight
from catsdk_trainers.preflight.rule import Check
from catsdk_trainers.preflight.run import preflight
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
from catsdk_trainers.trl.role_anchors import check_models as check_models
from catsdk_trainers.trl.signals import reason_to_stop
from catsdk_trainers.trl.trained import Trained

__all__ = [
    "PRESETS",
    "AnchorDriftedError",
    "CaTConfig",
    "Check",
    "Checkpoints",
    "Consensus",
    "Contradiction",
    "Examiner",
    "Failing",
    "Forecast",
    "GroupReward",
    "HeldOut",
    "LoRA",
    "Measure",
    "NoRewardError",
    "PolicyAnchor",
    "Preflight",
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
    "preflight",
    "preset",
    "reason_to_stop",
    "reward",
    "reward_func",
    "rows_of",
    "sdft",
    "serves_alone",
    "sft",
]
