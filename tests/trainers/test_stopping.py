"""Training ends for a reason that the logged rows give, and for no other."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers")
pytestmark = pytest.mark.needs_torch

from catsdk_trainers.config.settings import Stop
from catsdk_trainers.trl.signals import reason_to_stop


def evaluated(*pairs: tuple[float, float], lead: float = 0.1) -> list[dict[str, Any]]:
    return [
        {"eval_cat/policy": policy, "eval_cat/agreement": agreement, "eval_cat/lead": lead}
        for policy, agreement in pairs
    ]


COLLAPSING = evaluated((0.5, 0.4), (0.6, 0.5), (0.55, 0.7), (0.5, 0.8), (0.4, 0.95))


def test_agreement_that_rises_while_accuracy_falls_is_a_collapse() -> None:
    reason = reason_to_stop(COLLAPSING, Stop(patience=3))
    assert reason is not None
    assert "fell from 0.600 to 0.55, 0.5, 0.4 while agreement rose from 0.500" in reason


@pytest.mark.parametrize(
    ("history", "stop"),
    [
        (COLLAPSING[:-1], Stop(patience=3)),
        (COLLAPSING, Stop(patience=3, collapse=False)),
        (COLLAPSING, Stop(patience=3, fall=0.06)),
        (evaluated((0.6, 0.5), (0.5, 0.4), (0.4, 0.4), (0.3, 0.3)), Stop(patience=3)),
        (evaluated((0.6, 0.5), (0.5, 0.6), (0.61, 0.7), (0.5, 0.8)), Stop(patience=3)),
        ([], Stop(gap=1.0, entropy=1.0)),
        ([{"loss": 1.0}, {"eval_cat/policy": None}], Stop(gap=1.0, entropy=1.0)),
    ],
    ids=["too short", "turned off", "too little", "agrees less", "recovers", "empty", "untold"],
)
def test_without_the_whole_signal_training_goes_on(
    history: list[dict[str, Any]], stop: Stop
) -> None:
    assert reason_to_stop(history, stop) is None


def test_a_teacher_that_leads_no_more_has_taught_all() -> None:
    history = evaluated((0.5, 0.5), lead=0.1) + evaluated((0.8, 0.6), (0.8, 0.6), lead=0.01)
    stop = Stop(gap=0.02, patience=2)
    assert "taught all" in str(reason_to_stop(history, stop))
    assert reason_to_stop(history[:-1], stop) is None
    assert reason_to_stop(history, Stop(patience=2)) is None


def test_one_answer_for_all_prompts_and_a_policy_without_entropy_are_signals() -> None:
    constant = [{"cat/constant": share} for share in (0.2, 0.95, 1.0)]
    assert "same reference answer" in str(reason_to_stop(constant, Stop(patience=2)))
    assert reason_to_stop(constant, Stop(patience=3)) is None
    flat = [{"entropy": 0.01}, {"entropy": 0.002}]
    assert "under 0.02" in str(reason_to_stop(flat, Stop(patience=2, entropy=0.02)))
    assert reason_to_stop(flat, Stop(patience=2)) is None


def test_a_policy_that_unlearns_what_it_was_sure_of_is_stopped_at_once_and_without_labels() -> None:
    history = [{"eval_cat/kept": share} for share in (1.0, 0.9, 0.7)]
    reason = reason_to_stop(history, Stop())
    assert reason is not None
    assert "it still gives 0.7, under 0.75" in reason
    assert reason_to_stop(history[:-1], Stop()) is None
    assert reason_to_stop(history, Stop(kept=0.6)) is None
    assert reason_to_stop(history, Stop(kept=None)) is None
    # Steps that were logged since say nothing of it.
    assert reason_to_stop([*history, {"loss": 0.1}], Stop()) is not None
