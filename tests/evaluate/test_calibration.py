"""The cascade's setting is the cheapest that keeps the score, worked out by hand on three items."""

from __future__ import annotations

import pytest

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Call, Group, Provenance, Reference, Usage
from catsdk.evaluate.calibration import calibrate
from catsdk.evaluate.items import item_of
from catsdk.evaluate.observations import Seen

CALL = Call(stage="synthesize", model="m", usage=Usage(output_tokens=100, requests=1), latency=0.0)


def case(answers: str, gold: str, synthesis: str) -> Seen:
    """Rollouts of ten tokens each, and what the synthesis of all of them answers for a hundred."""
    group = cat.group_of("q", [f"\\boxed{{{each}}}" for each in answers])
    usage = Usage(output_tokens=10, requests=1)
    rollouts = tuple(
        r.model_copy(update={"completion": r.completion.model_copy(update={"usage": usage})})
        for r in group.rollouts
    )
    group = Group(prompt=group.prompt, rollouts=rollouts)
    reference = Reference(
        text="",
        answer=synthesis,
        group=group,
        provenance=Provenance(method="synthesis"),
        calls=(CALL,),
    )
    references = {"synthesis": {len(answers): reference}}
    return Seen(item=item_of(answers, gold), group=group, references=references)


CASES = [
    case("aaaaaaaa", "a", "a"),  # unanimous and right: four are enough at 0.95, 40 tokens
    case(
        "aabbbbbb", "a", "a"
    ),  # b is ahead and wrong: 5 of 7 when it cannot be overtaken, 70 tokens
    case("abababab", "a", "a"),  # a tie, which always goes to the anchor: 80 + 100 tokens
]


async def test_a_majority_that_errs_raises_the_threshold_over_its_share() -> None:
    found = await calibrate(CASES, confidences=(0.95,), thresholds=(0.5, 0.7, 0.75))
    assert (found.score, found.tokens) == (1.0, 180.0)
    # 5 of 7 is 0.714, which 0.7 lets pass and 0.75 does not.
    assert [setting.score for setting in found.tried] == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert [setting.tokens for setting in found.tried] == pytest.approx(
        [(40 + 70 + 180) / 3, (40 + 70 + 180) / 3, (40 + 180 + 180) / 3]
    )
    assert found.chosen.threshold == 0.75


async def test_the_lower_bound_is_that_of_the_paired_difference() -> None:
    found = await calibrate(CASES, confidences=(0.95,), thresholds=(0.5, 0.75))
    # Differences 0, -1, 0: mean -1/3, variance 1/3, so that the standard error is 1/3.
    assert found.tried[0].low == pytest.approx(-1 / 3 - 1.96 / 3)
    assert found.tried[1].low == 0.0


async def test_a_margin_buys_a_cheaper_setting_and_ties_are_cautious() -> None:
    found = await calibrate(CASES, margin=1.0, confidences=(0.95,), thresholds=(0.5, 0.7, 0.75))
    assert found.chosen.threshold == 0.7


async def test_without_a_good_setting_the_one_with_the_best_bound_is_taken() -> None:
    wrong = [case("bbbbbbbb", "a", "a")]
    found = await calibrate(wrong, confidences=(0.95,), thresholds=(0.5, 1.0))
    assert (found.chosen.score, found.chosen.threshold) == (0.0, 1.0)


async def test_items_without_gold_cannot_calibrate() -> None:
    item = CASES[0].item.model_copy(update={"gold": None})
    with pytest.raises(InvalidInputError, match="gold"):
        await calibrate([CASES[0].model_copy(update={"item": item})])
