"""The metrics and the columns of TRL's completions table for the groups of a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from catsdk.core.types import Usage
from catsdk.scored import Scored

__all__ = ["COLUMNS", "columns_of", "metrics_of"]

COLUMNS = ("reference", "reference_answer", "agreement", "no_reward_because")

# With fewer prompts, equal answers mean little.
_FEW = 4


def columns_of(scored: Scored, at: int) -> dict[str, Any]:
    """The reward of rollout `at`, and its entry in each of `COLUMNS`."""
    reference, own = scored.result.reference, scored.result.scores[at]
    because = "; ".join(own.reasons) or str(own.failure or "")
    return {
        "reward": own.value,
        "reference": reference.text if reference else "",
        "reference_answer": (reference.answer or "") if reference else "",
        "agreement": _agreement(scored),
        "no_reward_because": "" if own.value is not None else because,
    }


def metrics_of(step: Sequence[Scored], usage: Usage) -> Mapping[str, float]:
    """The metrics of the groups of one step.

    Args:
        step: The groups that this rank scored.
        usage: The usage of scoring them, including failed groups.
    """
    agreements = [a for scored in step if (a := _agreement(scored)) is not None]
    rewards = [reward for scored in step for reward in scored.result.rewards]
    means = {
        "cat/agreement": agreements,
        "cat/zero_variance": _flat(step),
        "cat/scored": [float(reward is not None) for reward in rewards],
        "cat/left_out": [float(scored.left_out) for scored in step],
    }
    for scored in step:
        for name, value in (*scored.measures.items(), *_parts(scored).items()):
            means.setdefault(f"cat/{name}", []).append(value)
    return {
        **{name: fmean(values) for name, values in means.items() if values},
        **_constant(step),
        "cat/requests": float(usage.requests),
        "cat/tokens": float(usage.tokens),
        **({} if usage.cost is None else {"cat/cost": usage.cost}),
    }


def _agreement(scored: Scored) -> float | None:
    reference = scored.result.reference
    return reference.agreement if reference else None


def _parts(scored: Scored) -> Mapping[str, float]:
    """The mean of each part of a sum over the rollouts of the group."""
    values: dict[str, list[float]] = {}
    for score in scored.result.scores:
        for name, part in score.parts.items():
            if part.value is not None:
                values.setdefault(f"reward/{name}", []).append(part.value)
    return {name: fmean(known) for name, known in values.items()}


def _constant(step: Sequence[Scored]) -> Mapping[str, float]:
    """The share of different prompts that have the same reference answer."""
    answers = {
        scored.group.question: scored.result.reference.answer
        for scored in step
        if scored.result.reference is not None and scored.result.reference.answer is not None
    }
    if len(answers) < _FEW:
        return {}
    ((_, most),) = Counter(answers.values()).most_common(1)
    return {"cat/constant": most / len(answers)}


def _flat(step: Sequence[Scored]) -> list[float]:
    """For each rewarded group, whether its rewards are all the same, so that it teaches nothing."""
    known = [{r for r in scored.result.rewards if r is not None} for scored in step]
    return [float(len(rewards) == 1) for rewards in known if rewards]
