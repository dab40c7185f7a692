"""Group a group's answers by meaning, each with its rollouts and what it agrees with."""

from __future__ import annotations

from typing import Any

from catsdk.answers import equivalence_classes
from catsdk.view.entry import Entry, Made
from catsdk.view.outline import votes_by_meaning

__all__ = ["clusters_of"]


def clusters_of(entry: Entry, made: Made | None) -> dict[str, Any]:
    """Put the rollouts of an entry into clusters of equal answers, the largest first.

    Args:
        entry: The entry to show.
        made: The reference shown with it; only the rollouts that it was made from are counted.

    Returns:
        `clusters`, each with its answer, its rollouts, whether it is right by the run's grades, and
        whether it is the reference's answer; `unanswered`, the rollouts without an answer;
        `failed`, the missing rollouts with the cause; `majority` and `agreement`.
    """
    rollouts = entry.group.rollouts if entry.group else ()
    if made is not None and made.size:
        rollouts = rollouts[: made.size]
    votes = votes_by_meaning([rollout.answer for rollout in rollouts])
    answer = made.reference.answer if made is not None and made.reference is not None else None
    clusters: list[dict[str, Any]] = []
    for members in votes.classes:
        first = votes.answers[members[0]] or ""
        indices = [rollouts[at].index for at in members]
        grades = {entry.grades.get(index) for index in indices}
        grade = grades.pop() if len(grades) == 1 else None
        clusters.append(
            {
                "answer": first,
                "rollouts": indices,
                "right": None if grade is None else grade >= 1,
                "is_reference": None if answer is None else _equal(first, answer),
                "is_majority": votes.majority == first,
            }
        )
    return {
        "clusters": clusters,
        "unanswered": [rollouts[at].index for at in votes.abstained],
        "failed": {
            str(index): str(failure)
            for index, failure in (entry.group.failures if entry.group else {}).items()
        },
        "majority": votes.majority,
        "agreement": votes.share,
        "tied": votes.tied,
        "cast": votes.cast,
        "top": votes.top,
    }


def _equal(one: str, other: str) -> bool:
    return len(equivalence_classes([one, other]).representatives) == 1
