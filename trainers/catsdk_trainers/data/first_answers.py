"""The answers the policy was sure of at its first evaluation, stored for resumed runs."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock

import torch.distributed as dist

from catsdk.answers.votes import Votes

__all__ = ["FEWEST", "FOLDER", "SURE", "FirstAnswers", "forget_first_answers", "is_sure"]

FOLDER = "first-answers"
"""Their folder in the output folder: one file per rank, with one question per line."""
FEWEST = 8
"""If the policy was sure of fewer questions than this, nothing is reported."""
SURE = 0.75
"""The policy is sure of an answer if at least this share of the rollouts gives it."""


def is_sure(votes: Votes, asked: int) -> bool:
    """Whether three quarters of the `asked` rollouts give the same answer."""
    return not votes.tied and votes.top >= SURE * asked


class FirstAnswers:
    """The policy's first answers to the held-out questions, where it was sure.

    No known answers are needed: a policy is mostly right where it was sure before training, so
    training that changes these answers does more harm than good.

    Args:
        folder: The output folder of the run; `None` stores nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Start empty; answers stored before a resume are read on first use."""
        self._folder = folder
        self._known: dict[str, str | None] | None = None
        self._writing = Lock()

    def of(self, question: str, votes: Votes, asked: int) -> str | None:
        """The first answer to `question`, if the policy was sure of it.

        A new question is stored with its current answer, and the result is `None` this time.

        Args:
            question: The question.
            votes: The answers of the rollouts.
            asked: How many rollouts there are, including failed ones.

        Returns:
            The answer; also `None` if the policy was sure of too few questions to report anything.
        """
        with self._writing:
            known = self._all()
            if question not in known:
                known[question] = votes.majority if is_sure(votes, asked) else None
                self._keep(question, known[question])
                return None
            sure = sum(answer is not None for answer in known.values())
            return known[question] if sure >= FEWEST else None

    def _all(self) -> dict[str, str | None]:
        if self._known is None:
            files = sorted((self._folder / FOLDER).glob("rank-*.jsonl")) if self._folder else []
            lines = [line for file in files for line in file.read_text("utf-8").split("\n")]
            self._known = dict(pair for line in lines if (pair := _pair(line)) is not None)
        return self._known

    def _keep(self, question: str, answer: str | None) -> None:
        if self._folder is None:
            return
        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        file = self._folder / FOLDER / f"rank-{rank}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([question, answer]) + "\n")

    def __reduce__(self) -> tuple[type[FirstAnswers], tuple[Path | None]]:
        return type(self), (self._folder,)


def forget_first_answers(folder: Path) -> None:
    """Delete the answers stored in `folder`, for a run that starts over."""
    for file in (folder / FOLDER).glob("rank-*.jsonl"):
        file.unlink()


def _pair(line: str) -> tuple[str, str | None] | None:
    """A question and its answer, or `None` for a line cut off by a kill."""
    try:
        question, answer = json.loads(line)
    except ValueError:
        return None
    return question, answer
