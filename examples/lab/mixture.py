"""Draw the examples of one optimiser step, as a pure function of the seed and the step."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catsdk_providers.box.problems import Problem, response
from examples.lab.corpus import (
    Example,
    Noise,
    after,
    criteria_example,
    judge_example,
    noisy_solution,
    quote_example,
    solve_example,
    synthesis_example,
)
from examples.lab.own_samples import OwnGroup, Target
from examples.lab.recipe import Recipe

__all__ = ["Part", "parts_of_step"]

_ROLLOUT_TOKENS = 75
_TARGET_TOKENS = 80

_Maker = Callable[[Problem, Noise, random.Random], Example]


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
    target: Target,
) -> list[Part]:
    """The parts of a step; synthesis uses the model's `own` samples as soon as there are any."""
    mix = recipe.mix if step < recipe.taught_steps else recipe.judge_mix
    rng = random.Random(f"{recipe.seed}/{step}")
    # Large groups are more frequent: there the vote is hardest to learn, and worth most.
    (size,) = rng.choices(sizes := range(1, recipe.group + 1), weights=sizes)
    count = max(6, mix.synthesis_tokens // (size * _ROLLOUT_TOKENS + _TARGET_TOKENS))

    def make(maker: _Maker, count: int) -> list[Example]:
        return [maker(rng.choice(pretrain), recipe.noise, rng) for _ in range(count)]

    def combine() -> Example:
        if own and not (mix.noisy_share and rng.random() < mix.noisy_share):
            return _from_own(own, size, target, rng)
        return _from_noise(recipe, synthesis, size, target, rng)

    judge, last_key = (judge_example, "digits") if mix.compared else (quote_example, "met")
    return [
        Part("solve", make(solve_example, mix.solve.examples), mix.solve.weight),
        Part("synthesize", [combine() for _ in range(count)], 1.0),
        Part("criteria", make(criteria_example, mix.criteria.examples), mix.criteria.weight),
        Part("judge", make(judge, mix.judge.examples), mix.judge.weight),
        Part(
            "verdict",
            [after(f'"{last_key}": ', each) for each in make(judge, mix.verdict.examples)],
            mix.verdict.weight,
        ),
    ]


def _from_noise(
    recipe: Recipe, synthesis: Sequence[Problem], size: int, target: Target, rng: random.Random
) -> Example:
    while True:
        problem = rng.choice(synthesis)
        noise = recipe.noise.times(rng.uniform(recipe.easiest, recipe.hardest))
        shown = [response(noisy_solution(problem, noise, rng)) for _ in range(size)]
        wanted = target(problem, shown)
        if wanted is not None:
            return synthesis_example(shown, wanted, rng)


def _from_own(own: Sequence[OwnGroup], size: int, target: Target, rng: random.Random) -> Example:
    while True:
        group = rng.choice(own)
        shown = rng.sample(group.samples, size)
        wanted = target(group.problem, shown)
        if wanted is not None:
            return synthesis_example(shown, wanted, rng)
