"""The answers that the policy was sure of at its first evaluation, kept across resumed runs."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock

import torch.distributed as dist

from catsdk.answers.votes import Votes

__all__ = ["FEWEST", "FOLDER", "SURE", "FirstAnswers", "forget_first_answers", "is_sure"]

FOLDER = "first-answers"
"""Where the output folder keeps them: a file for each rank, one question a line."""
FEWEST = 8
"""So many questions it must have been sure of before anything is said."""
SURE = 0.75
"""The share of the rollouts with one answer from which on a policy is called sure."""


def is_sure(votes: Votes, asked: int) -> bool:
    """Whether three quarters of the `asked` rollouts give one answer."""
    return not votes.tied and votes.top >= SURE * asked


class FirstAnswers:
    """What the policy answered to each held-out question at first, where it was sure.

    No known answer is read: what a policy was sure of before training is mostly what it can do, and
    a training that makes it say something else there destroys more than it teaches.

    Args:
        folder: The output folder of the training; without one nothing is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Remember nothing yet; what earlier starts kept is read when it is first asked for."""
        self._folder = folder
        self._known: dict[str, str | None] | None = None
        self._writing = Lock()

    def of(self, question: str, votes: Votes, asked: int) -> str | None:
        """The answer to `question` that it was sure of at first, if it was.

        A question that was not seen before is remembered with what it answers now, and has nothing
        to be compared with yet.

        Args:
            question: The question.
            votes: The answers of the rollouts.
            asked: How many rollouts there are, failed ones included.

        Returns:
            The answer; `None` too where it was sure of fewer questions than say something.
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
    """Remove what earlier starts in `folder` kept, for a run that begins anew there."""
    for file in (folder / FOLDER).glob("rank-*.jsonl"):
        file.unlink()


def _pair(line: str) -> tuple[str, str | None] | None:
    """A question and its answer; a killed run's last line may be torn."""
    try:
        question, answer = json.loads(line)
    except ValueError:
        return None
    return question, answer
