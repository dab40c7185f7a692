"""The arms that train on rewards from other papers, adapted to the model in the box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from catsdk import Group, Reference, Reward
from catsdk.runtime import Context

__all__ = ["OTHERS", "SameText", "Swapped", "methods_with"]


@dataclass(frozen=True)
class Swapped:
    """Paraphrase a sum by swapping its numbers: the model understands no other wording."""

    async def paraphrase(self, group: Group, ctx: Context) -> str:
        """Swap the two numbers of `a+b`."""
        first, _, second = group.question.partition("+")
        return f"{second}+{first}"


@dataclass(frozen=True)
class SameText(Reward):
    """Reward a solution whose text equals the reference's, including the order of its digits."""

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> list[float | None]:
        """Compare the texts."""
        assert reference is not None
        return [float(rollout.text == reference.text) for rollout in group.rollouts]


_SWAPPED: Final = "examples.lab.others:Swapped"
_POLICY: Final = {"PolicyAnchor": {"kind": "current"}}
_AVERAGE: Final = {"Sampler": {"policy": {"PolicyAnchor": {"kind": "average"}}}}


def _by(estimator: object) -> dict[str, Any]:
    return {"AnswerReward": {"estimator": estimator}}


_REWARDS: Final[Mapping[str, Any]] = {
    "harmony": _by({"Harmony": {"paraphraser": _SWAPPED}}),
    "co-rewarding-1": _by({"OtherView": {"estimator": "Majority", "paraphraser": _SWAPPED}}),
    "co-rewarding-2": _by({"OtherView": {"estimator": "Majority", "sampler": _AVERAGE}}),
    "empo": {"EntropyBand": {"inner": "ClusterShare"}},
    "rlpr": {
        "SkipFlat": {
            "inner": {"ReferenceProbability": {"model": _POLICY, "of": "answer"}},
            "least": 0.01,
        }
    },
    "darling": {"Diverse": {"inner": _by("Majority"), "same": "examples.lab.others:SameText"}},
    "certainty": {"SelfCertainty": {"model": _POLICY}},
    "entropy": {"NegativeEntropy": {"model": _POLICY}},
}
OTHERS: Final = tuple(_REWARDS)
"""The names of the arms in this module."""


def methods_with(synthesis: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The method of each of these arms; only RLPR uses a reference, the synthesis."""
    return {
        arm: {"reward": reward, **({"estimator": synthesis} if arm == "rlpr" else {})}
        for arm, reward in _REWARDS.items()
    }
