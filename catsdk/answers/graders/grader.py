"""The protocol of a grader, and the grading of a whole group of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from catsdk.answers.verdict import Verdict
from catsdk.core.fanout import fan_out

__all__ = ["Grader", "grade_all"]


@runtime_checkable
class Grader(Protocol):
    """Says whether an answer is the same as the reference, for one kind of task."""

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare; what goes wrong is an unknown verdict with its cause, not an exception."""
        ...


async def grade_all(answers: Sequence[str], reference: str, grader: Grader) -> list[Verdict]:
    """Grade the answers of a group at once, each distinct one a single time, in their order."""
    distinct = list(dict.fromkeys(answers))
    verdicts = await fan_out(lambda answer: grader.grade(answer, reference), distinct)
    by_answer = dict(zip(distinct, verdicts, strict=True))
    return [by_answer[answer] for answer in answers]
