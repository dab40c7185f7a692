"""Collect the model's own samples on the teaching problems, for the last stage of the recipe."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from catsdk_providers.box.problems import Problem, response, solve
from examples.lab.mixture import OwnGroup

__all__ = [
    "Target",
    "agreed_target",
    "correct_target",
    "own_groups",
    "read_groups",
    "write_groups",
]

Target = Callable[[Problem, Sequence[str]], str | None]
"""The response that synthesis should give, from a problem and samples of the model."""

_WELL_FORMED: Final = re.compile(r"(?:\d{1,2}[+-]\d{1,2}=\d{1,2}\n)+\\boxed\{\d{1,2}\}")


def correct_target(problem: Problem, samples: Sequence[str]) -> str | None:
    """The correct solution, whatever was sampled."""
    return response(solve(problem))


def agreed_target(problem: Problem, samples: Sequence[str]) -> str | None:
    """The first sample with the most frequent answer: no correct answer is looked up.

    Nothing where no two samples agree.
    """
    answers = [sample.rsplit("\n", 1)[-1] for sample in samples]
    answer, count = Counter(answers).most_common(1)[0]
    return samples[answers.index(answer)] if count > 1 else None


def own_groups(asked: Sequence[Problem], samples: Sequence[str], target: Target) -> list[OwnGroup]:
    """Groups of well-formed samples; ``samples`` holds those of the first problem first."""
    size = len(samples) // len(asked)
    groups = []
    for index, problem in enumerate(asked):
        drawn = samples[index * size : (index + 1) * size]
        wanted = target(problem, drawn)
        if wanted is not None and all(map(_WELL_FORMED.fullmatch, drawn)):
            groups.append(OwnGroup(wanted, tuple(drawn)))
    return groups


def write_groups(path: Path, groups: Sequence[OwnGroup]) -> None:
    """Keep the groups beside the checkpoint, so that a resumed run reads the same ones."""
    path.write_text(json.dumps([asdict(group) for group in groups]), encoding="utf-8")


def read_groups(path: Path) -> list[OwnGroup]:
    """The groups that ``write_groups`` kept; none before the last stage has begun."""
    if not path.exists():
        return []
    kept = json.loads(path.read_text(encoding="utf-8"))
    return [OwnGroup(group["target"], tuple(group["samples"])) for group in kept]
