"""Judged: a rubric with the rollouts judged by it, to be saved to a file or shown in a report."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from catsdk.core.display.counting import counted
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Criterion, Group, Rubric, Score, Usage, Verdict
from catsdk.core.value import Value

__all__ = ["Judged", "call_of", "explained", "verdict_of", "word_of"]


class Judged(Value):
    """A group that was judged by a rubric; it round-trips through JSON.

    Args:
        rubric: The criteria.
        group: The rollouts.
        scores: One score for each rollout, with its verdicts.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rubrics import Judged, loads
        >>> rubric = loads("criteria: [Names the rain.]")
        >>> group = cat.group_of("Why?", ["It rains."])
        >>> Judged(rubric=rubric, group=group, scores=()).usage.requests
        0
    """

    rubric: Rubric
    group: Group
    scores: tuple[Score, ...]

    @property
    def usage(self) -> Usage:
        """What the scores consumed."""
        return Usage.total(score.usage for score in self.scores)

    @classmethod
    def load(cls, path: str | Path) -> Judged:
        """Read a file that `save` wrote.

        Args:
            path: The file.

        Returns:
            What was judged.

        Raises:
            InvalidInputError: it cannot be read, or is not such a file.
        """
        try:
            return cls.model_validate_json(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            told = str(error).split("\n")[0]
            raise InvalidInputError(f"{path} holds no judged group: {told}") from error

    def save(self, path: str | Path) -> None:
        """Write it as JSON.

        Args:
            path: The file; one that is there is replaced.
        """
        Path(path).write_text(self.model_dump_json(indent=1), encoding="utf-8")


def verdict_of(score: Score, criterion: Criterion) -> Verdict | None:
    """The verdict of `score` on `criterion`, if one was asked for."""
    return next((v for v in score.verdicts if v.criterion_id == criterion.id), None)


def word_of(verdict: Verdict | None) -> str:
    """A verdict in one word: yes, no, a share in percent, or `?` where there is none."""
    if verdict is None or verdict.degree is None:
        return "?"
    if verdict.degree in {0.0, 1.0}:
        return "yes" if verdict.degree else "no"
    return f"{verdict.degree:.0%}"


def explained(verdict: Verdict | None) -> list[str]:
    """Evidence, reason or cause, judge, call and cost of a verdict, a line each."""
    if verdict is None:
        return ["not judged"]
    lines = [f'"{verdict.evidence}"'] if verdict.evidence else []
    lines += [verdict.reason] if verdict.reason else []
    lines += [str(verdict.failure)] if verdict.failure else []
    lines += [f"{v.judge}: {word_of(v)}" for v in verdict.votes]
    return [*lines, call_of(verdict)]


def call_of(verdict: Verdict) -> str:
    """Who judged, in which call, at which price."""
    calls = verdict.usage.requests
    paid = "paid for elsewhere" if verdict.shared else counted(calls, "call")
    cost = verdict.usage.cost
    price = "cost unknown" if cost is None else f"${cost:.4f}"
    request = f", {verdict.request_id}" if verdict.request_id else ""
    return f"{verdict.judge or 'no judge'}{request}, {paid}, {price}"
