"""The rule of a preflight, which decides if a training is likely to pay off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from catsdk.core.value import Value
from catsdk_trainers.preflight.measure import Measure

__all__ = ["Answer", "Check", "answer_of", "checks_of"]

Answer = Literal["likely", "unlikely", "unknown"]
"""Whether training is likely to pay off."""

MOST_WITHOUT_REWARD: Final = 0.5
MOST_WITHOUT_ANSWER: Final = 0.2
LEAST_USABLE: Final = 0.1
LEAST_AIM: Final = 0.15
FEWEST: Final = 8
"""With fewer prompts with known answers, the aim is not judged."""


class Check(Value):
    """One condition of the rule.

    Args:
        sign: The name of the measure.
        rule: The condition, in words.
        found: The measured value.
        passed: Whether it holds; `None` if unknown.

    Example:
        >>> from catsdk.train import Check
        >>> Check(sign="usable", rule="at least 10%", found="0.90", passed=True).passed
        True
    """

    sign: str
    rule: str
    found: str
    passed: bool | None


def answer_of(checks: Sequence[Check]) -> Answer:
    """Combine the conditions.

    A training is unlikely to pay off if any condition fails, and likely if all hold.

    Args:
        checks: The conditions.
    """
    if any(check.passed is False for check in checks):
        return "unlikely"
    return "likely" if all(check.passed for check in checks) else "unknown"


def checks_of(measures: Mapping[str, Measure]) -> tuple[Check, ...]:
    """Check the measures against each condition.

    A share on the wrong side fails only if its whole interval is, because a few prompts prove
    nothing.

    Args:
        measures: The measures, by the names of their signs.
    """
    return (
        _at_most(
            measures["no_reward"],
            "no_reward",
            MOST_WITHOUT_REWARD,
            f"at most {MOST_WITHOUT_REWARD:.0%} of the groups have no reward",
        ),
        _at_most(
            measures["no_answer"],
            "no_answer",
            MOST_WITHOUT_ANSWER,
            f"at most {MOST_WITHOUT_ANSWER:.0%} of the rollouts have no final answer",
        ),
        _at_least(
            measures["usable"],
            "usable",
            LEAST_USABLE,
            f"at least {LEAST_USABLE:.0%} of the prompts have rewards that differ",
        ),
        _aims(measures["aim"]),
    )


def _at_most(measure: Measure, sign: str, most: float, rule: str) -> Check:
    passed: bool | None = None
    if measure.mean is not None and measure.low is not None:
        passed = True if measure.mean <= most else False if measure.low > most else None
    return Check(sign=sign, rule=rule, found=str(measure), passed=passed)


def _at_least(measure: Measure, sign: str, least: float, rule: str) -> Check:
    passed: bool | None = None
    if measure.mean is not None and measure.high is not None:
        passed = True if measure.mean >= least else False if measure.high < least else None
    return Check(sign=sign, rule=rule, found=str(measure), passed=passed)


def _aims(aim: Measure) -> Check:
    """Whether rewards favour right rollouts, by enough to matter.

    A random reward has an aim of 0, and known answers one of 0.5 at most. The minimum was chosen on
    the first half of the starting points of `examples.lab.starts`.
    """
    rule = (
        f"the rewards favour right rollouts: the aim is at least {LEAST_AIM:g} and its interval"
        f" over 0, on at least {FEWEST} prompts with known answers; it fails where the whole"
        f" interval is under {LEAST_AIM:g}"
    )
    passed: bool | None = None
    known = aim.mean is not None and aim.low is not None and aim.high is not None
    if known and aim.count >= FEWEST:
        holds = aim.mean >= LEAST_AIM and aim.low > 0  # type: ignore[operator]
        passed = True if holds else False if aim.high < LEAST_AIM else None  # type: ignore[operator]
    return Check(sign="aim", rule=rule, found=str(aim), passed=passed)
