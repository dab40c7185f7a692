"""Adaptive: stops sampling when the leading answer is unlikely to be overtaken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count
from catsdk.core.ports import Estimator, Sampler
from catsdk.core.types import Group, Message, Reference
from catsdk.equivalence.votes import Votes, count_votes
from catsdk.middleware.record import recorded

__all__ = ["Adaptive", "AdaptiveSampler", "leads"]


def leads(first: int, second: int) -> float:
    """P(p_1 > p_2 | v_1, v_2): the chance that the leader is really the more frequent answer.

    With a uniform prior over the shares of the two leading answers it is 1 - I_1/2(v_1 + 1,
    v_2 + 1), the Beta criterion of Aggarwal et al., arXiv 2305.11860, section 3.2; for whole
    numbers that is the binomial tail sum_{j > v_2} C(v_1 + v_2 + 1, j) / 2^(v_1 + v_2 + 1).
    """
    trials = first + second + 1
    return sum(comb(trials, j) for j in range(second + 1, trials + 1)) / (1 << trials)


def settled(votes: Votes, left: int, confidence: float) -> bool:
    """Whether the rest of the rollouts, `left` of them, need not be drawn."""
    if votes.top - votes.second > left:
        return True
    return votes.top > votes.second and leads(votes.top, votes.second) >= confidence


@dataclass(frozen=True)
class Adaptive:
    """Gives `estimator` only the rollouts that adaptive sampling would have drawn.

    Source: adaptive-consistency, Aggarwal et al., arXiv 2305.11860, section 3.2. Rollouts count
    in their order; drawing ends when P(p_1 > p_2 | v_1, v_2) of `leads` reaches `confidence`, or
    when the leader can no longer be overtaken, which is the only rule at confidence 1. The
    reference's group holds the rollouts that were used, so that its cost is theirs. To draw no
    more than needed in the first place, use `AdaptiveSampler` with the same confidence.
    """

    estimator: Estimator
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a confidence that would stop at a tie."""
        _check_confidence(self.confidence)

    async def estimate(self, group: Group) -> Reference:
        """Estimate from the first rollouts; raises what `estimator` raises."""
        used = await self._prefix(group)
        reference = await self.estimator.estimate(used)
        settings = {**reference.provenance.settings, "drawn": len(used.rollouts)}
        provenance = reference.provenance.model_copy(
            update={"settings": settings | {"confidence": self.confidence}}
        )
        return reference.model_copy(update={"provenance": provenance})

    async def _prefix(self, group: Group) -> Group:
        total = len(group.rollouts)
        for size in range(1, total):
            rollouts = group.rollouts[:size]
            votes = count_votes([rollout.answer for rollout in rollouts])
            if settled(votes, total - size, self.confidence):
                return group.model_copy(update={"rollouts": rollouts})
        return group


@dataclass(frozen=True)
class AdaptiveSampler:
    """Draws rollouts until the leading answer is settled, `batch` at a time, at most n.

    The rule is that of `Adaptive`. A larger batch waits less and draws a few rollouts too many.
    """

    sampler: Sampler
    confidence: float = 0.95
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuse a confidence that would stop at a tie, and an empty batch."""
        _check_confidence(self.confidence)
        check_count(self.batch, "batch")

    async def sample(self, prompt: str | Sequence[Message], n: int = 8, *, start: int = 0) -> Group:
        """Draw at most `n` rollouts from index `start`; those that fail are in `Group.failures`.

        Raises:
            InvalidInputError: the prompt is empty or no chat, or `n` is out of range.
        """
        check_count(n)
        group: Group | None = None
        with recorded("sample") as calls:
            for done in range(0, n, self.batch):
                size = min(self.batch, n - done)
                more = await self.sampler.sample(prompt, size, start=start + done)
                group = more if group is None else _joined(group, more)
                votes = count_votes([rollout.answer for rollout in group.rollouts])
                if group.partial or settled(votes, n - done - size, self.confidence):
                    break
        assert group is not None
        return group.model_copy(update={"calls": tuple(calls)})


def _joined(group: Group, more: Group) -> Group:
    return group.model_copy(
        update={
            "rollouts": (*group.rollouts, *more.rollouts),
            "failures": {**group.failures, **more.failures},
            "partial": group.partial or more.partial,
        }
    )


def _check_confidence(confidence: float) -> None:
    if not 0.5 < confidence <= 1:
        raise InvalidInputError(
            f"confidence is {confidence}; give a probability over 0.5 and at most 1"
        )
