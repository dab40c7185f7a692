"""Harmony: the answer that is frequent in two phrasings of the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from pydantic import JsonValue

from catsdk.core.types import Group, Reference
from catsdk.estimators.draws import drawn_class
from catsdk.estimators.selected import candidates, selected, without_label
from catsdk.estimators.views.paraphraser import Paraphraser
from catsdk.estimators.views.second import check_view, second_group
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.sampling.sampler import Sampler

__all__ = ["Harmony"]


@dataclass(frozen=True)
class Harmony:
    r"""Estimates the reference by y = argmax_a 2 f(a) f'(a) / (f(a) + f'(a)).

    f(a) is the share of the answer a among the rollouts of the question q, f'(a) among those of a
    paraphrase q': an answer that hangs on one wording loses. Source: Self-Harmony, Wang et al.,
    arXiv 2511.01191, theorem 3.2; the score was checked in the authors' README, which does not say
    over what the shares are taken. Here rollouts without an answer count in them. The paper lets
    the policy rewrite and solve in one generation, and trains on those rollouts too, with
    penalties for their form; here one call rewrites, another group solves, and only the rollouts
    of q are rewarded.

    Where the two views have no answer in common there is no label: the reference has no answer,
    and `AnswerReward(estimator=Harmony())` leaves the group out. Ties are settled at random. The
    call for the paraphrase and those for the second group are listed in the reference, whose
    provenance tells the `paraphrase` and, of each answer, both counts and the score.

    Args:
        sampler: Draws the second group; by default the policy of the run. In a training of your
            own name the model: `Sampler(PolicyAnchor("current"))`.
        paraphraser: Asks the question in other words; by default the anchor of the run.
        n: Rollouts of the second group; by default as many as the first one asked for.
        seed: Settles ties.

    Raises:
        InvalidInputError: a role lacks its method, or `n` is not a count.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.estimators import Harmony, Paraphraser
        >>> from catsdk.testing import FunctionProvider
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{41}", r"\boxed{42}"])
        >>> rewrites = FunctionProvider(lambda request: "Multiply 6 by 7.")
        >>> solves = FunctionProvider(lambda request: [r"\boxed{42}", r"\boxed{42}", r"\boxed{40}"])
        >>> harmony = Harmony(cat.Sampler(solves), Paraphraser(rewrites))
        >>> (await harmony.estimate(group)).answer
        '42'
    """

    sampler: roles.Sampler = Sampler()
    paraphraser: roles.Paraphraser = Paraphraser()
    n: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the roles."""
        check_view(self.sampler, self.paraphraser, self.n)

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Draw the second group, and take the first rollout of `group` with the best answer.

        Raises:
            NoEvidenceError: one of the groups has no rollout.
            StructuredOutputError: no rollout fits the output that was asked for.
            CatError: what the paraphraser raises.
        """
        async with standing_alone(ctx, group) as context:
            fitting = candidates(group, context)
            with recorded("second view") as calls:
                second = await second_group(
                    group, context, sampler=self.sampler, paraphraser=self.paraphraser, n=self.n
                )
            other = candidates(second.group, context)
            found = await _candidates(fitting, other, context)
            best = max((each.score for each in found), default=Fraction(0))
            leaders = [each.first for each in found if each.score == best > 0]
            chosen = drawn_class(self.seed, fitting, leaders)[0] if leaders else 0
            votes: list[JsonValue] = [each.told for each in found]
            reference = await selected(
                context,
                fitting.rollouts[chosen],
                method="harmony",
                settings={"votes": votes, "tied": len(leaders) > 1, **second.told},
                calls=calls,
            )
            partial = reference.partial or second.group.partial
            reference = reference.model_copy(update={"partial": partial})
            if leaders:
                return reference
            if any(each.first for each in found) and any(each.second for each in found):
                why = "the two phrasings of the question have no answer in common"
                return without_label(reference, why)
            return reference.model_copy(update={"answer": None, "text": "", "data": None})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One answer: its places in the first group, its count in the second, and their harmony."""

    answer: str
    first: Sequence[int]
    second: int
    score: Fraction

    @property
    def told(self) -> list[JsonValue]:
        return [self.answer, len(self.first), self.second, float(self.score)]


async def _candidates(first: Group, second: Group, ctx: Context) -> list[_Candidate]:
    total = len(first.rollouts)
    rollouts = (*first.rollouts, *second.rollouts)
    votes = await ctx.answers.votes([rollout.answer for rollout in rollouts])
    found: list[_Candidate] = []
    for members in votes.classes:
        there = [at for at in members if at < total]
        shares = (
            Fraction(len(there), total),
            Fraction(len(members) - len(there), len(second.rollouts)),
        )
        answer = votes.answers[members[0]] or ""
        found.append(_Candidate(answer, there, len(members) - len(there), _harmonic(*shares)))
    return found


def _harmonic(one: Fraction, other: Fraction) -> Fraction:
    # Fractions are exact, so that equal scores compare equal.
    return 2 * one * other / (one + other) if one and other else Fraction(0)
