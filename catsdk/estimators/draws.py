"""Random choices, determined by a seed, the prompt and the rollouts: the same in every run."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from random import Random

from catsdk.core.types import Group

__all__ = ["drawn_class", "lots"]


def lots(seed: int, purpose: str, group: Group) -> Random:
    """Random numbers for this seed, prompt and set of rollouts, in whatever order they stand.

    Prompts do not share their luck, nor do two sub-samples of one prompt's rollouts, nor two
    purposes.
    """
    indices = sorted(rollout.index for rollout in group.rollouts)
    return Random(sha256(f"{purpose}\0{seed}\0{group.prompt!r}\0{indices}".encode()).digest())


def drawn_class(seed: int, group: Group, classes: Sequence[Sequence[int]]) -> Sequence[int]:
    """One of `classes` of positions in `group`, each as likely: which one, the order has no say."""
    if len(classes) == 1:
        return classes[0]

    def first_index(members: Sequence[int]) -> int:
        return min(group.rollouts[at].index for at in members)

    return lots(seed, "tie", group).choice(sorted(classes, key=first_index))
