"""RecursiveSelfAggregation: repeatedly aggregates subsets of a population of answers."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from pydantic import JsonValue

from catsdk.answers.answers import no_evidence
from catsdk.core.inputs import check_count
from catsdk.core.types import Group, Reference
from catsdk.estimators.population import made_from, next_population
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.runtime.roles import Estimator, reference_by

__all__ = ["RecursiveSelfAggregation"]


@dataclass(frozen=True)
class RecursiveSelfAggregation:
    r"""Estimates the reference by T - 1 rounds of aggregation over a population of N answers.

    Source: Venkatraman et al., arXiv 2509.26626, section 3: the group's rollouts are P_1 (N of
    them); in round t each member i of P_{t+1} is `step`(S_i) for a subset S_i of K members of P_t,
    drawn uniformly without replacement. A member that fails is left out (`failed` counts them). N
    (T - 1) calls, where `step` makes one, and those of `final`.

    Args:
        step: Makes one new answer of a subset, such as `GenerativeSelfAggregation()`.
        final: Chooses from P_T (the paper: at random, or the majority).
        subset: K; where it is more than there are, all are shown.
        rounds: T; 1 is `final` alone.
        seed: Draws the subsets, together with the prompt.

    Raises:
        InvalidInputError: `subset` or `rounds` is not a count from 1.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import GenerativeSelfAggregation, RecursiveSelfAggregation
        >>> from catsdk.testing import FunctionProvider
        >>> step = GenerativeSelfAggregation(FunctionProvider(lambda request: r"\boxed{42}"))
        >>> recursive = RecursiveSelfAggregation(step, cat.Majority(), subset=2, rounds=3)
        >>> reference = await recursive.estimate(cat.group_of("6*7?", ["42", "41", "40"]))
        >>> reference.answer, len(reference.calls)
        ('42', 6)
    """

    step: Estimator
    final: Estimator
    subset: int = 4
    rounds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse sizes that are not counts."""
        check_count(self.subset, "subset")
        check_count(self.rounds, "rounds")

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Go through the rounds.

        Raises:
            NoEvidenceError: the group has no rollout, or every member of a round failed.
            CatError: what `final` raises.
        """
        async with standing_alone(ctx, group) as context:
            if not group.rollouts:
                raise no_evidence(group)
            random = Random(sha256(f"{self.seed}\0{group.prompt!r}".encode()).digest())
            current, failed = group, 0
            with recorded("recursive") as calls:
                for _ in range(self.rounds - 1):
                    subsets = [self._subset(current, random) for _ in group.rollouts]
                    current = await next_population(
                        group, context, [(self.step, each) for each in subsets]
                    )
                    failed += len(current.failures)
                last = await reference_by(self.final, current, context.on(current))
            settings: dict[str, JsonValue] = {
                "population": len(group.rollouts),
                "subset": self.subset,
                "rounds": self.rounds,
                "failed": failed,
            }
            return await made_from(
                last,
                group,
                context,
                method="recursive self-aggregation",
                settings=settings,
                calls=calls,
            )

    def _subset(self, group: Group, random: Random) -> Group:
        size = min(self.subset, len(group.rollouts))
        chosen = tuple(random.sample(group.rollouts, size))
        return group.model_copy(update={"rollouts": chosen})
