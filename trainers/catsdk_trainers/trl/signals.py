"""Signals for the early stop: nothing is left to teach, or the policy is losing abilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catsdk_trainers.config.settings import Stop

__all__ = ["reason_to_stop"]

History = Sequence[Mapping[str, Any]]


def reason_to_stop(history: History, stop: Stop) -> str | None:
    """Say why training should end, judging by its log, or return `None`.

    Only the log counts, so that a resumed run decides like an uninterrupted one.

    Args:
        history: The logged rows, oldest first, as in `Trained.history`.
        stop: The signals to watch.

    Returns:
        The reason as a sentence; `None` if there is no signal.

    Example:
        >>> from catsdk.train import Stop, reason_to_stop
        >>> reason_to_stop([{"entropy": 0.01}] * 3, Stop(entropy=0.05, patience=3))
        "the policy's entropy is 0.01, 0.01, 0.01 nats, under 0.05"
    """
    return (
        _unlearnt(history, stop)
        or _no_lead(history, stop)
        or _collapse(history, stop)
        or _constant(history, stop)
        or _no_entropy(history, stop)
    )


def _unlearnt(history: History, stop: Stop) -> str | None:
    """Whether the policy no longer gives the answers it was sure of; needs no known answers."""
    shares = _values(history, "eval_cat/kept")[-1:]
    if stop.kept is None or not shares or shares[0] >= stop.kept:
        return None
    return (
        f"of the answers that the policy was sure of at first it still gives {shares[0]:.3g}, under"
        f" {stop.kept:g}: the reward makes it unlearn what it could"
    )


def _no_lead(history: History, stop: Stop) -> str | None:
    leads = _values(history, "eval_cat/lead")[-stop.patience :]
    if stop.gap is None or len(leads) < stop.patience or max(leads) >= stop.gap:
        return None
    return f"the teacher leads the policy by {_all(leads)}, under {stop.gap:g}: it has taught all"


def _collapse(history: History, stop: Stop) -> str | None:
    """Each of the last evaluations has lower accuracy and higher agreement than the best one."""
    seen = [
        (row["eval_cat/policy"], row["eval_cat/agreement"])
        for row in history
        if row.get("eval_cat/policy") is not None and row.get("eval_cat/agreement") is not None
    ]
    best = max(seen[: -stop.patience], default=None)
    if not stop.collapse or best is None:
        return None
    last = seen[-stop.patience :]
    worse = all(policy < best[0] - stop.fall and agreement > best[1] for policy, agreement in last)
    if not worse:
        return None
    return (
        f"held-out accuracy fell from {best[0]:.3f} to {_all(p for p, _ in last)} while agreement"
        f" rose from {best[1]:.3f} to {_all(a for _, a in last)}: the policy agrees with itself and"
        " not with the truth"
    )


def _constant(history: History, stop: Stop) -> str | None:
    shares = _values(history, "cat/constant")[-stop.patience :]
    if stop.constant is None or len(shares) < stop.patience or min(shares) < stop.constant:
        return None
    return f"{_all(shares)} of different prompts have the same reference answer"


def _no_entropy(history: History, stop: Stop) -> str | None:
    entropies = _values(history, "entropy")[-stop.patience :]
    if stop.entropy is None or len(entropies) < stop.patience or max(entropies) >= stop.entropy:
        return None
    return f"the policy's entropy is {_all(entropies)} nats, under {stop.entropy:g}"


def _values(history: History, name: str) -> list[float]:
    return [float(row[name]) for row in history if row.get(name) is not None]


def _all(values: Any) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
