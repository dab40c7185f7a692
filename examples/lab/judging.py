"""Measure the judge on the model's own responses: its verdicts, and how good rubric rewards are.

python -m examples.lab.judging --model DIR --split dev --n 50

Each problem takes all steps: eight responses, a reference, its rubric, and a verdict for each
criterion and response. All but the responses are greedy. A program decides whether a verdict is
right, that is, whether the response contains the column or the answer that the criterion names. As
a control, the verdicts on each criterion are shuffled among the responses to a problem: whatever
correlation remains over all responses comes from some problems being easier than others.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import anyio
import numpy
from numpy.typing import NDArray

from catsdk import CaT, Limits, Sampling
from catsdk.estimators import Synthesizer
from catsdk.evaluate import Bootstrap, Estimate
from catsdk.providers import LocalProvider
from catsdk.rewards import RubricReward
from catsdk.rubrics import Judge, RubricProposer
from catsdk.runtime import Client, fan_out
from catsdk.sampling import Sampler
from catsdk.types import Rollout
from catsdk_providers.box.problems import Problem, problems, solve
from examples.lab.arguments import parser_for
from examples.lab.corpus import criteria

__all__ = ["Judged", "agreement", "correlation", "shuffled"]

_IN_FLIGHT: Final = 4096
_MAX_TOKENS: Final = 128
_RESAMPLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """The G responses to one problem, and a verdict for each response and criterion (G x K)."""

    criteria: tuple[str, ...]
    right: tuple[bool, ...]
    """Whether each response has the right answer."""
    verdicts: tuple[tuple[bool | None, ...], ...]
    oracle: tuple[tuple[bool, ...], ...]


async def judged(cat: CaT, problem: Problem) -> Judged:
    """Sample, synthesize, propose a rubric, and judge each response by it."""
    reference = await cat.synthesize(str(problem))
    rubric = await cat.propose_rubric(reference)

    async def judge(rollout: Rollout) -> tuple[bool | None, ...]:
        return tuple(verdict.met for verdict in await cat.judge(rubric, rollout))

    rollouts = reference.group.rollouts
    verdicts = await fan_out(judge, rollouts)
    texts = tuple(criterion.text for criterion in rubric.criteria)
    shown = [criteria(rollout.text) for rollout in rollouts]
    return Judged(
        criteria=texts,
        right=tuple(rollout.answer == solve(problem).answer for rollout in rollouts),
        verdicts=tuple(verdicts),
        oracle=tuple(tuple(text in lines for text in texts) for lines in shown),
    )


def agreement(
    groups: Sequence[Judged], about: Callable[[str], bool], *, met: bool
) -> Estimate | None:
    """Share of right verdicts on criteria of one kind (`about`) that are, or are not, truly `met`.

    The error is over problems. A missing verdict counts as wrong.
    """
    shares: list[float | None] = []
    for group in groups:
        hits = [
            said is met
            for verdicts, truths in zip(group.verdicts, group.oracle, strict=True)
            for text, said, true in zip(group.criteria, verdicts, truths, strict=True)
            if about(text) and true is met
        ]
        shares.append(sum(hits) / len(hits) if hits else None)
    return Bootstrap(len(shares)).estimate(shares)


def rewards(verdicts: Iterable[Sequence[bool | None]]) -> list[float | None]:
    """The share of criteria that each response meets; `None` if a verdict is missing."""
    return [None if None in each else sum(map(bool, each)) / len(each) for each in verdicts]


def shuffled(group: Judged, rng: random.Random) -> Judged:
    """The same group with the verdicts on each criterion shuffled among its responses."""
    columns = [rng.sample(column, len(column)) for column in zip(*group.verdicts, strict=True)]
    return replace(group, verdicts=tuple(zip(*columns, strict=True)))


def correlation(groups: Sequence[Judged], *, within: bool) -> tuple[float, float]:
    """Pearson's correlation of the rubric reward with correctness, and its error over problems.

    It is taken over all responses or, as GRPO sees them, `within` groups, with the group's mean
    subtracted from both. It is NaN if all rewards are the same.
    """
    scored = [pairs for group in groups if (pairs := _pairs(group, within)).size]
    rng = random.Random(0)
    drawn = [_pearson(rng.choices(scored, k=len(scored))) for _ in range(_RESAMPLES)]
    defined = [value for value in drawn if not math.isnan(value)]
    return _pearson(scored), float(numpy.std(defined)) if defined else math.nan


def _pairs(group: Judged, within: bool) -> NDArray[numpy.float64]:
    """Reward and correctness (1 or 0) of each response that has a reward, one per row."""
    pairs = numpy.array(
        [
            (reward, right)
            for reward, right in zip(rewards(group.verdicts), group.right, strict=True)
            if reward is not None
        ],
        dtype=float,
    )
    if within and pairs.size:
        pairs -= pairs.mean(axis=0)
    return pairs


def _pearson(groups: Sequence[NDArray[numpy.float64]]) -> float:
    pairs = numpy.concatenate(groups)
    if not pairs.std(axis=0).all():
        return math.nan
    return float(numpy.atleast_2d(numpy.corrcoef(pairs.T))[0, 1])


def table(groups: Sequence[Judged]) -> str:
    """Verdicts by kind of criterion, and the correlations, as two Markdown tables."""
    kinds: dict[str, Callable[[str], bool]] = {
        "columns": lambda text: "=" in text,
        "answers": lambda text: "=" not in text,
        "all": lambda _: True,
    }
    lines = [
        "| criteria | right where met | right where not met | mean of both |",
        "|---|---|---|---|",
    ]
    for name, about in kinds.items():
        met, unmet = (agreement(groups, about, met=met) for met in (True, False))
        lines.append(f"| {name} | {met} | {unmet} | {_mean(met, unmet)} |")
    rng = random.Random(0)
    sources = {
        "the model's verdicts": groups,
        "shuffled verdicts": [shuffled(group, rng) for group in groups],
        "exact verdicts": [replace(group, verdicts=group.oracle) for group in groups],
    }
    lines += [
        "",
        "| rubric reward by | correlation with being right | within groups |",
        "|---|---|---|",
    ]
    for name, by in sources.items():
        both = [correlation(by, within=within) for within in (False, True)]
        cells = [f"{value:.3f} ± {error:.3f}" for value, error in both]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    said = [verdict for group in groups for verdicts in group.verdicts for verdict in verdicts]
    lines += ["", f"{len(said)} verdicts on {len(groups)} problems, {said.count(None)} missing."]
    return "\n".join(lines)


def _mean(met: Estimate | None, unmet: Estimate | None) -> str:
    if met is None or unmet is None:
        return "-"
    return f"{(met.mean + unmet.mean) / 2:.3f} ± {math.hypot(met.error, unmet.error) / 2:.3f}"


async def _measure(chosen: argparse.Namespace) -> None:
    model = LocalProvider(chosen.model)
    greedy = Sampling(temperature=0.0, max_tokens=_MAX_TOKENS)
    cat = CaT(
        Sampler(model, Sampling(max_tokens=_MAX_TOKENS), chosen.seed),
        estimator=Synthesizer(sampling=greedy, seed=chosen.seed),
        reward=RubricReward(proposer=RubricProposer(sampling=greedy), judge=Judge(sampling=greedy)),
        client=Client(limits=Limits(in_flight=_IN_FLIGHT)),
    )
    async with cat:
        asked = problems(chosen.split, chosen.n, chosen.seed)
        groups = await fan_out(lambda problem: judged(cat, problem), asked)
    print(table(groups))


if __name__ == "__main__":
    anyio.run(_measure, parser_for(__doc__, problems=50).parse_args())
