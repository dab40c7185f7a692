"""The signs that a preflight measures: what each is called, of which prompts, and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.seen import Seen

__all__ = ["SIGNS", "Sign", "measured"]

_NO_ANSWERS: Final = "no prompt has a known answer (held_out)"
_NO_REFERENCE: Final = "the reward makes no reference that could be right or wrong"


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that is measured.

    Args:
        name: What it is called in JSON.
        label: What it is called for a reader.
        of: What one group says.
        graded: Whether it needs a known answer.
        least: The least that one group can say.
        most: The most.
        unknown: Why it is unknown where no group says anything.
    """

    name: str
    label: str
    of: Callable[[Seen], float | None]
    graded: bool = False
    least: float = 0.0
    most: float = 1.0
    unknown: str = "no group could be measured"


def _of_reference(
    name: str, label: str, of: Callable[[Seen], float | None], least: float = 0.0
) -> Sign:
    """What says whether references are right."""
    return Sign(name, label, of, graded=True, least=least, unknown=_NO_REFERENCE)


SIGNS: Final = (
    Sign("usable", "prompts whose rewards differ", lambda seen: seen.usable),
    Sign(
        "zero_variance",
        "groups with one and the same reward",
        lambda seen: seen.zero_variance,
        unknown="no group has a reward",
    ),
    Sign("no_reward", "groups without any reward", lambda seen: seen.unrewarded),
    Sign(
        "no_answer",
        "rollouts without a final answer",
        lambda seen: seen.no_answer,
        unknown="no rollout was drawn",
    ),
    Sign(
        "agreement",
        "rollouts with the most frequent answer",
        lambda seen: seen.votes.share,
        unknown="no rollout has an answer",
    ),
    Sign(
        "answer_entropy",
        "entropy of a prompt's answers, nats",
        lambda seen: seen.answer_entropy,
        most=inf,
        unknown="no rollout has an answer",
    ),
    Sign(
        "token_entropy",
        "entropy of a token, nats",
        lambda seen: seen.token_entropy,
        most=inf,
        unknown="the policy gives no log-probabilities",
    ),
    Sign(
        "not_the_reference",
        "rollouts with another answer than the reference",
        lambda seen: None if seen.matching is None else 1 - seen.matching,
        unknown="no reference has an answer",
    ),
    Sign("policy", "one rollout is right", lambda seen: seen.policy, graded=True),
    Sign("majority", "the majority is right", lambda seen: seen.majority, graded=True),
    _of_reference("teacher", "the teacher is right", lambda seen: seen.teacher),
    _of_reference(
        "lead", "lead of the teacher over one rollout", lambda seen: seen.lead, least=-1.0
    ),
    _of_reference(
        "over_majority",
        "lead of the teacher over the majority",
        lambda seen: seen.over_majority,
        least=-1.0,
    ),
    Sign(
        "aim",
        "aim: how the rewards favour right rollouts",
        lambda seen: seen.aim,
        graded=True,
        least=-0.5,
        most=0.5,
    ),
    Sign(
        "best_aim",
        "aim that known answers would have",
        lambda seen: seen.best_aim,
        graded=True,
        most=0.5,
    ),
)
"""All of them, in the order in which they are shown."""


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
        (sign.of(seen) for seen in groups),
        least=sign.least,
        most=sign.most,
        unknown=sign.unknown,
        label=sign.label,
    )
