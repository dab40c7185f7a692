"""Scorers around scorers: weighted combinations, penalties for length, groups that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from catsdk.core.fanout import fan_out
from catsdk.core.types import Failure, Group, Rollout, Score
from catsdk_trainers.scoring import LEFT_OUT, GroupScore, GroupScorer, Row, unscored

__all__ = ["CombinedScorer", "PenalisingScorer", "SelectingScorer"]


@dataclass(frozen=True)
class CombinedScorer:
    """The weighted mean of several rewards, which are asked at once.

    A rollout that one of them could not reward has no reward. Reference and rubric are those of
    the first part that has them.
    """

    parts: tuple[tuple[str, float, GroupScorer], ...]
    """Name, weight and scorer."""

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Ask every part, and take the means."""
        scored = await fan_out(lambda part: part[2].score_group(group, row), self.parts)
        first = next((score for score in scored if score.reference is not None), scored[0])
        rubric = next((score.rubric for score in scored if score.rubric is not None), None)
        causes = [score.cause for score in scored if score.cause is not None]
        return GroupScore(
            group,
            tuple(self._mean([score.scores[at] for score in scored]) for at in _places(scored)),
            first.reference,
            rubric,
            causes[0] if causes else None,
            _means_of_parts(self.parts, scored),
            tuple(scored),
        )

    def _mean(self, scores: list[Score]) -> Score:
        missing = next((score for score in scores if score.value is None), None)
        if missing is not None:
            return missing
        weights = [weight for _, weight, _ in self.parts]
        weighted = sum(
            weight * (score.value or 0.0) for weight, score in zip(weights, scores, strict=True)
        )
        return Score(
            index=scores[0].index,
            value=weighted / sum(abs(weight) for weight in weights),
            reasons=tuple(reason for score in scores for reason in score.reasons),
            verdicts=tuple(verdict for score in scores for verdict in score.verdicts),
        )


def _places(scored: list[GroupScore]) -> range:
    return range(len(scored[0].scores))


def _means_of_parts(
    parts: tuple[tuple[str, float, GroupScorer], ...], scored: list[GroupScore]
) -> Mapping[str, float]:
    measures: dict[str, float] = {}
    for (name, _, _), score in zip(parts, scored, strict=True):
        known = [reward for reward in score.rewards if reward is not None]
        if known:
            measures[f"reward/{name}"] = sum(known) / len(known)
        measures |= score.measures
    return measures


@dataclass(frozen=True)
class PenalisingScorer:
    """Adds `penalty` to the reward of a response over `most_tokens`, `truncated` to one cut short.

    The paper adds -1 to responses of over 750 tokens on HealthBench. A response without a reward
    gets none by this.
    """

    scorer: GroupScorer
    most_tokens: int | None = None
    penalty: float = -1.0
    truncated: float = 0.0

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Score, then add what is due."""
        score = await self.scorer.score_group(group, row)
        rollouts = {rollout.index: rollout for rollout in group.rollouts}
        scores = tuple(self._after(each, rollouts.get(each.index)) for each in score.scores)
        return replace(score, scores=scores)

    def _after(self, score: Score, rollout: Rollout | None) -> Score:
        if score.value is None or rollout is None:
            return score
        value, reasons = score.value, score.reasons
        tokens = rollout.completion.usage.output_tokens
        if self.most_tokens is not None and tokens > self.most_tokens:
            value += self.penalty
            reasons += (f"{tokens} tokens, over {self.most_tokens}",)
        if self.truncated and rollout.completion.finish_reason == "length":
            value += self.truncated
            reasons += ("it was cut short",)
        return score.model_copy(update={"value": value, "reasons": reasons})


@dataclass(frozen=True)
class SelectingScorer:
    """Leaves out groups that teach nothing, or that agree too much: they get no reward.

    A group left out has advantage 0 and does not count as failed. `flat` leaves out groups whose
    rewards are all the same, `most_agreement` those of which a larger share gives one answer: a
    self-consistent reward tells such a group only to stay as it is (arXiv 2505.21444).
    """

    scorer: GroupScorer
    most_agreement: float | None = None
    flat: bool = False

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        """Score, then leave out what is to be left out."""
        score = await self.scorer.score_group(group, row)
        why = self._why_not(score)
        out = replace(score, measures={**score.measures, "left_out": float(why is not None)})
        if why is None:
            return out
        left = unscored(group, Failure(kind=LEFT_OUT, message=why))
        return replace(out, scores=left.scores, cause=left.cause)

    def _why_not(self, score: GroupScore) -> str | None:
        most = 1.0 if self.most_agreement is None else self.most_agreement
        agreement = score.reference.agreement if score.reference else None
        if agreement is not None and agreement > most:
            return f"agreement {agreement:.2f} is over {most:g}"
        rewards = {reward for reward in score.rewards if reward is not None}
        return "all its rewards are the same" if self.flat and len(rewards) == 1 else None
