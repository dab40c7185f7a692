"""The protocol of a grader, and the grading of a whole group of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from catsdk.answers.verdict import Verdict
from catsdk.core.concurrency.fanout import fan_out

__all__ = ["Grader", "grade_all"]


@runtime_checkable
class Grader(Protocol):
    r"""Says whether an answer is the same as the reference, for one kind of task.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.answers import Verdict
        >>> class SameLength:
        ...     async def grade(self, answer, reference):
        ...         return Verdict("equal" if len(answer) == len(reference) else "different")
        >>> c = cat.CaT(reward=cat.Gold(), answers=cat.Answers(grader=SameLength()))
        >>> group = cat.group_of("6*7?", [r"\boxed{41}", r"\boxed{9}"])
        >>> (await c.run(group, row={"answer": "42"})).rewards
        (1.0, 0.0)
    """

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare two answers.

        Args:
            answer: The answer.
            reference: What it is compared with.

        Returns:
            The verdict. What goes wrong is an unknown verdict with its cause, not an exception.
        """
        ...


async def grade_all(answers: Sequence[str], reference: str, grader: Grader) -> list[Verdict]:
    """Grade the answers of a group at once, each distinct one a single time.

    Args:
        answers: The answers.
        reference: What they are compared with.
        grader: Compares.

    Returns:
        One verdict for each answer, in their order.

    Example:
        >>> from catsdk.answers import MathGrader, grade_all
        >>> verdicts = await grade_all(["42", "42.0", "41"], "42", MathGrader())
        >>> [verdict.equal for verdict in verdicts]
        [True, True, False]
    """
    distinct = list(dict.fromkeys(answers))
    verdicts = await fan_out(lambda answer: grader.grade(answer, reference), distinct)
    by_answer = dict(zip(distinct, verdicts, strict=True))
    return [by_answer[answer] for answer in answers]
