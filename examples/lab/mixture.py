"""Draw the examples of one optimiser step: a pure function of the seed and the step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catsdk_providers.box.problems import Problem, response, solve
from examples.lab.corpus import (
    Example,
    criteria_example,
    judge_example,
    noisy_solution,
    reachable,
    solve_example,
    synthesis_example,
)
from examples.lab.recipe import Recipe

__all__ = ["OwnGroup", "Part", "parts_of_step"]

_ROLLOUT_TOKENS = 50
_TARGET_TOKENS = 60


@dataclass(frozen=True, slots=True)
class OwnGroup:
    """Samples of the model for one problem, and the response that synthesis should give."""

    target: str
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Examples of one kind and their weight in the loss."""

    name: str
    examples: list[Example]
    weight: float


def parts_of_step(
    recipe: Recipe,
    step: int,
    pretrain: Sequence[Problem],
    synthesis: Sequence[Problem],
    own: Sequence[OwnGroup],
) -> list[Part]:
    """The three parts of a step; synthesis reads ``own`` samples as soon as there are any."""
    rng = random.Random(f"{recipe.seed}/{step}")
    size = step * 3 % recipe.group + 1
    count = max(6, recipe.synthesis_tokens // (size * _ROLLOUT_TOKENS + _TARGET_TOKENS))

    def draw() -> Example:
        return _from_own(own, size, rng) if own else _from_noise(recipe, synthesis, size, rng)

    return [
        Part("solve", _solve_examples(recipe, pretrain, rng), 1.0),
        Part("synthesize", [draw() for _ in range(count)], 1.0),
        Part("forms", _form_examples(recipe, pretrain, rng), recipe.form_weight),
    ]


def _solve_examples(
    recipe: Recipe, pretrain: Sequence[Problem], rng: random.Random
) -> list[Example]:
    return [
        solve_example(rng.choice(pretrain), recipe.noise, rng) for _ in range(recipe.solve_examples)
    ]


def _form_examples(
    recipe: Recipe, pretrain: Sequence[Problem], rng: random.Random
) -> list[Example]:
    return [
        (judge_example if index % 4 else criteria_example)(rng.choice(pretrain), recipe.noise, rng)
        for index in range(recipe.form_examples)
    ]


def _from_noise(
    recipe: Recipe, synthesis: Sequence[Problem], size: int, rng: random.Random
) -> Example:
    while True:
        problem = rng.choice(synthesis)
        times = rng.uniform(recipe.easiest, recipe.hardest)
        noise = replace(
            recipe.noise, easy=recipe.noise.easy * times, hard=recipe.noise.hard * times
        )
        shown = [response(noisy_solution(problem, noise, rng)) for _ in range(size)]
        target = response(solve(problem))
        if reachable(target, shown):
            return synthesis_example(shown, target, rng)


def _from_own(own: Sequence[OwnGroup], size: int, rng: random.Random) -> Example:
    while True:
        group = rng.choice(own)
        shown = rng.sample(group.samples, size)
        if reachable(group.target, shown):
            return synthesis_example(shown, group.target, rng)
