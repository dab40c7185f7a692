"""Rewards that bound or control a training run: known answers, the cluster's share, chance."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from catsdk.core.types import Failure, Group, Provenance, Reference, Rollout, Score
from catsdk.equivalence.classes import equivalence_classes
from catsdk.rewards.rubric import Reward
from catsdk.equivalence.extract import gold_answer
from catsdk_trainers.scoring import GroupScore, Row, unscored

__all__ = ["ClusterShareScorer", "GoldScorer", "RandomScorer"]


@dataclass(frozen=True)
class GoldScorer:
    """1 where the final answer equals the data set's: the upper bound, which needs labels.

    It rewards as `Reward` does with the known answer as the reference: `None` where the two could
    not be compared.
    """

    column: str = "answer"

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Compare each rollout's answer with the row's."""
        gold = row.get(self.column)
        if not isinstance(gold, str):
            message = f"the row's {self.column!r} is {gold!r}; a gold reward needs a text there"
            return unscored(group, Failure(kind="NoGoldAnswer", message=message))
        known = Reference(
            text=gold, answer=gold_answer(gold), group=group, provenance=Provenance(method="gold")
        )
        return GroupScore(group, await Reward().reward(group, known))


@dataclass(frozen=True)
class ClusterShareScorer:
    """The share of the group that gives the same answer (arXiv 2504.05812): a soft majority."""

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Reward each rollout by the size of its answer's cluster; without an answer by 0."""
        answers = [rollout.answer for rollout in group.rollouts if rollout.answer is not None]
        classes = equivalence_classes(answers)
        counts = classes.sizes
        sizes = iter([counts[label] for label in classes.labels])
        shares = [
            0.0 if rollout.answer is None else next(sizes) / len(group.rollouts)
            for rollout in group.rollouts
        ]
        return GroupScore(group, tuple(
            Score(index=rollout.index, value=share, reasons=("share of the same answer",))
            for rollout, share in zip(group.rollouts, shares, strict=True)
        ))  # fmt: skip


@dataclass(frozen=True)
class RandomScorer:
    """0 or 1 by a fair coin: the control that a training recipe needs (arXiv 2506.10947).

    The coin is a hash of seed, prompt and response, so that a resumed run sees the same rewards.
    """

    seed: int = 0

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Toss a coin for each rollout."""
        return GroupScore(group, tuple(self._tossed(group, rollout) for rollout in group.rollouts))

    def _tossed(self, group: Group, rollout: Rollout) -> Score:
        text = f"{self.seed}\0{group.prompt!r}\0{rollout.index}\0{rollout.text}"
        heads = sha256(text.encode("utf-8", "surrogatepass")).digest()[0] & 1
        return Score(index=rollout.index, value=float(heads), reasons=("a coin",))
