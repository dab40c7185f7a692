"""Rewards are combined, lowered and left out as asked, and a missing one stays missing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import catsdk as cat
from catsdk.core.types import Failure, Group, Provenance, Reference, Score
from catsdk.equivalence.evidence import with_evidence
from catsdk_trainers.rows import groups_of
from catsdk_trainers.scoring import GroupScore, Row, unscored
from catsdk_trainers.shaping import CombinedScorer, PenalisingScorer, SelectingScorer

GROUP = cat.group_of("q", ["\\boxed{1}", "\\boxed{1}", "\\boxed{2}"])
REFERENCE = with_evidence(
    Reference(text="1", answer="1", group=GROUP, provenance=Provenance(method="test"))
)


@dataclass
class Says:
    """Scores as it is told."""

    values: tuple[float | None, ...]
    reference: Reference | None = None

    async def score_group(self, group: Group, row: Row) -> GroupScore:
        scores = tuple(Score(index=at, value=value) for at, value in enumerate(self.values))
        return GroupScore(group, scores, self.reference)


class Fails:
    async def score_group(self, group: Group, row: Row) -> GroupScore:
        return unscored(group, Failure(kind="ServerError", message="down"))


async def test_a_combination_is_the_weighted_mean_and_a_gap_stays_a_gap() -> None:
    parts = (("a", 3.0, Says((1.0, 0.0, None))), ("b", 1.0, Says((0.0, 1.0, 1.0), REFERENCE)))
    score = await CombinedScorer(parts).score_group(GROUP, {})
    assert score.rewards == (0.75, 0.25, None)
    assert score.reference is REFERENCE
    assert score.measures == {"reward/a": 0.5, "reward/b": pytest.approx(2 / 3)}


async def test_a_part_that_fails_leaves_the_group_without_reward_and_says_why() -> None:
    parts = (("a", 1.0, Says((1.0, 0.0, 1.0))), ("b", 1.0, Fails()))
    score = await CombinedScorer(parts).score_group(GROUP, {})
    assert score.rewards == (None,) * 3
    assert score.failed and score.cause is not None and score.cause.message == "down"


async def test_long_and_cut_responses_are_penalised_by_their_tokens() -> None:
    ids = [[1] * 3, [1] * 8, [1] * 10]
    ((group, _),) = groups_of(
        ["q"] * 3, ["a", "b", "c"], {"completion_ids": ids}, 3, most_tokens=10
    )
    scorer = PenalisingScorer(Says((1.0, 1.0, 1.0)), most_tokens=5, truncated=-0.5)
    assert (await scorer.score_group(group, {})).rewards == (1.0, 0.0, -0.5)
    gaps = PenalisingScorer(Says((None, None, None)), most_tokens=5)
    assert (await gaps.score_group(group, {})).rewards == (None,) * 3


async def test_a_group_left_out_has_no_reward_and_has_not_failed() -> None:
    agreeing = SelectingScorer(Says((1.0, 1.0, 0.0), REFERENCE), most_agreement=0.6)
    left = await agreeing.score_group(GROUP, {})
    assert left.rewards == (None,) * 3
    assert not left.failed and left.measures == {"left_out": 1.0}
    assert left.cause is not None and "agreement 0.67 is over 0.6" in left.cause.message
    flat = SelectingScorer(Says((1.0, 1.0, None)), flat=True)
    assert not (await flat.score_group(GROUP, {})).failed
    kept = SelectingScorer(Says((1.0, 1.0, 0.0), REFERENCE), most_agreement=0.7, flat=True)
    assert (await kept.score_group(GROUP, {})).rewards == (1.0, 1.0, 0.0)


async def test_a_group_that_failed_is_not_called_left_out() -> None:
    score = await SelectingScorer(Fails(), most_agreement=0.5, flat=True).score_group(GROUP, {})
    assert score.failed and score.measures == {"left_out": 0.0}
