"""Compare rubrics of the model in the box with an oracle: criteria, verdicts, rewards, controls.

python -m benchmarks.box_rubrics --n 60; add --served to call it over HTTP like a hosted model
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

import anyio

import catsdk
from catsdk import Capabilities, Context, Limits, Provider, RubricReward
from catsdk.errors import CatError
from catsdk.providers import LocalProvider, OpenAIProvider
from catsdk.rubrics import Judging
from catsdk.rubrics.scoring import failures_of
from catsdk.runtime import context_of, fan_out
from catsdk.testing import LoopbackServer
from catsdk.types import Rollout, Score
from catsdk_providers.box.problems import Problem, problems, response, solve
from examples.lab.corpus import criteria

MAX_TOKENS = 128
RESAMPLED = 2000
GROUP = 8


@dataclass(frozen=True)
class Case:
    """A problem, the model's rollouts, reference and rubric, and its judge's scores."""

    problem: Problem
    reference: str
    rubric: tuple[str, ...]
    rollouts: tuple[Rollout, ...]
    scores: tuple[Score, ...]

    def right(self, rollout: Rollout) -> float:
        """Whether the rollout's answer is the sum."""
        return float(rollout.answer == solve(self.problem).answer)


async def case_of(
    model: Provider, problem: Problem, seed: int, judging: Judging, ctx: Context
) -> Case | str:
    """Run a problem through all stages, the model in every role; on failure, the error's name."""
    sampling = catsdk.Sampling(temperature=1.0, max_tokens=MAX_TOKENS)
    exact = catsdk.Sampling(temperature=0.0, max_tokens=MAX_TOKENS)
    try:
        group = await catsdk.Sampler([model], sampling, seed=seed).sample(str(problem), GROUP, ctx)
        reference = await catsdk.Synthesizer(model, exact).estimate(group, ctx.on(group))
        rubric = await catsdk.RubricProposer(model, exact).propose(reference, ctx)
        judge = catsdk.Judge(model, exact, judging=judging)
        scores = await RubricReward(judge=judge, rubric=rubric).reward(group, None, ctx)
    except CatError as error:
        return type(error).__name__
    texts = tuple(criterion.text for criterion in rubric.criteria)
    return Case(problem, reference.text, texts, group.rollouts, scores)


def interval(
    cases: Sequence[Case], measure: Callable[[Sequence[Case]], float | None], seed: int
) -> str:
    """The measure with its 95 % interval, bootstrapped over problems."""
    rng = random.Random(f"bootstrap/{seed}")
    value = measure(cases)
    drawn = [measure(rng.choices(cases, k=len(cases))) for _ in range(RESAMPLED)]
    known = sorted(each for each in drawn if each is not None)
    if value is None or not known:
        return "undefined"
    low, high = known[int(0.025 * len(known))], known[int(0.975 * (len(known) - 1))]
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def faithful(cases: Sequence[Case]) -> float | None:
    """Share of criteria that agree with the reference."""
    return _mean([text in criteria(case.reference) for case in cases for text in case.rubric])


def valid(cases: Sequence[Case]) -> float | None:
    """Share of criteria that the right solution meets."""
    return _mean(
        [text in criteria(response(solve(case.problem))) for case in cases for text in case.rubric]
    )


def verdicts(cases: Sequence[Case]) -> list[tuple[bool, bool]]:
    """Pairs of a verdict and the oracle's verdict; missing verdicts are left out."""
    return [
        (verdict.met, text in criteria(rollout.text))
        for case in cases
        for rollout, score in zip(case.rollouts, case.scores, strict=True)
        for text, verdict in zip(case.rubric, score.verdicts, strict=True)
        if verdict.met is not None
    ]


def accuracy(cases: Sequence[Case]) -> float | None:
    """Share of verdicts that agree with the oracle."""
    return _mean([met == true for met, true in verdicts(cases)])


def balanced(cases: Sequence[Case]) -> float | None:
    """Mean of the accuracies on met and on unmet criteria: a guessing judge scores 0.5."""
    given = verdicts(cases)
    sides = [_mean([met == true for met, true in given if true is side]) for side in (True, False)]
    known = [side for side in sides if side is not None]
    return fmean(known) if len(known) == 2 else None


def correlated(
    reward: Callable[[Case, int], float | None],
) -> Callable[[Sequence[Case]], float | None]:
    """Correlation of a reward with correctness, over all rollouts that have one."""

    def measure(cases: Sequence[Case]) -> float | None:
        pairs = [
            (value, case.right(rollout))
            for case in cases
            for at, rollout in enumerate(case.rollouts)
            if (value := reward(case, at)) is not None
        ]
        return _correlation(pairs)

    return measure


def within(
    reward: Callable[[Case, int], float | None],
) -> Callable[[Sequence[Case]], float | None]:
    """The same within groups, as GRPO sees it: with the group's mean subtracted from both sides."""

    def measure(cases: Sequence[Case]) -> float | None:
        pairs: list[tuple[float, float]] = []
        for case in cases:
            own = [
                (value, case.right(rollout))
                for at, rollout in enumerate(case.rollouts)
                if (value := reward(case, at)) is not None
            ]
            if own:
                means = [fmean(column) for column in zip(*own, strict=True)]
                pairs += [(value - means[0], right - means[1]) for value, right in own]
        return _correlation(pairs)

    return measure


def judged(case: Case, at: int) -> float | None:
    """The reward by the model's own verdicts."""
    return case.scores[at].value


def by_oracle(case: Case, at: int) -> float | None:
    """The reward by the oracle's verdicts, that is, of the rubric with a perfect judge."""
    own = criteria(case.rollouts[at].text)
    return fmean(text in own for text in case.rubric)


def shuffled(cases: Sequence[Case], seed: int) -> Callable[[Case, int], float | None]:
    """Control: the verdicts of all rollouts are shuffled (drawn without replacement)."""
    rng = random.Random(f"shuffled/{seed}")
    pool = [met for met, _ in verdicts(cases)]
    rng.shuffle(pool)
    drawn: dict[tuple[int, int], float | None] = {}
    for case in cases:
        for at, score in enumerate(case.scores):
            taken = [pool.pop() for verdict in score.verdicts if verdict.met is not None]
            drawn[id(case), at] = fmean(taken) if score.value is not None else None
    return lambda case, at: drawn[id(case), at]


def by_chance(seed: int) -> Callable[[Case, int], float | None]:
    """Control: a reward drawn at random for each rollout."""
    return lambda case, at: random.Random(f"chance/{seed}/{case.problem}/{at}").random()


def _mean(flags: Sequence[bool]) -> float | None:
    return fmean(flags) if flags else None


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    try:
        return correlation(*zip(*pairs, strict=True)) if len(pairs) > 1 else None
    except StatisticsError:
        return None


def table(cases: Sequence[Case], lost: Counter[str], seed: int) -> str:
    """The results as a Markdown table."""
    scores = [score for case in cases for score in case.scores]
    rewarded = sum(score.value is not None for score in scores)
    right = fmean([case.right(rollout) for case in cases for rollout in case.rollouts])
    rows = [
        ("problems with a rubric", f"{len(cases)} ({dict(lost) or 'none lost'})"),
        ("criteria per rubric", f"{fmean(len(case.rubric) for case in cases):.1f}"),
        ("rollouts right", f"{right:.3f}"),
        ("criteria that agree with the reference", interval(cases, faithful, seed)),
        ("criteria that the right solution meets", interval(cases, valid, seed)),
        ("verdicts that agree with the oracle", interval(cases, accuracy, seed)),
        ("the same, balanced over met and unmet", interval(cases, balanced, seed)),
        ("rollouts with a reward", f"{rewarded} of {len(scores)} ({dict(failures_of(scores))})"),
    ]
    rewards = {
        "reward, own judge (headline)": judged,
        "control: shuffled verdicts": shuffled(cases, seed),
        "control: random reward": by_chance(seed),
        "beside: verdicts of the oracle": by_oracle,
    }
    for name, reward in rewards.items():
        rows.append((f"{name}: correlation", interval(cases, correlated(reward), seed)))
        rows.append((f"{name}: within groups", interval(cases, within(reward), seed)))
    lines = ["| measure | value (95 % interval over problems) |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)])


@asynccontextmanager
async def provider(*, served: bool) -> AsyncGenerator[Provider]:
    """The model in the box, in this process or behind an OpenAI-compatible server."""
    local = LocalProvider()
    if not served:
        yield local
        return
    able = Capabilities(seed=True, prompts=local.capabilities.prompts)
    async with (
        LoopbackServer(local) as server,
        OpenAIProvider(
            server.model, base_url=server.url, api_key=server.key, capabilities=able
        ) as hosted,
    ):
        yield hosted


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="heldout")
    parser.add_argument("--evidence", choices=["checked", "off"], default="checked")
    parser.add_argument("--served", action="store_true", help="Ask the model over HTTP.")
    chosen = parser.parse_args()
    judging = Judging(evidence=chosen.evidence)
    asked = problems(chosen.split, chosen.n, chosen.seed)
    client = catsdk.Client(limits=Limits(in_flight=256, adaptive=False))
    async with provider(served=chosen.served) as model, context_of(client) as ctx:
        found = await fan_out(lambda p: case_of(model, p, chosen.seed, judging, ctx), asked)
    lost = Counter(each for each in found if isinstance(each, str))
    cases = [each for each in found if isinstance(each, Case)]
    print(table(cases, lost, chosen.seed) if cases else f"no rubric: {dict(lost)}")


if __name__ == "__main__":
    anyio.run(main)
