"""Door to the trainers: `from catsdk.train import GroupReward, attach`, loaded when asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catsdk_trainers.anchors import PolicyAnchor
    from catsdk_trainers.attach import attach
    from catsdk_trainers.controls import ClusterShareScorer, GoldScorer, RandomScorer
    from catsdk_trainers.scoring import CaTScorer, GroupScore, GroupScorer, cat_scorer
    from catsdk_trainers.trl_reward import GroupReward

__all__ = [
    "CaTScorer",
    "ClusterShareScorer",
    "GoldScorer",
    "GroupReward",
    "GroupScore",
    "GroupScorer",
    "PolicyAnchor",
    "RandomScorer",
    "attach",
    "cat_scorer",
]

_HOME = {
    "CaTScorer": "scoring",
    "ClusterShareScorer": "controls",
    "GoldScorer": "controls",
    "GroupReward": "trl_reward",
    "GroupScore": "scoring",
    "GroupScorer": "scoring",
    "PolicyAnchor": "anchors",
    "RandomScorer": "controls",
    "attach": "attach",
    "cat_scorer": "scoring",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"catsdk_trainers.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
