"""Diverse: a reward times how much a rollout differs from the rest of its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count
from catsdk.core.types import Failure, Group, Reference, Rollout, Score
from catsdk.rewards.reward import Around, Reward, check_reward, listed_once
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context

__all__ = ["Diverse"]

Difference = bool | Failure


@dataclass(frozen=True)
class Diverse(Around):
    r"""r_i * max(`least`, Div(o_i)): what is right counts more where the others say otherwise.

    Div(o_i) is the share of the other rollouts of the group that say something else, in 0..1.
    Source: Darling, Li et al., arXiv 2509.02534; checked in the authors' code
    (facebookresearch/darling, `partition_reward_vllm_serve.py`): what is not of o_i's cluster over
    G - 1, at least 0.1. They train a classifier for "says the same"; here it is equal final answers
    (a rollout without one differs from all others), or a reward that compares a rollout with a
    reference, asked once a pair. Of such a reward each pair's own verdict counts, not the clusters
    that pairs make.

    By answers, all right rollouts of an `AnswerReward` share one factor, which GRPO's scaling
    within a group removes again: there give `same`, or wrap a reward of degrees.

    A negative reward would grow by repeating others, so it has no product: add penalties outside,
    `Diverse(a) + LengthPenalty(750)`.

    Args:
        inner: The reward, 0 or more.
        same: Says by 1 or 0 whether a rollout says the same as another, such as
            `EquivalenceReward()`; `None` goes by final answers.
        others: With `same`, how many others a rollout is compared with at most, its neighbours in
            the order of the group: about G * `others` / 2 comparisons.
        least: The smallest factor, so that what is right never earns nothing.

    Raises:
        InvalidInputError: `inner` or `same` is not a reward, `others` is not a count from 2, or
            `least` is not in 0..1.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, Diverse
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> [round(score.value, 2) for score in await Diverse(ClusterShare()).reward(group)]
        [0.33, 0.33, 0.33]
    """

    same: Reward | None = None
    others: int = 7
    least: float = 0.1

    def __post_init__(self) -> None:
        """Check the parts."""
        super().__post_init__()
        if self.same is not None:
            check_reward("same", self.same)
        if check_count(self.others, "others") < 2:
            raise InvalidInputError("others is 1; a rollout has two neighbours: give 2 or more")
        if not 0 <= self.least <= 1:
            raise InvalidInputError(f"least is {self.least}; give a factor from 0 to 1")
        if self.same is None:
            object.__setattr__(self, "by_answer", True)

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Reward the group, and multiply."""
        scores = {score.index: score for score in await self.inner.reward(group, reference, ctx)}
        with recorded("diversity") as calls:
            told = await self._differences(group, ctx)
        made = [
            self._product(scores[rollout.index], told[at])
            for at, rollout in enumerate(group.rollouts)
        ]
        # A call about a pair belongs to no single rollout, so it is listed only once.
        return listed_once(calls, made)

    async def _differences(self, group: Group, ctx: Context) -> list[list[Difference]]:
        """Whether each rollout differs from its neighbours, or why that is unknown."""
        if self.same is None:
            votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
            class_of = {at: members for members in votes.classes for at in members}
            places = range(len(group.rollouts))
            return [
                [other not in class_of.get(at, ()) for other in places if other != at]
                for at in places
            ]
        pairs = _pairs(len(group.rollouts), self.others)
        same = self.same

        async def differs(pair: tuple[int, int]) -> Difference:
            one, other = (group.rollouts[at] for at in pair)
            return await _differs(same, one, other, group, ctx)

        told: list[list[Difference]] = [[] for _ in group.rollouts]
        for pair, verdict in zip(pairs, await fan_out(differs, pairs), strict=True):
            for at in pair:
                told[at].append(verdict)
        return told

    def _product(self, score: Score, told: Sequence[Difference]) -> Score:
        if score.value is None:
            return score
        if score.value < 0:
            why = f"the reward {score.value:g} is negative; add penalties outside of Diverse(...)"
            return _without(score, Failure(kind="NegativeReward", message=why))
        if cause := next((each for each in told if isinstance(each, Failure)), None):
            return _without(score, cause)
        share = sum(each is True for each in told) / len(told) if told else 1.0
        factor = max(self.least, share)
        reason = f"{share:.2f} of the others say something else: times {factor:g}"
        update = {"value": score.value * factor, "reasons": (*score.reasons, reason)}
        return score.model_copy(update=update)


def _pairs(total: int, others: int) -> list[tuple[int, int]]:
    """Each pair of neighbours in a ring of `total` places, at most `others` for a place."""
    pairs: list[tuple[int, int]] = []
    for step in range(1, total // 2 + 1):
        # At half of an even ring both sides meet at one place; otherwise there is one on each side.
        opposite = 2 * step == total
        if 2 * step - opposite > others:
            break
        pairs += [(at, (at + step) % total) for at in range(step if opposite else total)]
    return pairs


async def _differs(
    same: Reward, one: Rollout, other: Rollout, group: Group, ctx: Context
) -> Difference:
    alone = group.model_copy(update={"rollouts": (other,), "failures": {}})
    (verdict,) = await same.reward(alone, ctx.on(alone).reference(one), ctx.on(alone).quiet())
    if verdict.value is None:
        return verdict.failure or Failure(kind="NoEvidence", message="no verdict on a pair")
    if not 0 <= verdict.value <= 1:
        raise InvalidInputError(
            f"same gave {verdict.value:g} for a pair; give a reward of 1 if two rollouts say the"
            " same and 0 where not, such as EquivalenceReward()"
        )
    return verdict.value < 0.5


def _without(score: Score, failure: Failure) -> Score:
    reasons = (*score.reasons, f"there is no diversity factor: {failure}")
    return score.model_copy(update={"value": None, "reasons": reasons, "failure": failure})
