"""A panel decides by its members' votes, keeps them, and is silent without a quorum."""

from __future__ import annotations

from typing import Any

import pytest

from catsdk.core.errors import InvalidInputError
from catsdk.rewards.rubric import RubricReward
from catsdk.rubrics.judge import Judge
from catsdk.rubrics.panel import Panel
from tests.rubrics import scripted


def votes(*answers: bool | None | str) -> list[scripted.FixedJudge]:
    return [scripted.FixedJudge(lambda name, text, answer=answer: answer) for answer in answers]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("answers", "met", "kind"),
    [
        ((True, True, False), True, None),
        ((True, False, False), False, None),
        ((True, None, True), True, None),
        ((True, None, "left out"), None, "NoQuorum"),
        ((True, False, None), None, "Tie"),
    ],
)
async def test_the_majority_decides_among_those_who_answered(
    answers: Any, met: bool | None, kind: str | None
) -> None:
    (verdict,) = await Panel(*votes(*answers)).judge(
        scripted.rubric_of("a"), scripted.rollout_of("x")
    )
    assert (verdict.met, verdict.failure and verdict.failure.kind) == (met, kind)
    assert [vote.met for vote in verdict.votes] == [a for a in answers if a != "left out"]


async def test_a_mean_is_the_share_of_yes_and_becomes_the_reward() -> None:
    panel = Panel(*votes(True, True, False, None), rule="mean")
    (verdict,) = await panel.judge(scripted.rubric_of("a"), scripted.rollout_of("x"))
    assert verdict.grade == verdict.degree == pytest.approx(2 / 3)
    group = scripted.group_of("x")
    (score,) = await RubricReward(judge=panel, rubric=scripted.rubric_of("a")).reward(
        group, scripted.reference_of(group)
    )
    assert score.value == pytest.approx(2 / 3)


async def test_the_evidence_of_an_agreeing_member_is_shown_and_every_call_counts() -> None:
    members = [Judge(scripted.contains_judge(name=name)) for name in ("one", "two", "three")]
    (verdict,) = await Panel(*members).judge(
        scripted.rubric_of("alpha"), scripted.rollout_of("alpha")
    )
    assert (verdict.evidence, verdict.quoted, verdict.usage.requests) == ("alpha", True, 3)
    assert [vote.judge for vote in verdict.votes] == ["one", "two", "three"]


@pytest.mark.parametrize("at_least", [0, 4])
def test_a_quorum_that_cannot_be_is_refused(at_least: int) -> None:
    with pytest.raises(InvalidInputError, match="panel of 3"):
        Panel(*votes(True, True, True), at_least=at_least)
    with pytest.raises(InvalidInputError, match="panel of 0"):
        Panel()
