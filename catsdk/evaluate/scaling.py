"""Accuracy against the number of rollouts: one sample, greedy, majority, and synthesis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from catsdk.core.errors import CatError
from catsdk.core.fanout import fan_out
from catsdk.core.options import Sampling
from catsdk.core.ports import Estimator, Provider
from catsdk.core.types import Failure, Group, Reference, Value
from catsdk.equivalence.classes import equivalence_classes, majority_of
from catsdk.equivalence.compare import is_same
from catsdk.primitives.sampler import Sampler
from catsdk.primitives.synthesizer import Synthesizer

__all__ = ["Outcome", "Problem", "Row", "Scaling", "Share", "measure", "summarise"]

Seen = dict[int, Reference | Failure]


@dataclass(frozen=True, slots=True)
class Problem:
    """A prompt and its known answer."""

    prompt: str
    gold: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was drawn for one problem: a group, the greedy answer, a reference for each size G."""

    problem: Problem
    group: Group
    greedy: str | None
    references: Seen


class Share(Value):
    """The mean of `count` values, one a problem, and its standard error."""

    mean: float
    error: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Share:
        """Take the mean; without values mean and error are NaN."""
        seen = list(values)
        if not seen:
            return cls(mean=math.nan, error=math.nan, count=0)
        mean = sum(seen) / len(seen)
        spread = sum((value - mean) ** 2 for value in seen) / max(1, len(seen) - 1)
        return cls(mean=mean, error=math.sqrt(spread / len(seen)), count=len(seen))

    def __str__(self) -> str:
        """Mean and standard error."""
        return "none" if not self.count else f"{self.mean:.3f} ± {self.error:.3f}"


class Row(Value):
    """The numbers at one size G; every share is over problems.

    `gain` is synthesis minus majority on the same problems (a paired difference), `overruled` the
    share where the two differ, `right_overruling` how often synthesis is right there, and
    `rescued` the share of problems that synthesis solves although all G rollouts are wrong.
    """

    size: int
    majority: Share
    synthesis: Share
    gain: Share
    overruled: Share
    right_overruling: Share
    rescued: Share


class Scaling(Value):
    """The whole table. `failed` counts rollouts and references that did not come."""

    problems: int
    single: Share
    greedy: Share
    rows: tuple[Row, ...]
    failed: int
    tokens: int


async def measure(
    problems: Sequence[Problem],
    policy: Provider,
    anchor: Provider,
    *,
    sizes: Sequence[int] = (1, 2, 4, 8),
    seed: int = 0,
    max_tokens: int | None = None,
    on_done: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Draw for every problem the largest group once, and a reference from its first G rollouts.

    A failure of one rollout or one reference is data; the others go on.
    """
    sampling = Sampling(max_tokens=max_tokens)
    sampler = Sampler(policy, sampling, seed=seed)
    greedy = Sampler(policy, Sampling(temperature=0.0, max_tokens=max_tokens))
    synthesizer = Synthesizer(anchor, sampling, seed=seed)

    async def one(problem: Problem) -> Outcome:
        group = await sampler.sample(problem.prompt, max(sizes))
        best = (await greedy.sample(problem.prompt, 1)).rollouts
        references = await fan_out(lambda size: _reference(synthesizer, group, size), sizes)
        outcome = Outcome(
            problem,
            group,
            best[0].answer if best else None,
            dict(zip(sizes, references, strict=True)),
        )
        on_done(outcome)
        return outcome

    return await fan_out(one, problems)


async def _reference(estimator: Estimator, group: Group, size: int) -> Reference | Failure:
    try:
        return await estimator.estimate(_first(group, size))
    except CatError as error:
        return Failure.of(error)


def _first(group: Group, size: int) -> Group:
    kept = tuple(rollout for rollout in group.rollouts if rollout.index < size)
    return group.model_copy(update={"rollouts": kept, "calls": ()})


def summarise(outcomes: Sequence[Outcome]) -> Scaling:
    """Make the table of `outcomes`."""
    sizes = sorted(outcomes[0].references) if outcomes else []
    return Scaling(
        problems=len(outcomes),
        single=Share.of(
            sum(_right(r.answer, outcome) for r in outcome.group.rollouts)
            / len(outcome.group.rollouts)
            for outcome in outcomes
            if outcome.group.rollouts
        ),
        greedy=Share.of(_right(outcome.greedy, outcome) for outcome in outcomes),
        rows=tuple(_row(outcomes, size) for size in sizes),
        failed=sum(
            len(outcome.group.failures)
            + sum(isinstance(ref, Failure) for ref in outcome.references.values())
            for outcome in outcomes
        ),
        tokens=sum(_tokens(outcome) for outcome in outcomes),
    )


def _row(outcomes: Sequence[Outcome], size: int) -> Row:
    seen = [
        (outcome, reference, _vote(outcome.group, size))
        for outcome in outcomes
        if isinstance(reference := outcome.references[size], Reference)
    ]
    overruling = [
        (outcome, reference)
        for outcome, reference, vote in seen
        if vote is not None and reference.answer is not None
        if not is_same(reference.answer, vote)
    ]
    return Row(
        size=size,
        majority=Share.of(_right(vote, outcome) for outcome, _, vote in seen),
        synthesis=Share.of(_right(ref.answer, outcome) for outcome, ref, _ in seen),
        gain=Share.of(
            _right(ref.answer, outcome) - _right(vote, outcome) for outcome, ref, vote in seen
        ),
        overruled=Share.of(
            any(outcome is other for other, _ in overruling) for outcome, _, _ in seen
        ),
        right_overruling=Share.of(_right(ref.answer, outcome) for outcome, ref in overruling),
        rescued=Share.of(
            _right(ref.answer, outcome)
            and not any(_right(r.answer, outcome) for r in _first(outcome.group, size).rollouts)
            for outcome, ref, _ in seen
        ),
    )


def _vote(group: Group, size: int) -> str | None:
    """The majority of the first rollouts; at a tie the earliest of the leading answers."""
    answers = [rollout.answer for rollout in _first(group, size).rollouts]
    there = [answer for answer in answers if answer is not None]
    majority = majority_of(there)
    if majority.answer is not None or majority.share is None:
        return majority.answer
    classes = equivalence_classes(there)
    return classes.representatives[classes.sizes.index(max(classes.sizes))]


def _right(answer: str | None, outcome: Outcome) -> float:
    return float(answer is not None and is_same(answer, outcome.problem.gold))


def _tokens(outcome: Outcome) -> int:
    references = [ref for ref in outcome.references.values() if isinstance(ref, Reference)]
    calls = sum(call.usage.tokens for ref in references for call in ref.calls)
    return outcome.group.usage.tokens + calls
