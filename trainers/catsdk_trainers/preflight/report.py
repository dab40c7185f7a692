"""Preflight: the measures taken before a training, and whether it is likely to pay off."""

from __future__ import annotations

from catsdk.core.value import Value
from catsdk_trainers.preflight.consensus import Consensus
from catsdk_trainers.preflight.forecast import Forecast
from catsdk_trainers.preflight.measure import Measure
from catsdk_trainers.preflight.rule import Answer, Check

__all__ = ["Preflight"]

_CUT = (
    "Too many rollouts end without a final answer: raise rollouts.max_tokens, lower"
    " rollouts.temperature, or say in each prompt how short the answer is to be."
)
_NOTHING_KNOWN = (
    "Without known answers nothing shows whether the rewards favour right answers: give a few dozen"
    " (--held-out FILE)."
)


class Preflight(Value):
    """The results of a preflight.

    Args:
        model: The model to train.
        method: The method that would reward it.
        rollouts: G, the rollouts per prompt.
        prompts: How many of the training's prompts were sampled.
        graded: How many prompts with known answers were sampled.
        pays: Whether the training is likely to pay off, by the rule.
        checks: The conditions of the rule, with the findings.
        measures: All measures, by the name of the sign.
        consensus: The results of the probe for false consensus.
        forecast: The expected calls, cost and time of the training.
        partial: Why something is missing, such as an exhausted budget.

    Example:
        >>> from catsdk.train import preflight, preset
        >>> config = preset("box", rollouts={"count": 2, "max_tokens": 8})
        >>> found = preflight(config, prompts=1)
        >>> found.measures["no_answer"].mean  # in eight tokens none comes to an end
        1.0
    """

    model: str
    method: str
    rollouts: int
    prompts: int
    graded: int
    pays: Answer
    checks: tuple[Check, ...]
    measures: dict[str, Measure]
    consensus: Consensus
    forecast: Forecast
    partial: str | None = None

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do before the training, in a sentence or two for each finding."""
        failing = {check.sign for check in self.checks if check.passed is not True}
        found = [self._vote_is_ahead(), _CUT if "no_answer" in failing else None]
        if failing and not self.graded:
            found.append(_NOTHING_KNOWN)
        elif failing == {"aim"} and self.pays == "unknown":
            found.append("Measure more prompts: --prompts N, and as many with known answers.")
        elif failing:
            found.append("See 'When label-free rewards fail' in the documentation.")
        return tuple(each for each in found if each)

    def _vote_is_ahead(self) -> str | None:
        """A warning if the teacher is worse than the majority of the same rollouts."""
        lead = self.measures.get("over_majority", Measure())
        if lead.mean is None or lead.high is None or lead.mean >= 0:
            return None
        shares = (self.measures[name].mean or 0.0 for name in ("teacher", "majority"))
        teacher, majority = (f"{share:.0%}" for share in shares)
        chance = "" if lead.high < 0 else ", which may be chance on so few"
        return (
            f"The reference was right on {teacher} of {lead.count} prompts with known answers, and"
            f" the majority vote of the same rollouts on {majority} ({lead}{chance}). The vote asks"
            " no model: train on it (--set cat.estimator=Majority), unless more prompts or a"
            " stronger anchor show otherwise."
        )
