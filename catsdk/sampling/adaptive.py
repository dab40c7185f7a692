"""AdaptiveSampler: stops drawing when the leading answer is unlikely to be overtaken."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from catsdk.answers.votes import Votes
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import PromptLike, check_count
from catsdk.core.types import Group
from catsdk.runtime import roles
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context, standing_alone
from catsdk.sampling.sampler import Sampler

__all__ = ["AdaptiveSampler", "check_confidence", "leads", "settled"]


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
class AdaptiveSampler:
    r"""Draws rollouts until the leading answer is settled, at most n.

    The rule is the Beta criterion of Aggarwal et al., arXiv 2305.11860, section 3.2.

    Args:
        sampler: Draws the rollouts.
        confidence: How sure the leading answer must be, over 0.5 and at most 1; at 1 drawing ends
            only when it can no longer be overtaken.
        batch: Rollouts drawn at once. A larger batch waits less and draws a few too many.

    Raises:
        InvalidInputError: `confidence` or `batch` is out of range.

    Example:
        >>> from catsdk import Sampler
        >>> from catsdk.sampling import AdaptiveSampler
        >>> from catsdk.testing import FunctionProvider
        >>> policy = FunctionProvider(lambda request: r"\boxed{4}")
        >>> group = await AdaptiveSampler(Sampler(policy), confidence=0.95).sample("2+2?", n=64)
        >>> len(group.rollouts)
        4
    """

    sampler: roles.Sampler = Sampler()
    confidence: float = 0.95
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuse a confidence that would stop at a tie, and an empty batch."""
        check_confidence(self.confidence)
        check_count(self.batch, "batch")

    async def sample(
        self, prompt: PromptLike, n: int = 8, ctx: Context | None = None, *, start: int = 0
    ) -> Group:
        """Draw at most `n` rollouts from index `start`; those that fail are in `Group.failures`.

        Raises:
            InvalidInputError: the prompt is empty or not a chat, or `n` is out of range.
        """
        check_count(n)
        group: Group | None = None
        async with standing_alone(ctx) as context:
            with recorded("sample") as calls:
                for done in range(0, n, self.batch):
                    size = min(self.batch, n - done)
                    more = await self.sampler.sample(prompt, size, context, start=start + done)
                    group = more if group is None else _joined(group, more)
                    votes = await context.answers.votes([r.answer for r in group.rollouts])
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


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that would stop at a tie.

    Raises:
        InvalidInputError: it is not over 0.5, or over 1.
    """
    if not 0.5 < confidence <= 1:
        raise InvalidInputError(
            f"confidence is {confidence}; give a probability over 0.5 and at most 1"
        )
