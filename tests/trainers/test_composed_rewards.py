"""A real TRL run takes the CaT of every other door: shipped rewards, sums, one's own, answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

import catsdk as cat
from catsdk.answers import ExactMatch, Extractor
from catsdk.core.types import Group, Reference, Request
from catsdk.runtime.context import Context
from catsdk.testing import FunctionProvider
from catsdk_trainers.trl.anchors import PolicyAnchor
from catsdk_trainers.trl.attach import attach
from catsdk_trainers.trl.reward import reward
from tests.test_doors import Counting, Longest
from tests.trainers.test_grpo_training import trainer_of

TWO_STEPS = 2


def everything(text: str) -> str | None:
    return text


ANYTHING = cat.Answers(Extractor((("everything", everything),)), ExactMatch())


class Brief(cat.Reward):
    """Ten lines of a user: the share of letters in a response, if the reference has any text."""

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        assert reference is not None and reference.text
        return [
            ctx.score(r, sum(map(str.isalpha, r.text)) / (len(r.text) or 1), "letters")
            for r in group.rollouts
        ]


def writes(request: Request) -> str:
    if "criteria" in request.messages[-1].text.lower():
        return '{"criteria": ["a", "b", "c", "d", "e"]}'
    return "# UNIFIED RESPONSE\nIt is \\boxed{4}."


def judge(word: str) -> FunctionProvider:
    def script(request: Request) -> str:
        return "yes" if word in request.messages[-1].text else "no"

    return FunctionProvider(script, name=f"judge of {word}")


def trained(c: cat.CaT, folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """What two steps logged."""
    made = reward(c)
    trainer = trainer_of("qwen3", folder, made, lora=False, max_steps=TWO_STEPS, **settings)
    attach(trainer, made)
    trainer.train()
    made.close()
    return [row for row in trainer.state.log_history if "cat/scored" in row]


def test_answers_are_rewarded_by_the_synthesis_of_the_initial_policy(tmp_path: Path) -> None:
    synthesis = cat.Synthesizer(PolicyAnchor("initial"), cat.Sampling(max_tokens=8))
    logged = trained(cat.CaT(estimator=synthesis, reward=cat.AnswerReward()), tmp_path)
    # Two groups a step; the anchor, a random model too, is asked again where it wrote nothing.
    assert all(row["cat/requests"] >= 2.0 for row in logged)
    assert all("rewards/answer/mean" in row for row in logged)


def test_a_reward_of_ones_own_is_given_the_reference_and_the_context(tmp_path: Path) -> None:
    c = cat.CaT(estimator=FunctionProvider(writes), reward=Brief())
    logged = trained(c, tmp_path)
    assert [row["cat/scored"] for row in logged] == [1.0] * TWO_STEPS
    assert all(0 <= row["rewards/brief/mean"] <= 1 for row in logged)


def test_a_panel_by_rubric_and_a_penalty_add_up_and_each_part_is_logged(tmp_path: Path) -> None:
    panel = cat.Panel(judge("a"), judge(""), rule="mean")
    by = cat.RubricReward(judge=panel) + 0.1 * cat.LengthPenalty(4)
    logged = trained(cat.CaT(estimator=FunctionProvider(writes), reward=by), tmp_path)
    for row in logged:
        assert row["cat/scored"] == 1.0
        # A random model never ends by itself: each of its responses has eight tokens, over four.
        assert row["cat/reward/length_penalty"] == -1.0
        total = row["cat/reward/rubric"] - 0.1
        assert row["rewards/rubric+length_penalty/mean"] == pytest.approx(total, abs=1e-4)


def test_the_answers_of_the_cat_decide_what_an_answer_is(tmp_path: Path) -> None:
    majority = cat.CaT(estimator=cat.Majority(), reward=cat.AnswerReward(), answers=ANYTHING)
    boxed = cat.CaT(estimator=cat.Majority(), reward=cat.AnswerReward())
    # A random model boxes nothing; with everything as the answer each response has one.
    assert [row["cat/scored"] for row in trained(boxed, tmp_path)] == [0.0] * TWO_STEPS
    logged = trained(majority, tmp_path)
    assert [row["cat/scored"] for row in logged] == [1.0] * TWO_STEPS
    assert all(row["rewards/answer/mean"] >= 0.5 for row in logged)


def test_an_estimator_of_ones_own_makes_the_reference(tmp_path: Path) -> None:
    c = cat.CaT(estimator=Longest(), reward=cat.AnswerReward(), answers=ANYTHING)
    logged = trained(c, tmp_path)
    assert [row["cat/scored"] for row in logged] == [1.0] * TWO_STEPS
    # The longest response of each group is the reference, and so right.
    assert all(row["rewards/answer/mean"] > 0 for row in logged)


def test_every_call_of_a_training_goes_through_middleware_of_ones_own(tmp_path: Path) -> None:
    Counting.seen = 0
    client = cat.Client(middleware=[*cat.default_middleware(), Counting])
    logged = trained(
        cat.CaT(estimator=FunctionProvider(writes), reward=Brief(), client=client), tmp_path
    )
    # And one before the first step, which asks whether the model answers at all.
    assert Counting.seen == 1 + sum(row["cat/requests"] for row in logged) > 1
