"""Majority: the most frequent answer, with its ties and abstentions reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import JsonValue

from catsdk.answers.votes import Votes
from catsdk.core.choices import check_choice
from catsdk.core.errors import NoEvidenceError
from catsdk.core.types import Group, Reference
from catsdk.estimators.draws import drawn_class
from catsdk.estimators.selected import candidates, selected, without_label
from catsdk.runtime.context import Context, standing_alone

__all__ = ["Majority"]

Tie = Literal["random", "first", "abstain"]


@dataclass(frozen=True)
class Majority:
    r"""Estimates the reference by self-consistency: argmax_a sum_i 1[a_i = a].

    Source: Wang et al., arXiv 2203.11171, section 2 (the unweighted sum); with rollouts of one
    policy it is the label of TTRL, arXiv 2504.16084, and with rollouts of several an ensemble.
    Equal answers are one class; rollouts without an answer abstain. The provenance tells `votes`
    (answer and count, largest first), `abstained` and `tied`. Without any answer the reference is
    the first rollout and has no answer. No call is made.

    Args:
        tie: What a tie for the first place does, which the paper leaves open: `random` settles it
            at random under `seed`, the prompt and the rollouts, so that no model of an ensemble is
            favoured; `first` takes the answer that came first; `abstain` gives none.
        seed: Chooses among tied answers.

    Raises:
        InvalidInputError: `tie` is not one of the three.

    Example:
        >>> import catsdk as cat
        >>> group = cat.group_of("6*7?", [r"\boxed{42}", r"\boxed{42}", r"\boxed{41}"])
        >>> reference = await cat.Majority().estimate(group)
        >>> reference.answer, reference.provenance.settings["votes"]
        ('42', [['42', 2], ['41', 1]])
    """

    tie: Tie = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the word."""
        check_choice("tie", self.tie, get_args(Tie))

    async def estimate(self, group: Group, ctx: Context | None = None) -> Reference:
        """Take the first rollout that gives the most frequent answer.

        Raises:
            StructuredOutputError: no rollout fits the output that was asked for.
            NoEvidenceError: the group has no rollout, or there is a tie, `tie` is `abstain` and an
                output was asked for.
        """
        async with standing_alone(ctx, group) as context:
            group = candidates(group, context)
            votes = await context.answers.votes([rollout.answer for rollout in group.rollouts])
            leader = self._leader(group, votes)
            reference = await selected(
                context, group.rollouts[leader], method="majority", settings=_told(votes)
            )
            if votes.tied and self.tie == "abstain":
                if context.output is not None:
                    raise NoEvidenceError("a tie: the majority abstains, and gives no output")
                return without_label(reference, "its answers are tied for the first place")
            return reference

    def _leader(self, group: Group, votes: Votes) -> int:
        """The position of the rollout that becomes the reference."""
        if not votes.classes:
            return 0
        if self.tie == "random":
            return drawn_class(self.seed, group, votes.leaders)[0]
        return votes.classes[0][0]


def _told(votes: Votes) -> dict[str, JsonValue]:
    counts: list[JsonValue] = [
        [votes.answers[members[0]], len(members)] for members in votes.classes
    ]
    return {"votes": counts, "abstained": len(votes.abstained), "tied": votes.tied}
