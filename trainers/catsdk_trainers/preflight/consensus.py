"""The probe for false consensus: how often a second view contradicts a confident majority."""

from __future__ import annotations

from collections.abc import Sequence

from catsdk.core.value import Value
from catsdk_trainers.data.first_answers import SURE
from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.seen import Seen

__all__ = ["Consensus", "Contradiction"]


class Contradiction(Value):
    """A prompt on which most rollouts agree, but the second view has another answer.

    Args:
        question: The prompt.
        majority: The answer of most rollouts.
        share: The share of the group that gives it, in 0..1.
        other: The answer of the second view.
        majority_right: Whether the majority is right; `None` without a known answer.

    Example:
        >>> from catsdk.train import Contradiction
        >>> Contradiction(question="7+8?", majority="16", share=0.75, other="15").majority_right
    """

    question: str
    majority: str
    share: float
    other: str
    majority_right: bool | None = None


class Consensus(Value):
    """The results of the probe for false consensus.

    A majority is confident if three quarters of the group give the same answer. The second view is
    the teacher, if it calls a model; otherwise a synthesis by the initial policy, made only for
    this.

    Args:
        second_view: What the second view is.
        prompts: The number of groups.
        confident: How many of them have a confident majority.
        contradicted: The share of the confident majorities that the second view contradicts.
        wrong: The share of the confident majorities that are wrong, by known answers.
        caught: The share of those wrong majorities that the second view contradicts.
        contradictions: The prompts on which the two differ.

    Example:
        >>> from catsdk.train import Consensus, Measure
        >>> found = Consensus(
        ...     second_view="the teacher", prompts=8, confident=2,
        ...     contradicted=Measure.of([1.0, 0.0]), wrong=Measure.missing("no known answers"),
        ...     caught=Measure.missing("no known answers"),
        ... )
        >>> found.contradicted.mean
        0.5
    """

    second_view: str
    prompts: int
    confident: int
    contradicted: Measure
    wrong: Measure
    caught: Measure
    contradictions: tuple[Contradiction, ...] = ()

    @classmethod
    def of(cls, groups: Sequence[Seen], second_view: str) -> Consensus:
        """Count over groups.

        Args:
            groups: The groups.
            second_view: What the second view is.

        Returns:
            The counts, and the prompts on which the two differ.
        """
        confident = [seen for seen in groups if seen.confident and seen.votes.majority is not None]
        wrong = [seen for seen in confident if seen.majority == 0]
        none = f"no majority is confident (at least {SURE:.0%} of the group)"
        return cls(
            second_view=second_view,
            prompts=len(groups),
            confident=len(confident),
            contradicted=Measure.of(
                map(_contradicted, confident),
                unknown=_first_cause(confident) or none,
            ),
            wrong=Measure.of(
                (None if seen.majority is None else 1 - seen.majority for seen in confident),
                unknown="no confident majority could be graded",
            ),
            caught=Measure.of(
                map(_contradicted, wrong), unknown="no confident majority is known to be wrong"
            ),
            contradictions=tuple(
                contradiction for seen in confident if (contradiction := _told(seen)) is not None
            ),
        )


def _contradicted(seen: Seen) -> float | None:
    opinion = seen.opinion
    return None if opinion is None or opinion.contradicts is None else float(opinion.contradicts)


def _first_cause(confident: Sequence[Seen]) -> str | None:
    causes = [seen.opinion.because for seen in confident if seen.opinion is not None]
    return next((cause for cause in causes if cause), None)


def _told(seen: Seen) -> Contradiction | None:
    opinion, majority = seen.opinion, seen.votes.majority
    if opinion is None or not opinion.contradicts or opinion.answer is None or majority is None:
        return None
    return Contradiction(
        question=seen.scored.group.question,
        majority=majority,
        share=seen.votes.top / seen.asked,
        other=opinion.answer,
        majority_right=None if seen.majority is None else bool(seen.majority),
    )
