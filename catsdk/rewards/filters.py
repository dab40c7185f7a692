"""Filters: leave out groups that teach nothing, which is not a failure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, inf, isclose, log
from statistics import pstdev

from catsdk.answers.votes import Votes
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Failure, Group, Reference, Score
from catsdk.rewards.reward import LEFT_OUT, Around, unscored
from catsdk.runtime.context import Context

__all__ = ["EntropyBand", "SkipAgreed", "SkipFlat"]


@dataclass(frozen=True)
class _ByVotes(Around, ABC):
    """Checks the answers first, so that a group that is left out costs nothing more."""

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Leave the group out, or return the inner reward's scores."""
        votes = await ctx.answers.votes([rollout.answer for rollout in group.rollouts])
        if why := self._against(votes):
            return unscored(group, Failure(kind=LEFT_OUT, message=why))
        return await self.inner.reward(group, reference, ctx)

    @abstractmethod
    def _against(self, votes: Votes) -> str | None:
        """Why a group with these votes is left out; `None` if it is not."""


@dataclass(frozen=True)
class SkipAgreed(_ByVotes):
    r"""Leaves out groups that agree too much: they get no reward, which is not a failure.

    A self-consistent reward tells such a group only to stay as it is (arXiv 2505.21444).

    Args:
        inner: The reward of the other groups.
        above: Largest share of the answers that may be one, in 0..1.

    Raises:
        InvalidInputError: `inner` is not a reward, or `above` is not a share.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, SkipAgreed
        >>> agreed = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}"])
        >>> scores = await SkipAgreed(ClusterShare(), above=0.9).reward(agreed)
        >>> scores[0].value is None, scores[0].failure.kind
        (True, 'LeftOut')
    """

    above: float = 0.95

    def __post_init__(self) -> None:
        """Check the reward and the share."""
        super().__post_init__()
        if not 0 <= self.above <= 1:
            raise InvalidInputError(f"above is {self.above}; give a share from 0 to 1")

    def _against(self, votes: Votes) -> str | None:
        if votes.share is None or votes.share <= self.above:
            return None
        return f"agreement {votes.share:.2f} is over {self.above:g}"


@dataclass(frozen=True)
class EntropyBand(_ByVotes):
    r"""Leaves out groups whose answers are too certain, or too scattered, to learn from.

    H = -sum_c p(c) ln p(c), in nats, over the classes of equal answers, where p(c) is the share of
    the rollouts that are there and each rollout without an answer is a class of its own. The group
    is rewarded where `above` < H < `below`. Around `ClusterShare()` this is EMPO, Zhang et al.,
    arXiv 2504.05812. The upper bound was checked in the authors' code (QingyangZhang/EMPO,
    `open_r1/rewards.py`), which gives such groups reward 0 where this one leaves them out; the
    lower bound stands in the paper, whose numbers were not at hand.

    Args:
        inner: The reward of the other groups.
        above: The entropy that must be exceeded; at 0 only a group of one answer is left out.
        below: The entropy that must not be reached; by default ln G, that of G rollouts of which no
            two agree, as in the authors' code.

    Raises:
        InvalidInputError: `inner` is not a reward, or the bounds are not a band.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, EntropyBand
        >>> empo = EntropyBand(ClusterShare())
        >>> texts = [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}", r"\boxed{40}"]
        >>> [score.value for score in await empo.reward(cat.group_of("6*7?", texts))]
        [0.5, 0.5, 0.25, 0.25]
        >>> scattered = cat.group_of("6*7?", [r"\boxed{40}", r"\boxed{41}"])
        >>> (await empo.reward(scattered))[0].failure.kind
        'LeftOut'
    """

    above: float = 0.0
    below: float | None = None

    def __post_init__(self) -> None:
        """Check the reward and the bounds."""
        super().__post_init__()
        most = inf if self.below is None else self.below
        if not 0 <= self.above < most:
            raise InvalidInputError(
                f"above is {self.above} and below {self.below}; give two entropies in nats, the"
                " lower one 0 or more, such as above=0.1, below=1.5"
            )

    def _against(self, votes: Votes) -> str | None:
        entropy = _entropy(votes)
        most = log(len(votes.answers)) if self.below is None else self.below
        told = f"the entropy of its answers is {entropy:.3f} nats"
        # Sums of logarithms have rounding errors, so the bounds need a tolerance.
        if entropy <= self.above or isclose(entropy, self.above, abs_tol=1e-12):
            return f"{told}, not over {self.above:.3g}"
        if entropy >= most or isclose(entropy, most):
            return f"{told}, not under {most:.3g}"
        return None


def _entropy(votes: Votes) -> float:
    total = len(votes.answers)
    sizes = [len(members) for members in votes.classes] + [1] * len(votes.abstained)
    return fsum(size / total * log(total / size) for size in sizes)


@dataclass(frozen=True)
class SkipFlat(Around):
    r"""Leaves out groups whose rewards are all the same: they have no advantages to learn from.

    With `least` also those that hardly differ: the standard deviation filter of RLPR, Yu et al.,
    arXiv 2506.18254. Its authors' code (OpenBMB/RLPR) moves that bound along: beta (0.5 in their
    script for Qwen) times an exponential average of the groups' standard deviations, by decay 0.99.
    A reward here has no memory, so the bound is a number.

    Args:
        inner: The reward.
        least: The least standard deviation, over the rollouts with a reward, that a group may have;
            at 0 only groups of equal rewards are left out.

    Raises:
        InvalidInputError: `inner` is not a reward, or `least` is negative or not finite.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ClusterShare, SkipFlat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> [round(score.value, 2) for score in await SkipFlat(ClusterShare()).reward(group)]
        [0.67, 0.67, 0.33]
    """

    least: float = 0.0

    def __post_init__(self) -> None:
        """Check the reward and the bound."""
        super().__post_init__()
        if not 0 <= self.least < inf:
            raise InvalidInputError(f"least is {self.least}; give a standard deviation, 0 or more")

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Score, then look at the spread; a rollout that failed keeps its own cause."""
        scores = await self.inner.reward(group, reference, ctx)
        values = [score.value for score in scores if score.value is not None]
        spread = pstdev(values) if values else inf
        if len(set(values)) != 1 and spread >= self.least:
            return scores
        why = "all rewards of the group are the same"
        if len(set(values)) > 1:
            why = f"the standard deviation of its rewards is {spread:.3g}, under {self.least:g}"
        left_out = {"value": None, "reasons": (why,)}
        cause = {"failure": Failure(kind=LEFT_OUT, message=why)}
        return [
            score if score.value is None else score.model_copy(update=left_out | cause)
            for score in scores
        ]
