"""How an evaluation ended: its exit code, and why it is not 0."""

from __future__ import annotations

from catsdk.core.errors import BudgetExceededError
from catsdk.evaluate.patience import OF_ONE_REQUEST
from catsdk.evaluate.report import Report

__all__ = ["exit_code"]

DONE, FAILED, WRONG_SET_UP, PARTIAL = 0, 1, 2, 3

_BUDGET = BudgetExceededError.__name__
# An estimator that needs what a model lacks says so, and is no reason to distrust the others.
_EXPECTED = {kind.__name__ for kind in OF_ONE_REQUEST}


def exit_code(report: Report) -> tuple[int, str | None]:
    """Give the exit code of the command, as its help lists them, and the reason in a sentence."""
    over = _BUDGET in {_kind(what) for what in report.failures}
    if over:
        cause = next(text for what, text in report.causes.items() if _kind(what) == _BUDGET)
        return PARTIAL, f"partial: {cause}. The same command goes on with a new budget."
    if not report.rollouts:
        return FAILED, f"no rollout was drawn. {_first_cause(report)}"
    if report.unranked is not None:
        return WRONG_SET_UP, report.unranked
    if lost := _lost(report):
        return FAILED, f"{', '.join(lost)} failed on every item. {_first_cause(report, lost)}"
    return DONE, None


def _kind(what: str) -> str:
    return what.rpartition(": ")[2]


def _lost(report: Report) -> list[str]:
    """The estimators of which every reference failed, otherwise than by what a model lacks."""
    names = dict.fromkeys(point.estimator for point in report.points)
    whole = [
        name
        for name in names
        if all(p.failed == p.items for p in report.points if p.estimator == name)
    ]
    return [
        name
        for name in whole
        if not all(
            _kind(what) in _EXPECTED for what in report.failures if what.startswith(f"{name}: ")
        )
    ]


def _first_cause(report: Report, names: list[str] | None = None) -> str:
    wanted = tuple(f"{name}: " for name in names or ["rollout"])
    return next((t for what, t in report.causes.items() if what.startswith(wanted)), "")
