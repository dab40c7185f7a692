"""One sampled group: its rewards, its answers and, if known, the right answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import fmean, pstdev
from typing import Final

from catsdk.answers.votes import Votes
from catsdk.core.errors import BudgetExceededError
from catsdk.scored import Scored
from catsdk_trainers.data.first_answers import is_sure

__all__ = ["Opinion", "Seen"]

_UNPAID: Final = {"Partial", BudgetExceededError.__name__}


@dataclass(frozen=True, slots=True)
class Opinion:
    """A second view's answer where the majority is confident.

    Args:
        answer: The answer.
        contradicts: Whether it differs from the majority; `None` if that was not decided.
        because: Why there is no opinion.
    """

    answer: str | None = None
    contradicts: bool | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One group, as it would be rewarded in training.

    Args:
        scored: The rollouts with their rewards.
        votes: Their answers, with equal ones merged.
        right: Whether each rollout is right, in the order of the scores; `None` for one that could
            not be compared, and instead of the sequence if there is no known answer.
        teacher: Whether the reference is right, if there are a known answer and a reference.
        majority: Whether the most frequent answer is right.
        matching: The share of rollouts with the reference's answer.
        opinion: The second view of a confident majority; `None` if it was not asked.
    """

    scored: Scored
    votes: Votes
    right: tuple[float | None, ...] | None = None
    teacher: float | None = None
    majority: float | None = None
    matching: float | None = None
    opinion: Opinion | None = None

    @property
    def rewards(self) -> Sequence[float | None]:
        """The reward of each rollout."""
        return self.scored.result.rewards

    @property
    def asked(self) -> int:
        """G, including failed rollouts."""
        return len(self.scored.group.rollouts) + len(self.scored.group.failures)

    @property
    def unpaid(self) -> bool:
        """Whether the budget kept it from its rewards, which says nothing about the training."""
        cause = self.scored.result.failure
        return cause is not None and cause.kind in _UNPAID and self.scored.failed

    @property
    def usable(self) -> float | None:
        """1 if rewards differ, so that there is something to learn."""
        if self.unpaid:
            return None
        return float(len({reward for reward in self.rewards if reward is not None}) > 1)

    @property
    def no_reward(self) -> float | None:
        """1 if no rollout has a reward although rewards were wanted."""
        return None if self.unpaid else float(self.scored.failed)

    @property
    def zero_variance(self) -> float | None:
        """1 if all rewards are the same; `None` without rewards."""
        known = {reward for reward in self.rewards if reward is not None}
        return float(len(known) == 1) if known else None

    @property
    def no_answer(self) -> float | None:
        """The share of the rollouts that give no final answer; `None` without rollouts."""
        return len(self.votes.abstained) / len(self.votes.answers) if self.votes.answers else None

    @property
    def agreement(self) -> float | None:
        """The share of the rollouts that give the most frequent answer; `None` without answers."""
        return self.votes.share

    @property
    def not_the_reference(self) -> float | None:
        """The share of the rollouts whose answer differs from the reference's."""
        return None if self.matching is None else 1 - self.matching

    @property
    def answer_entropy(self) -> float | None:
        """The entropy of the answers, in nats; `None` without answers."""
        shares = [len(members) / self.votes.cast for members in self.votes.classes]
        return -sum(share * log(share) for share in shares) if shares else None

    @property
    def token_entropy(self) -> float | None:
        """Mean negative log-probability of a sampled token, in nats, an estimate of its entropy."""
        tokens = [
            token.logprob
            for rollout in self.scored.group.rollouts
            for token in rollout.completion.logprobs or ()
        ]
        return -fmean(tokens) if tokens else None

    @property
    def tokens(self) -> float | None:
        """The mean length of a rollout, in tokens; `None` if it was not reported."""
        rollouts = self.scored.group.rollouts
        total = sum(rollout.completion.usage.output_tokens for rollout in rollouts)
        return total / len(rollouts) if rollouts and total else None

    @property
    def confident(self) -> bool:
        """Whether most of the group give the same answer."""
        return is_sure(self.votes, self.asked)

    @property
    def policy(self) -> float | None:
        """The share of right rollouts among those that could be compared."""
        known = [right for right in self.right or () if right is not None]
        return fmean(known) if known else None

    @property
    def aim(self) -> float | None:
        """The mean of advantage times correctness, positive if the rewards favour right rollouts.

        Advantages are those of GRPO, scaled within the group. The largest value is `best_aim`.
        """
        if self.policy is None or self.right is None or self.unpaid:
            return None
        known = [reward for reward in self.rewards if reward is not None]
        spread = pstdev(known) if known else 0.0
        if not spread:
            return 0.0
        mean = fmean(known)
        pairs = zip(self.rewards, self.right, strict=True)
        favoured = [
            0.0 if reward is None or right is None else (reward - mean) / spread * right
            for reward, right in pairs
        ]
        return fmean(favoured)

    @property
    def best_aim(self) -> float | None:
        """The aim that known answers as rewards would have on these rollouts."""
        return None if self.policy is None else sqrt(self.policy * (1 - self.policy))

    @property
    def lead(self) -> float | None:
        """How much more often the teacher is right than a rollout."""
        known = self.teacher is not None and self.policy is not None
        return self.teacher - self.policy if known else None  # type: ignore[operator]

    @property
    def over_majority(self) -> float | None:
        """How much more often the teacher is right than the majority."""
        known = self.teacher is not None and self.majority is not None
        return self.teacher - self.majority if known else None  # type: ignore[operator]
