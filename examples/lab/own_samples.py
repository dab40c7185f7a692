"""Teach synthesis on the model's own rollouts: store these, and make the target response."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catsdk_providers.box.problems import Problem, parse
from examples.lab.corpus import reconciled

__all__ = ["TARGETS", "OwnGroup", "Target", "own_groups", "read_groups", "write_groups"]

Target = Callable[[Problem, Sequence[str]], str | None]
"""Makes the response that synthesis should give to a problem and the rollouts it is shown."""

_WELL_FORMED: Final = re.compile(r"(?:c\d: \d\+\d(?:\+1)?=1?\d\n)+\\boxed\{\d+\}")


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """A problem and the model's samples for it."""

    problem: Problem
    samples: tuple[str, ...]


def _agreed(problem: Problem, rollouts: Sequence[str]) -> str | None:
    """The first rollout with the most frequent answer, right or wrong.

    `None` if several rollouts are shown and no two agree.
    """
    answers = [rollout.rsplit("\n", 1)[-1] for rollout in rollouts]
    answer, count = Counter(answers).most_common(1)[0]
    return rollouts[answers.index(answer)] if count > 1 or len(rollouts) == 1 else None


TARGETS: Final[dict[str, Target]] = {"correct": reconciled, "agreed": _agreed}


def own_groups(asked: Sequence[Problem], samples: Sequence[str]) -> list[OwnGroup]:
    """Group the well-formed samples by problem; `samples` is in the order of the problems."""
    size = len(samples) // len(asked)
    drawn = [tuple(samples[at * size : (at + 1) * size]) for at in range(len(asked))]
    return [
        OwnGroup(problem, group)
        for problem, group in zip(asked, drawn, strict=True)
        if all(map(_WELL_FORMED.fullmatch, group))
    ]


def write_groups(path: Path, groups: Sequence[OwnGroup]) -> None:
    """Write the groups beside the checkpoint, so that a resumed run reads the same ones."""
    kept = [[str(group.problem), *group.samples] for group in groups]
    path.write_text(json.dumps(kept), encoding="utf-8")


def read_groups(path: Path) -> list[OwnGroup] | None:
    """The groups that `write_groups` wrote; `None` if they have not been sampled yet."""
    if not path.exists():
        return None
    kept: list[list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return [OwnGroup(parse(problem), tuple(samples)) for problem, *samples in kept]
