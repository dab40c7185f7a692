"""What the answers of a group say about a reference: agreement, majority, and whether it departs."""

from __future__ import annotations

from catsdk.core.errors import NoEvidenceError
from catsdk.core.types import Group, Reference
from catsdk.equivalence.compare import is_same
from catsdk.equivalence.votes import count_votes

__all__ = ["no_evidence", "with_evidence"]


def with_evidence(reference: Reference) -> Reference:
    """Add how far the group agrees, and whether the reference departs from its majority."""
    votes = count_votes([rollout.answer for rollout in reference.group.rollouts])
    same = None
    if votes.majority is not None and reference.answer is not None:
        same = is_same(reference.answer, votes.majority)
    return reference.model_copy(
        update={
            "agreement": votes.share,
            "majority": votes.majority,
            "disagrees": None if same is None else not same,
        }
    )


def no_evidence(group: Group) -> NoEvidenceError:
    """Make the error of a group without a rollout, with the causes."""
    causes = sorted({str(failure) for failure in group.failures.values()})
    return NoEvidenceError(
        f"all {len(group.failures)} rollouts failed, so there is nothing to estimate a reference"
        f" from: {'; '.join(causes[:3]) or 'the group is empty'}"
    )
