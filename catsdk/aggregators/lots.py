"""Lots: random choices that a seed, the prompt and the rollouts decide, the same in every run."""

from __future__ import annotations

from hashlib import sha256
from random import Random

from catsdk.core.types import Group

__all__ = ["lots"]


def lots(seed: int, group: Group) -> Random:
    """Random numbers for this seed, prompt and set of rollouts, in whatever order they stand.

    Prompts do not share their luck, and neither do two sub-samples of one prompt's rollouts.
    """
    indices = sorted(rollout.index for rollout in group.rollouts)
    return Random(sha256(f"{seed}\0{group.prompt!r}\0{indices}".encode()).digest())
