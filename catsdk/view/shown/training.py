"""Training: the logged metrics as curves over the steps, and the groups of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from catsdk.view.index import Index

__all__ = ["CURVES", "curves_of", "steps_of"]

CURVES: Final = {
    "reward": ("reward", "reward"),
    "agreement": ("agreement", "cat/agreement"),
    "zero variance": ("share of groups without reward spread", "cat/zero_variance"),
    "held-out policy": ("held-out accuracy of the policy", "eval_cat/policy"),
    "held-out majority": ("held-out accuracy of the majority", "eval_cat/majority"),
    "held-out teacher": ("held-out accuracy of the teacher", "eval_cat/teacher"),
    "lead": ("teacher minus policy", "eval_cat/lead"),
    "held-out agreement": ("held-out agreement", "eval_cat/agreement"),
    "entropy": ("entropy, in nats", "entropy"),
    "kl": ("KL to the reference model", "kl"),
    "length": ("mean length, in tokens", "completions/mean_length"),
    "scored": ("share of rollouts with a reward", "cat/scored"),
}
"""The curves by name, with their labels and the names under which the trainer logs them."""


def curves_of(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The curves in a log, each a list of steps and values.

    Args:
        history: The logged rows.
    """
    curves: list[dict[str, Any]] = []
    for name, (words, logged) in CURVES.items():
        points = [
            [row["step"], row[logged]]
            for row in history
            if isinstance(row.get(logged), int | float) and "step" in row
        ]
        if points:
            curves.append({"name": name, "words": words, "points": points})
    return curves


def steps_of(index: Index, run: str) -> list[dict[str, Any]]:
    """The steps that have groups, with a summary of each step's groups.

    Args:
        index: The index.
        run: The run's name.
    """
    return index.ask(
        "SELECT step, count(*) AS groups, avg(reward) AS reward, avg(agreement) AS agreement,"
        " avg(flat) AS flat, sum(unrewarded) AS unrewarded"
        " FROM item WHERE run = ? AND step IS NOT NULL GROUP BY step ORDER BY step",
        [run],
    )
