"""The signs that a preflight measures, with their names, labels, prompts and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from operator import attrgetter
from typing import Final

from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.seen import Seen

__all__ = ["SIGNS", "Sign", "measured"]

_NO_ANSWERS: Final = "no prompt has a known answer (held_out)"
_NO_ROLLOUT_ANSWERS: Final = "no rollout has an answer"
_NO_REFERENCE: Final = "the reward makes no reference that could be right or wrong"


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign to measure.

    Args:
        name: Its name in JSON, and the property of `Seen` with a group's value.
        label: A readable name.
        graded: Whether it needs a known answer.
        least: The smallest value that a group can have.
        most: The largest.
        unknown: Why it is unknown, if no group has a value.
    """

    name: str
    label: str
    graded: bool = False
    least: float = 0.0
    most: float = 1.0
    unknown: str = "no group could be measured"


def _of_reference(name: str, label: str, least: float = 0.0) -> Sign:
    """A sign that says whether references are right."""
    return Sign(name, label, graded=True, least=least, unknown=_NO_REFERENCE)


SIGNS: Final = (
    Sign("usable", "prompts whose rewards differ"),
    Sign("zero_variance", "groups with one and the same reward", unknown="no group has a reward"),
    Sign("no_reward", "groups without any reward"),
    Sign("no_answer", "rollouts without a final answer", unknown="no rollout was drawn"),
    Sign("agreement", "rollouts with the most frequent answer", unknown=_NO_ROLLOUT_ANSWERS),
    Sign(
        "answer_entropy",
        "entropy of a prompt's answers, nats",
        most=inf,
        unknown=_NO_ROLLOUT_ANSWERS,
    ),
    Sign(
        "token_entropy",
        "entropy of a token, nats",
        most=inf,
        unknown="the policy gives no log-probabilities",
    ),
    Sign(
        "not_the_reference",
        "rollouts with another answer than the reference",
        unknown="no reference has an answer",
    ),
    Sign("policy", "one rollout is right", graded=True),
    Sign("majority", "the majority is right", graded=True),
    _of_reference("teacher", "the teacher is right"),
    _of_reference("lead", "lead of the teacher over one rollout", least=-1.0),
    _of_reference("over_majority", "lead of the teacher over the majority", least=-1.0),
    Sign("aim", "aim: how the rewards favour right rollouts", graded=True, least=-0.5, most=0.5),
    Sign("best_aim", "aim that known answers would have", graded=True, most=0.5),
)
"""All signs, in the order of display."""


def measured(trained_on: Sequence[Seen], graded: Sequence[Seen]) -> dict[str, Measure]:
    """Measure every sign.

    Args:
        trained_on: Groups of the training's own prompts.
        graded: Groups with known answers.
    """
    return {sign.name: _measure(sign, graded if sign.graded else trained_on) for sign in SIGNS}


def _measure(sign: Sign, groups: Sequence[Seen]) -> Measure:
    if sign.graded and not groups:
        return Measure.missing(_NO_ANSWERS, sign.label)
    return Measure.of(
        map(attrgetter(sign.name), groups),
        least=sign.least,
        most=sign.most,
        unknown=sign.unknown,
        label=sign.label,
    )
